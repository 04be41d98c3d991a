//! Scalars in the form that a key expects.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use url::Url;

use crate::keys::Shape;
use crate::source::{Node, Scalar, Style, Value};

/// A time beyond which a timeout is a mistake.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Reads a scalar as what is expected; nothing if it is something else or out of bounds.
pub(super) fn read(scalar: &Scalar, shape: &Shape) -> Option<Json> {
    let quoted = scalar.style == Style::Quoted;
    match shape {
        Shape::Flag => scalar.flag().map(Json::Bool),
        Shape::Text | Shape::Secret | Shape::TextOrTexts => {
            let truth = scalar.style == Style::Plain && matches!(scalar.json(), Json::Bool(_));
            (!truth).then(|| Json::String(scalar.text.clone()))
        }
        Shape::Url => url(&scalar.text),
        Shape::Integer(min, max) if !quoted => {
            scalar.integer().filter(|number| (min..=max).contains(&number)).map(Json::from)
        }
        Shape::Number(min) if !quoted => scalar.number().filter(|number| number >= min).map(Json::from),
        Shape::Price => price(&scalar.text).then(|| Json::String(scalar.text.trim().to_owned())),
        Shape::Duration => duration(scalar).filter(|time| !time.is_zero()).map(|time| json!(time)),
        Shape::DurationOrZero => duration(scalar).map(|time| json!(time)),
        Shape::Size => size(&scalar.text).map(Json::from),
        _ => None,
    }
}

/// What a wrong value is, for a message. Only numbers are told: a text might be a misplaced secret.
pub(super) fn describe(node: &Node) -> String {
    match &node.value {
        Value::Scalar(scalar) if scalar.style == Style::Plain => match scalar.number() {
            Some(number) => number.to_string(),
            None => node.kind().to_owned(),
        },
        _ => node.kind().to_owned(),
    }
}

/// The JSON that YAML's core schema sees in a tree.
pub(super) fn json(node: &Node) -> Json {
    match &node.value {
        Value::Null | Value::Unset(_) => Json::Null,
        Value::Scalar(scalar) => scalar.json(),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(entries) => Json::Object(
            entries.iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect::<Map<_, _>>(),
        ),
    }
}

fn url(text: &str) -> Option<Json> {
    let url = Url::parse(text.trim()).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then(|| Json::String(text.trim().to_owned()))
}

/// Whether a text is a decimal number of zero or more.
fn price(text: &str) -> bool {
    let decimal = text.trim().bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    decimal && text.trim().parse::<f64>().is_ok_and(|price| price.is_finite() && price >= 0.0)
}

/// Seconds, or a number with a unit.
fn duration(scalar: &Scalar) -> Option<Duration> {
    let (number, unit) = split(&scalar.text)?;
    let scale = match unit.as_str() {
        "ms" => 0.001,
        "" | "s" | "sec" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number * scale).ok().filter(|time| *time <= LONGEST)
}

/// Bytes, or a number with a unit.
fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let scale: f64 = match unit.as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "ki" | "kib" => 1024.0,
        "mi" | "mib" => 1_048_576.0,
        "gi" | "gib" => 1_073_741_824.0,
        _ => return None,
    };
    let bytes = (number * scale).round();
    (1.0..=1e15).contains(&bytes).then_some(bytes as u64)
}

/// A number from zero and the unit behind it, in lower case.
fn split(text: &str) -> Option<(f64, String)> {
    let text = text.trim();
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(unit_at)?;
    let number = Scalar { text: number.trim().to_owned(), style: Style::Plain }.number()?;
    (number >= 0.0).then(|| (number, unit.trim().to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str, shape: &Shape) -> Option<Json> {
        read(&Scalar { text: text.to_owned(), style: Style::Plain }, shape)
    }

    #[test]
    fn times_are_seconds_or_have_a_unit() {
        let millis = |text: &str| {
            duration(&Scalar { text: text.to_owned(), style: Style::Quoted }).map(|time| time.as_millis())
        };
        assert_eq!(millis("30"), Some(30_000));
        assert_eq!(millis("0.25"), Some(250));
        assert_eq!(millis("500ms"), Some(500));
        assert_eq!(millis("2 m"), Some(120_000));
        assert_eq!(millis("1.5h"), Some(5_400_000));
        assert_eq!(millis("1d"), Some(86_400_000));
        for wrong in ["", "s", "-1", "5 parsecs", "1e99", "400d", "inf", "1s2m"] {
            assert_eq!(millis(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_timeout_of_zero_is_refused_where_it_would_stop_everything() {
        assert_eq!(reads("0", &Shape::Duration), None);
        assert!(reads("0", &Shape::DurationOrZero).is_some());
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        assert_eq!(size("1024"), Some(1024));
        assert_eq!(size("32mb"), Some(32_000_000));
        assert_eq!(size("10 MiB"), Some(10_485_760));
        assert_eq!(size("1.5GiB"), Some(1_610_612_736));
        for wrong in ["", "mb", "0", "-1", "10 bananas", "1e300"] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn addresses_need_a_scheme_and_a_host() {
        assert!(reads("http://localhost:8080/v1", &Shape::Url).is_some());
        for wrong in ["localhost:8080", "ftp://host", "https://", "sk-123"] {
            assert!(reads(wrong, &Shape::Url).is_none(), "{wrong}");
        }
    }

    #[test]
    fn prices_keep_the_digits_that_were_written() {
        assert_eq!(reads("3e-06", &Shape::Price), Some(json!("3e-06")));
        assert_eq!(reads("0.0000000020751953125", &Shape::Price), Some(json!("0.0000000020751953125")));
        for wrong in ["-1", "nan", "inf", "free", "", "1,5", "1e400"] {
            assert_eq!(reads(wrong, &Shape::Price), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_keep_to_their_bounds() {
        assert_eq!(reads("65535", &Shape::Integer(0, 65_535)), Some(json!(65_535)));
        assert_eq!(reads("65536", &Shape::Integer(0, 65_535)), None);
        assert_eq!(reads("1.5", &Shape::Integer(0, 9)), None);
        assert_eq!(reads("-0.1", &Shape::Number(0.0)), None);
    }
}
