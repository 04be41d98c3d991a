//! How long a budget lasts, and where the calendar begins it anew.

use std::{fmt, str::FromStr};

const DAY: u64 = 86_400;

/// After what time spending starts at nothing again.
///
/// The limits are those of the calendar in UTC, so that they are the same on every replica and need no job that
/// resets anything: a day begins at midnight, a week on Monday, a month on its first. Shorter periods divide the day,
/// from midnight on; the last of a day may be shorter. Longer ones follow each other from the day on which the
/// budget was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Period {
    /// So many seconds, at most those of a day.
    Seconds(u64),
    /// From Monday to Monday.
    Week,
    /// A month of the calendar.
    Month,
    /// So many days.
    Days(u64),
}

/// A text that is no period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAPeriod;

impl fmt::Display for NotAPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a period: expected a number and `s`, `m`, `h`, `d`, `w` or `mo`, such as `30d`")
    }
}

impl std::error::Error for NotAPeriod {}

impl FromStr for Period {
    type Err = NotAPeriod;

    /// Reads LiteLLM's words: `30s`, `15m`, `24h`, `1d`, `1w` or `7d` (a week of the calendar), `1mo` or `30d` (a
    /// month of the calendar), `hourly`, `daily`, `weekly`, `monthly`.
    fn from_str(text: &str) -> Result<Self, NotAPeriod> {
        let text = match text.trim() {
            "hourly" => "1h",
            "daily" => "1d",
            "weekly" => "1w",
            "monthly" => "1mo",
            other => other,
        };
        let unit = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
        let count: u64 = text.strip_suffix(unit).and_then(|count| count.parse().ok()).ok_or(NotAPeriod)?;
        let seconds = |each: u64| count.checked_mul(each).filter(|_| count > 0).ok_or(NotAPeriod);
        let seconds = match unit {
            "s" => seconds(1)?,
            "m" => seconds(60)?,
            "h" => seconds(3_600)?,
            "d" => seconds(DAY)?,
            "w" => seconds(7 * DAY)?,
            "mo" if count == 1 => return Ok(Self::Month),
            _ => return Err(NotAPeriod),
        };
        Ok(match seconds / DAY {
            0 => Self::Seconds(seconds),
            1 if seconds == DAY => Self::Seconds(DAY),
            7 if seconds == 7 * DAY => Self::Week,
            30 if seconds == 30 * DAY => Self::Month,
            days => Self::Days(days),
        })
    }
}

impl Period {
    /// When the period that `now` lies in began and when the next begins, in seconds since 1970. `since` is a time of
    /// the first day, for periods that the calendar does not know.
    #[must_use]
    pub fn around(self, now: u64, since: u64) -> (u64, u64) {
        let today = now / DAY * DAY;
        match self {
            Self::Seconds(length) => {
                let length = length.clamp(1, DAY);
                let start = today.saturating_add((now - today) / length * length);
                (start, start.saturating_add(length).min(today.saturating_add(DAY)))
            }
            Self::Week => {
                // The first of January 1970 was a Thursday.
                let start = today.saturating_sub((today / DAY + 3) % 7 * DAY);
                (start, start.saturating_add(7 * DAY))
            }
            Self::Month => {
                let (year, month, _) = date(now);
                let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
                (first_of(year, month), first_of(next_year, next))
            }
            Self::Days(days) => {
                let (length, first) = (days.max(1).saturating_mul(DAY), since / DAY * DAY);
                let start = first.saturating_add(now.saturating_sub(first) / length * length);
                (start, start.saturating_add(length))
            }
        }
    }
}

/// Year, month and day of a time. From Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
pub(crate) fn date(seconds: u64) -> (u64, u64, u64) {
    // Years begin in March, so that the day that is sometimes there comes last. 719 468 days before 1970 the first
    // cycle of 400 years began.
    let days = seconds / DAY + 719_468;
    let (cycle, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let in_month = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (cycle * 400 + year + next, month, in_month)
}

/// The first second of a month.
fn first_of(year: u64, month: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (cycle, year) = (year / 400, year % 400);
    let day = 365 * year + year / 4 - year / 100 + (153 * month + 2) / 5;
    (cycle * 146_097 + day).saturating_sub(719_468) * DAY
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Noon of Wednesday, the 28th of February 2024, a leap year.
    const NOON: u64 = 1_709_121_600;

    fn around(text: &str) -> (i64, i64) {
        let (start, end) = text.parse::<Period>().unwrap().around(NOON, NOON - 100 * 3_600);
        let hours = |at: u64| (at.cast_signed() - NOON.cast_signed()) / 3_600;
        (hours(start), hours(end))
    }

    #[test]
    fn periods_begin_where_the_calendar_says() {
        for (text, hours) in [
            ("1h", (0, 1)),
            ("hourly", (0, 1)),
            ("5h", (-2, 3)),
            ("24h", (-12, 12)),
            ("1d", (-12, 12)),
            ("daily", (-12, 12)),
            ("7d", (-60, 108)),
            ("weekly", (-60, 108)),
            ("30d", (-27 * 24 - 12, 36)),
            ("1mo", (-27 * 24 - 12, 36)),
            // Made on the 24th, so that the second period of three days began on the 27th.
            ("3d", (-36, 36)),
        ] {
            assert_eq!(around(text), hours, "{text}");
        }
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for text in ["", "d", "0d", "-1d", "1y", "2mo", "1.5h", "99999999999999999999d"] {
            assert_eq!(text.parse::<Period>(), Err(NotAPeriod), "{text}");
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(NOON), (2024, 2, 28));
        assert_eq!(date(NOON + DAY), (2024, 2, 29));
        assert_eq!(date(NOON + 2 * DAY), (2024, 3, 1));
    }

    proptest! {
        #[test]
        fn each_moment_lies_in_exactly_one_period(now in 0_u64..8_000_000_000, since in 0_u64..8_000_000_000, which in 0..4, count in 1_u64..100) {
            let period = match which {
                0 => Period::Seconds(count * 977),
                1 => Period::Week,
                2 => Period::Month,
                _ => Period::Days(count),
            };
            let since = since.min(now);
            let (start, end) = period.around(now, since);
            prop_assert!(now < end && (start <= now));
            prop_assert_eq!(period.around(end - 1, since), (start, end));
            prop_assert_eq!(period.around(end, since).0, end);
        }
    }
}
