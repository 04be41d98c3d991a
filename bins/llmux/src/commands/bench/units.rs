//! Sizes, times and rates as people write them.

use std::time::Duration;

/// A span of time: `500ms`, `10s`, `2m`; a bare number means seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let factor = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("unknown unit `{unit}`: use ms, s, m or h")),
    };
    let seconds = positive(number)? * factor;
    Duration::try_from_secs_f64(seconds).map_err(|_| "too long".to_owned())
}

/// A size in bytes: `200`, `1k`, `2m`, in powers of 1024.
pub(super) fn size(text: &str) -> Result<usize, String> {
    /// Nobody means more, and the body is kept in memory.
    const MOST: f64 = 64.0 * 1024.0 * 1024.0;
    let (number, unit) = split(text);
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1024.0,
        "m" | "mb" => 1024.0 * 1024.0,
        _ => return Err(format!("unknown unit `{unit}`: use k or m")),
    };
    let bytes = positive(number)? * factor;
    if bytes > MOST {
        return Err("at most 64m".to_owned());
    }
    Ok(bytes as usize)
}

/// Requests a second.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    positive(text)
}

fn positive(number: &str) -> Result<f64, String> {
    match number.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err(format!("`{number}` is not a number above 0")),
    }
}

fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_a_unit() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("10"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("0s").is_err() && duration("10x").is_err() && duration("-1s").is_err());
    }

    #[test]
    fn sizes_count_in_powers_of_1024() {
        assert_eq!((size("200"), size("1k"), size("100KB")), (Ok(200), Ok(1024), Ok(102_400)));
        assert!(size("65m").is_err() && size("1g").is_err() && size("k").is_err());
    }

    #[test]
    fn a_rate_is_above_zero() {
        assert_eq!(rate("0.5"), Ok(0.5));
        assert!(rate("0").is_err() && rate("NaN").is_err() && rate("inf").is_err());
    }
}
