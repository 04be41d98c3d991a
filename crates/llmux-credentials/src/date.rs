//! The few forms of dates that token services and signatures use. All in UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Days of a month that all months together are worth before it, in a year that is no leap year.
const DAYS_BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
/// Seconds since 1970.
pub(crate) fn unix(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The time as SigV4 writes it: `20150830T123600Z`.
pub(crate) fn amz(time: SystemTime) -> String {
    let seconds = unix(time);
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Reads `2026-01-02T03:04:05Z`, with or without a fraction, with `Z` or an offset such as `+01:00`.
pub(crate) fn rfc3339(text: &str) -> Option<SystemTime> {
    let (date, time) = text.trim().split_once(['T', ' '])?;
    let [year, month, day] = numbers(date, '-')?;
    let zone_at = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at_checked(zone_at)?;
    let [hour, minute, second] = numbers(clock.split('.').next()?, ':')?;
    let local = seconds(year, month, day, hour, minute, second)?;
    let offset = zone.get(1..).filter(|offset| !offset.is_empty()).map(|offset| {
        let (hours, minutes) = offset.split_once(':').unwrap_or((offset, "0"));
        Some(hours.parse::<u64>().ok()?.checked_mul(3600)? + minutes.parse::<u64>().ok()?.checked_mul(60)?)
    });
    let seconds = match (offset, zone.starts_with('-')) {
        (None, _) => local,
        (Some(offset), true) => local.checked_add(offset?)?,
        (Some(offset), false) => local.checked_sub(offset?)?,
    };
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

fn numbers<const N: usize>(text: &str, separator: char) -> Option<[u64; N]> {
    let parsed: Option<Vec<u64>> = text.split(separator).map(|part| part.parse().ok()).collect();
    parsed?.try_into().ok()
}

fn seconds(year: u64, month: u64, day: u64, hour: u64, minute: u64, second: u64) -> Option<u64> {
    let plausible = (1970..=9999).contains(&year) && (1..=31).contains(&day);
    if !plausible || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let before = DAYS_BEFORE.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    let leap_days = |years: u64| years / 4 - years / 100 + years / 400;
    let leaps = leap_days(year - 1) - leap_days(1969) + u64::from(month > 2 && is_leap(year));
    let days = (year - 1970) * 365 + leaps + before + day - 1;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

fn is_leap(year: u64) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

/// Year, month and day of the days since 1970.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let before = |month: usize| {
        DAYS_BEFORE.get(month).map(|days| days + u64::from(month >= 2 && is_leap(year))).unwrap_or_default()
    };
    let month = (0..DAYS_BEFORE.len()).rev().find(|month| before(*month) <= days).unwrap_or_default();
    (year, month as u64 + 1, days - before(month) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn times_are_written_and_read_the_same_over_leap_years() {
        for day in (0..60_000).step_by(13) {
            let time = at(day * 86_400 + 45_296);
            let text = amz(time);
            let part = |range| text.get(range).unwrap();
            let (year, month, day) = (part(0..4), part(4..6), part(6..8));
            assert_eq!(rfc3339(&format!("{year}-{month}-{day}T12:34:56Z")), Some(time), "{text}");
        }
        assert_eq!(amz(at(1_440_938_160)), "20150830T123600Z");
    }

    #[test]
    fn fractions_and_offsets_are_understood() {
        assert_eq!(rfc3339("2015-08-30T12:36:00.123456Z"), Some(at(1_440_938_160)));
        assert_eq!(rfc3339("2015-08-30T14:36:00+02:00"), Some(at(1_440_938_160)));
        assert_eq!(rfc3339("2015-08-30T10:06:00-02:30"), Some(at(1_440_938_160)));
        for wrong in ["", "2015-08-30", "2015-13-01T00:00:00Z", "x-y-zT::", "2015-08-30T12:36:00"] {
            assert_eq!(rfc3339(wrong), None, "{wrong}");
        }
    }
}
