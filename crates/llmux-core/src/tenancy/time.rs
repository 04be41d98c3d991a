//! Moments of the calendar, in UTC.

use std::{
    fmt,
    str::FromStr,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const DAY_MS: i64 = 86_400_000;

/// A moment, in milliseconds since 1970. As text it is `2026-01-02T03:04:05.678Z`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text that is no date and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotATime;

impl fmt::Display for NotATime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a date: expected such as 2026-01-31 or 2026-01-31T12:00:00Z")
    }
}

impl std::error::Error for NotATime {}

impl Timestamp {
    /// So many milliseconds after 1970 began.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The present.
    #[must_use]
    pub fn now() -> Self {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// So many milliseconds later, or earlier.
    #[must_use]
    pub const fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// When the day of this moment began.
    #[must_use]
    pub const fn start_of_day(self) -> Self {
        Self(self.0.saturating_sub(self.0.rem_euclid(DAY_MS)))
    }

    /// Days since 1970.
    pub(super) const fn days(self) -> i64 {
        self.0.div_euclid(DAY_MS)
    }

    /// When a day began, by its number since 1970.
    pub(super) const fn of_day(days: i64) -> Self {
        Self(days.saturating_mul(DAY_MS))
    }

    /// The first moment of the month that is so many months after this one.
    #[must_use]
    pub fn start_of_month(self, months: i64) -> Self {
        let (year, month, _) = civil(self.days());
        let month = year.saturating_mul(12).saturating_add(month - 1).saturating_add(months);
        Self::of_day(days_of(month.div_euclid(12), month.rem_euclid(12) + 1, 1))
    }

    /// The same day and time so many months later; where that month is shorter, its last day.
    #[must_use]
    pub fn plus_months(self, months: i64) -> Self {
        let (_, _, day) = civil(self.days());
        let (first, next) = (self.start_of_month(months), self.start_of_month(months.saturating_add(1)));
        let last = next.days() - first.days();
        Self::of_day(first.days() + day.min(last) - 1).plus(self.0.rem_euclid(DAY_MS))
    }

    /// The day, as `2026-01-31`.
    #[must_use]
    pub fn date(self) -> String {
        let (year, month, day) = civil(self.days());
        format!("{year:04}-{month:02}-{day:02}")
    }
}

/// Year, month and day of a day since 1970. The arithmetic counts from March of the year 0, so that leap days are
/// last, in eras of 400 years.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days.saturating_add(719_468);
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The other way round.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year.saturating_sub(i64::from(month <= 2));
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let from_march = (month + 9) % 12;
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    era.saturating_mul(146_097) + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_day = self.0.rem_euclid(DAY_MS);
        let (seconds, millis) = (of_day / 1_000, of_day % 1_000);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z", self.date())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = NotATime;

    /// Reads a day, or a day and a time behind `T` or a space, with or without a fraction, with `Z`, an offset such
    /// as `+01:00`, or neither, which means UTC.
    fn from_str(text: &str) -> Result<Self, NotATime> {
        read(text.trim()).map(Self).ok_or(NotATime)
    }
}

fn read(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let mut parts = date.splitn(3, '-').map(digits);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let first = days_of(year, month, 1);
    let next = days_of(year + month / 12, month % 12 + 1, 1);
    if !(1..=12).contains(&month) || day < 1 || day > next - first || year > 9999 {
        return None;
    }
    let zone_at = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at_checked(zone_at)?;
    let (clock, fraction) = clock.trim_end().split_once('.').unwrap_or((clock.trim_end(), "0"));
    let mut parts = clock.split(':').map(digits);
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    if hour > 23 || minute > 59 || second > 60 || parts.next().is_some() {
        return None;
    }
    let millis = digits(&format!("{fraction:0<3}").chars().take(3).collect::<String>())?;
    let offset = match zone.get(1..).filter(|offset| !offset.is_empty()) {
        None => 0,
        Some(offset) => {
            let (hours, minutes) = offset.split_once(':').unwrap_or((offset, "0"));
            digits(hours)? * 60 + digits(minutes)?
        }
    };
    let offset = if zone.starts_with('-') { -offset } else { offset };
    let seconds = hour * 3_600 + minute * 60 + second - offset * 60;
    Some((first + day - 1) * DAY_MS + seconds * 1_000 + millis)
}

/// A short number without a sign.
fn digits(text: &str) -> Option<i64> {
    let short = (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| short)
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn moments_are_read_and_written_in_the_forms_that_clients_use() {
        for (text, shown) in [
            ("1970-01-01", "1970-01-01T00:00:00.000Z"),
            ("2024-02-29T12:34:56Z", "2024-02-29T12:34:56.000Z"),
            ("2026-01-01 00:30", "2026-01-01T00:30:00.000Z"),
            ("2026-01-01T00:30:00.1234567+01:00", "2025-12-31T23:30:00.123Z"),
            ("2000-03-01T00:00:00-02:30", "2000-03-01T02:30:00.000Z"),
        ] {
            assert_eq!(time(text).to_string(), shown, "{text}");
            assert_eq!(time(shown), time(text));
        }
        for text in ["", "x", "2026", "2026-13-01", "2025-02-29", "2026-01-01T25:00", "-1-1-1", "2026-00-10"]
        {
            assert_eq!(text.parse::<Timestamp>(), Err(NotATime), "{text}");
        }
    }

    #[test]
    fn every_day_of_eight_centuries_is_found_again() {
        for day in -146_097..146_097 {
            let (year, month, of_month) = civil(day);
            assert_eq!(days_of(year, month, of_month), day);
        }
    }

    #[test]
    fn months_are_calendar_months() {
        assert_eq!(time("2026-01-31T10:00:00Z").plus_months(1), time("2026-02-28T10:00:00Z"));
        assert_eq!(time("2025-12-05").start_of_month(1), time("2026-01-01"));
        assert_eq!(time("2026-01-05").start_of_month(-1), time("2025-12-01"));
    }
}
