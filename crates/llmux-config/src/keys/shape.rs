//! The forms that a value can have.

use super::{ROOT, Section};

/// The form of a value.
pub(crate) enum Shape {
    /// `true` or `false`.
    Flag,
    /// Text; numbers are taken as they are written.
    Text,
    /// Text that is never shown.
    Secret,
    /// Text or a mapping that is never shown.
    SecretDocument,
    /// An `http` or `https` address.
    Url,
    /// A whole number within bounds.
    Integer(i64, i64),
    /// A number that is at least this.
    Number(f64),
    /// An amount of money, kept as the text that it was written as.
    Price,
    /// A length of time above zero: seconds, or a number with a unit.
    Duration,
    /// A length of time that may be zero.
    DurationOrZero,
    /// A number of bytes, or a number with a unit.
    Size,
    /// One word of several.
    Choice(&'static Choice),
    /// A list of texts.
    Texts,
    /// A text or a list of texts.
    TextOrTexts,
    /// A mapping of names to texts that are never shown.
    Headers,
    /// A mapping of anything.
    Object,
    /// Anything.
    Any,
    /// A mapping with known keys.
    Section(&'static Section),
    /// A list of such mappings.
    List(&'static Section),
    /// A mapping of names to such mappings.
    Sections(&'static Section),
    /// A mapping of names to such mappings; a text stands for a mapping with only the named key.
    Named(&'static Section, &'static str),
}

/// The words that a key accepts.
pub(crate) struct Choice {
    /// Words with an effect.
    pub(crate) allowed: &'static [&'static str],
    /// Words of LiteLLM without effect as yet.
    pub(crate) not_yet: &'static [&'static str],
}

impl Shape {
    /// The form in words, to follow "expected".
    pub(crate) fn form(&self) -> String {
        match self {
            Self::Flag => "`true` or `false`".into(),
            Self::Text | Self::Secret => "text".into(),
            Self::SecretDocument => "text or a mapping".into(),
            Self::Url => "an `http://` or `https://` address".into(),
            Self::Integer(min, i64::MAX) => format!("a whole number from {min}"),
            Self::Integer(min, max) => format!("a whole number from {min} to {max}"),
            Self::Number(min) if *min == f64::NEG_INFINITY => "a number".into(),
            Self::Number(min) => format!("a number from {min}"),
            Self::Price => "a price in US dollars, such as `0.25` or `3e-6`".into(),
            Self::Duration => "seconds above 0, or a time such as `500ms`, `30s`, `2m`".into(),
            Self::DurationOrZero => "seconds, or a time such as `500ms`, `30s`, `2m`".into(),
            Self::Size => "bytes, or a size such as `10MiB`, `32mb`".into(),
            Self::Choice(choice) => {
                let words: Vec<_> = choice.allowed.iter().map(|word| format!("`{word}`")).collect();
                match words.as_slice() {
                    [only] => only.clone(),
                    words => format!("one of {}", words.join(", ")),
                }
            }
            Self::Texts => "a list of texts".into(),
            Self::TextOrTexts => "text or a list of texts".into(),
            Self::Headers => "a mapping of names to texts".into(),
            Self::Object | Self::Section(_) => "a mapping".into(),
            Self::Any => "anything".into(),
            Self::List(_) => "a list of mappings".into(),
            Self::Sections(_) => "a mapping of names to mappings".into(),
            Self::Named(_, key) => format!("a mapping of names to texts, or to mappings with `{key}`"),
        }
    }

    /// Whether the value must never be told, nor enter an identifier.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self, Self::Secret | Self::SecretDocument | Self::Headers)
    }

    /// The section inside, if there is one.
    pub(crate) fn section(&self) -> Option<&'static Section> {
        match self {
            Self::Section(section)
            | Self::List(section)
            | Self::Sections(section)
            | Self::Named(section, _) => Some(section),
            _ => None,
        }
    }
}

/// Every section, the whole file first, each once.
pub(crate) fn sections() -> Vec<&'static Section> {
    let mut found: Vec<&'static Section> = vec![&ROOT];
    let mut next = 0;
    while let Some(section) = found.get(next) {
        let inner: Vec<_> = section.keys().filter_map(|key| key.shape()?.section()).collect();
        for section in inner {
            if !found.iter().any(|seen| std::ptr::eq(*seen, section)) {
                found.push(section);
            }
        }
        next += 1;
    }
    found
}
