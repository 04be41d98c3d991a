//! Limits and budgets, as every kind of identity has them.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Timestamp;
use crate::Money;

/// Rates that an identity may not exceed. What is not set is not limited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Limits {
    /// Requests in a minute.
    pub rpm_limit: Option<u64>,
    /// Tokens in a minute.
    pub tpm_limit: Option<u64>,
    /// Tokens in a day, of batches.
    pub tpd_limit: Option<u64>,
    /// Requests at the same time.
    pub max_parallel_requests: Option<u64>,
    /// Requests in a minute, by model.
    pub model_rpm_limit: BTreeMap<String, u64>,
    /// Tokens in a minute, by model.
    pub model_tpm_limit: BTreeMap<String, u64>,
}

/// What an identity may spend. What is not set is not limited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BudgetTerms {
    /// Most that may be spent in a period, or ever where there is no period.
    #[serde(deserialize_with = "amount")]
    pub max_budget: Option<Money>,
    /// Spend at which somebody is told.
    #[serde(deserialize_with = "amount")]
    pub soft_budget: Option<Money>,
    /// How long a period is; for ever where there is none.
    pub budget_duration: Option<BudgetDuration>,
    /// When the period ends that the known spend belongs to. Later, that spend counts no more.
    pub budget_reset_at: Option<Timestamp>,
    /// Budgets by model.
    pub model_max_budget: BTreeMap<String, ModelBudget>,
    /// Several windows that hold at the same time.
    pub budget_limits: Vec<BudgetWindow>,
}

/// A budget of one model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ModelBudget {
    /// Most that may be spent in a period.
    #[serde(alias = "max_budget", deserialize_with = "amount")]
    pub budget_limit: Option<Money>,
    /// How long a period is.
    #[serde(alias = "budget_duration")]
    pub time_period: Option<BudgetDuration>,
    /// Requests in a minute.
    pub rpm_limit: Option<u64>,
    /// Tokens in a minute.
    pub tpm_limit: Option<u64>,
}

/// One of several windows of a budget.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BudgetWindow {
    /// Most that may be spent in a period.
    #[serde(alias = "budget_limit", deserialize_with = "amount")]
    pub max_budget: Option<Money>,
    /// How long a period is.
    #[serde(alias = "time_period")]
    pub budget_duration: Option<BudgetDuration>,
}

/// What was spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Spent {
    /// In the period that ends at [`BudgetTerms::budget_reset_at`], or ever where there are no periods.
    #[serde(deserialize_with = "spend")]
    pub spend: Money,
    /// Ever.
    #[serde(deserialize_with = "spend")]
    pub total_spend: Money,
}

impl Spent {
    /// These amounts.
    #[must_use]
    pub const fn new(spend: Money, total_spend: Money) -> Self {
        Self { spend, total_spend }
    }

    /// What counts now: nothing once the period has ended.
    #[must_use]
    pub fn now(&self, terms: &BudgetTerms, now: Timestamp) -> Money {
        if terms.budget_reset_at.is_some_and(|end| end <= now) { Money::ZERO } else { self.spend }
    }
}

/// An amount of money from a client, who writes a number, or from a store, which holds a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(serde_json::Number),
    Text(String),
}

impl Written {
    fn read<E: de::Error>(self) -> Result<Money, E> {
        let amount = match self {
            Self::Number(number) => number.to_string().parse::<Money>(),
            Self::Text(text) => text.parse(),
        };
        amount.map_err(E::custom)
    }
}

fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Money>, D::Error> {
    let amount = Option::<Written>::deserialize(deserializer)?.map(Written::read).transpose()?;
    match amount {
        Some(amount) if amount.is_negative() => Err(de::Error::custom("a budget cannot be below 0")),
        amount => Ok(amount),
    }
}

fn spend<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
    Ok(Option::<Written>::deserialize(deserializer)?.map(Written::read).transpose()?.unwrap_or_default())
}

/// How long the periods of a budget are, or how long a key is valid: `30s`, `15m`, `12h`, `30d`, `2w`, `1mo`, or
/// `hourly`, `daily`, `weekly`, `monthly`, as LiteLLM writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BudgetDuration {
    count: i64,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

/// A text that is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotADuration;

impl fmt::Display for NotADuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a duration: expected such as 30s, 15m, 12h, 30d, 2w or 1mo")
    }
}

impl std::error::Error for NotADuration {}

/// A stretch of time, of which the end is no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetPeriod {
    /// When it begins.
    pub start: Timestamp,
    /// When it has ended.
    pub end: Timestamp,
}

impl BudgetDuration {
    /// The moment that is so much later. Months are those of the calendar.
    #[must_use]
    pub fn after(self, start: Timestamp) -> Timestamp {
        match self.millis() {
            Some(millis) => start.plus(millis),
            None => start.plus_months(self.count),
        }
    }

    fn millis(self) -> Option<i64> {
        let unit = match self.unit {
            Unit::Second => 1_000,
            Unit::Minute => 60_000,
            Unit::Hour => 3_600_000,
            Unit::Day => 86_400_000,
            Unit::Week => 604_800_000,
            Unit::Month => return None,
        };
        Some(self.count.saturating_mul(unit))
    }

    /// The period of the calendar, in UTC, that holds a moment. A day begins at midnight, a week (`1w`, `7d`) on
    /// Monday, a month (`1mo`, `30d`) on its first; hours, minutes and seconds are counted from midnight of 1970, and
    /// so are other numbers of days and weeks, from a Monday on, and of months.
    ///
    /// It follows from the moment alone, so that all who ask agree, and no job has to begin a period.
    #[must_use]
    pub fn period(self, at: Timestamp) -> BudgetPeriod {
        let (count, unit) = match (self.count, self.unit) {
            (30, Unit::Day) => (1, Unit::Month),
            other => other,
        };
        if unit == Unit::Month {
            let since = at.months().rem_euclid(count);
            return BudgetPeriod {
                start: at.start_of_month(since.saturating_neg()),
                end: at.start_of_month(count.saturating_sub(since)),
            };
        }
        let length = Self { count, unit }.millis().unwrap_or(1).max(1);
        // 1970 began on a Thursday.
        let weeks = unit == Unit::Week || (unit == Unit::Day && count % 7 == 0);
        let origin = if weeks { -3 * 86_400_000 } else { 0 };
        let since = at.millis().saturating_sub(origin).rem_euclid(length);
        let start = at.plus(since.saturating_neg());
        BudgetPeriod { start, end: start.plus(length) }
    }
}

impl Timestamp {
    /// Months since 1970 began.
    fn months(self) -> i64 {
        let date = self.date();
        let mut parts = date.splitn(3, '-').map(|part| part.parse::<i64>().unwrap_or_default());
        let (year, month) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        (year - 1970) * 12 + month - 1
    }
}

impl FromStr for BudgetDuration {
    type Err = NotADuration;

    fn from_str(text: &str) -> Result<Self, NotADuration> {
        let text = text.trim();
        let named = match text {
            "hourly" => Some((1, Unit::Hour)),
            "daily" => Some((1, Unit::Day)),
            "weekly" => Some((1, Unit::Week)),
            "monthly" => Some((1, Unit::Month)),
            _ => None,
        };
        if let Some((count, unit)) = named {
            return Ok(Self { count, unit });
        }
        let at = text.find(|letter: char| !letter.is_ascii_digit()).ok_or(NotADuration)?;
        let (count, unit) = text.split_at_checked(at).ok_or(NotADuration)?;
        let unit = match unit {
            "s" => Unit::Second,
            "m" => Unit::Minute,
            "h" => Unit::Hour,
            "d" => Unit::Day,
            "w" => Unit::Week,
            "mo" => Unit::Month,
            _ => return Err(NotADuration),
        };
        match count.parse::<u32>() {
            Ok(count) if count > 0 => Ok(Self { count: count.into(), unit }),
            _ => Err(NotADuration),
        }
    }
}

impl fmt::Display for BudgetDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Second => "s",
            Unit::Minute => "m",
            Unit::Hour => "h",
            Unit::Day => "d",
            Unit::Week => "w",
            Unit::Month => "mo",
        };
        write!(f, "{}{unit}", self.count)
    }
}

impl Serialize for BudgetDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BudgetDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_those_of_the_calendar() {
        for (duration, at, start, end) in [
            ("1d", "2026-03-04T05:06:07Z", "2026-03-04", "2026-03-05"),
            ("7d", "2026-03-04T05:06:07Z", "2026-03-02", "2026-03-09"),
            ("weekly", "2026-03-02", "2026-03-02", "2026-03-09"),
            ("30d", "2026-02-10", "2026-02-01", "2026-03-01"),
            ("1mo", "2025-12-31T23:59:59Z", "2025-12-01", "2026-01-01"),
            ("3mo", "2026-05-10", "2026-04-01", "2026-07-01"),
            ("12h", "2026-03-04T13:00:00Z", "2026-03-04T12:00:00Z", "2026-03-05"),
            ("30m", "2026-03-04T13:31:00Z", "2026-03-04T13:30:00Z", "2026-03-04T14:00:00Z"),
        ] {
            let period = duration.parse::<BudgetDuration>().unwrap().period(at.parse().unwrap());
            let expected = BudgetPeriod { start: start.parse().unwrap(), end: end.parse().unwrap() };
            assert_eq!(period, expected, "{duration} at {at}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "d", "0d", "-1d", "1y", "1.5h", "30", "99999999999d"] {
            assert_eq!(text.parse::<BudgetDuration>(), Err(NotADuration), "{text}");
        }
        assert_eq!("daily".parse::<BudgetDuration>().unwrap().to_string(), "1d");
    }

    #[test]
    fn budgets_are_read_as_numbers_or_texts_and_never_below_nothing() {
        let read = |text: &str| serde_json::from_str::<BudgetTerms>(text);
        for text in [r#"{"max_budget": 0.1}"#, r#"{"max_budget": "0.1"}"#] {
            assert_eq!(read(text).unwrap().max_budget.unwrap().to_string(), "0.1");
        }
        for text in [r#"{"max_budget": -1}"#, r#"{"max_budget": "nan"}"#, r#"{"max_budget": true}"#] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spend_counts_until_its_period_ends() {
        let mut terms = BudgetTerms::default();
        let spent = Spent::new("1".parse().unwrap(), "5".parse().unwrap());
        let now = Timestamp::now();
        assert_eq!(spent.now(&terms, now), spent.spend);
        terms.budget_reset_at = Some(now);
        assert_eq!(spent.now(&terms, now), Money::ZERO);
    }
}
