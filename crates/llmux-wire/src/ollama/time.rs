//! Times by RFC 3339 in UTC, as Ollama writes them.

const DAY: u64 = 86_400;

/// A time in seconds since 1970, by RFC 3339 in UTC: `1970-01-01T00:00:00Z`.
#[must_use]
pub fn write_time(seconds: u64) -> String {
    let (year, month, day) = date(seconds / DAY);
    let (hour, minute, second) = (seconds % DAY / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The date that many days after the first of January 1970. Years are counted from March, so that the leap day is
/// the last of its year, and by eras of four centuries, which are all alike.
fn date(days: u64) -> (u64, u64, u64) {
    const ERA: u64 = 146_097;
    let days = days + 719_468;
    let (era, day) = (days / ERA, days % ERA);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + later, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_dates() {
        assert_eq!(write_time(0), "1970-01-01T00:00:00Z");
        assert_eq!(write_time(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(write_time(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(write_time(1_700_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(write_time(1_735_689_599), "2024-12-31T23:59:59Z");
        assert_eq!(write_time(4_107_542_400), "2100-03-01T00:00:00Z");
    }
}
