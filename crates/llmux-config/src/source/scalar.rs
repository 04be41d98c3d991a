//! A scalar's text and the readings it allows.

use serde_json::Value as Json;

/// How a scalar came to be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Without quotes.
    Plain,
    /// In quotes or as a block: text, whatever it looks like.
    Quoted,
    /// The value of an environment variable, which has no other type than text.
    Environment,
}

/// A scalar before anybody decided what it means. Has no `Debug`: it may be a secret.
#[derive(Clone)]
pub(crate) struct Scalar {
    /// The text without quotes.
    pub(crate) text: String,
    /// How it was written.
    pub(crate) style: Style,
}

impl Scalar {
    /// Reads a truth value. Quoted text is none; the words of YAML 1.1 count, as in files written for it.
    pub(crate) fn flag(&self) -> Option<bool> {
        if self.style == Style::Quoted {
            return None;
        }
        match self.text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        }
    }

    /// Reads a whole number.
    pub(crate) fn integer(&self) -> Option<i64> {
        let text = self.digits();
        if let Some(hex) = text.strip_prefix("0x") {
            return i64::from_str_radix(hex, 16).ok();
        }
        if let Some(octal) = text.strip_prefix("0o") {
            return i64::from_str_radix(octal, 8).ok();
        }
        text.parse().ok().or_else(|| {
            let number = self.number()?;
            // 2^53: beyond it not every whole number has its own float.
            (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
        })
    }

    /// Reads a finite number.
    pub(crate) fn number(&self) -> Option<f64> {
        let text = self.digits();
        let numeric = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E'));
        text.parse().ok().filter(|number: &f64| numeric && number.is_finite())
    }

    /// What YAML's core schema makes of the scalar; for environment values also `true` and `false`.
    pub(crate) fn json(&self) -> Json {
        let lower = self.text.to_ascii_lowercase();
        match (self.style, lower.as_str()) {
            (Style::Plain | Style::Environment, "true") => Json::Bool(true),
            (Style::Plain | Style::Environment, "false") => Json::Bool(false),
            (Style::Plain, _) => match (self.integer(), self.number()) {
                (Some(integer), _) if !self.text.contains(['.', 'e', 'E']) || lower.starts_with("0x") => {
                    integer.into()
                }
                (_, Some(number)) => number.into(),
                _ => Json::String(self.text.clone()),
            },
            _ => Json::String(self.text.clone()),
        }
    }

    /// What kind of value this is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self.style {
            Style::Plain if self.number().is_some() => "a number",
            Style::Plain if self.flag().is_some() => "a truth value",
            Style::Plain => "text",
            Style::Quoted => "text in quotes",
            Style::Environment => "the text of an environment variable",
        }
    }

    /// The text as a number is written, `1_000` included.
    fn digits(&self) -> String {
        let text = self.text.trim();
        if text.starts_with(|c: char| c.is_ascii_digit()) { text.replace('_', "") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plain(text: &str) -> Scalar {
        Scalar { text: text.to_owned(), style: Style::Plain }
    }

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for (text, expected) in [
            ("12", json!(12)),
            ("-3", json!(-3)),
            ("0x1F", json!(31)),
            ("0x1e", json!(30)),
            ("0o17", json!(15)),
            ("1_000", json!(1000)),
            ("1.5", json!(1.5)),
            ("1.0", json!(1.0)),
            ("1e3", json!(1000.0)),
            ("true", json!(true)),
            ("False", json!(false)),
            ("inf", json!("inf")),
            ("nan", json!("nan")),
            ("2024-02-01", json!("2024-02-01")),
            ("yes", json!("yes")),
        ] {
            assert_eq!(plain(text).json(), expected, "{text}");
        }
    }

    #[test]
    fn quoted_text_is_no_truth_value() {
        let quoted = Scalar { text: "false".to_owned(), style: Style::Quoted };
        assert_eq!(quoted.flag(), None);
        assert_eq!(quoted.json(), json!("false"));
        assert_eq!(plain("no").flag(), Some(false));
    }

    #[test]
    fn huge_numbers_are_not_cut() {
        assert_eq!(plain("1e300").integer(), None);
        assert_eq!(plain("99999999999999999999").integer(), None);
        assert_eq!(plain("1e999").number(), None);
        assert_eq!(plain("1e6").integer(), Some(1_000_000));
    }
}
