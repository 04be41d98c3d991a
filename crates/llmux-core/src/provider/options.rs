//! Settings that only one kind of provider understands.

use std::fmt;

use serde_json::{Map, Value};

/// Settings of one kind of provider, by name. Any of them may be a secret, so `Debug` shows the names only.
#[derive(Clone, Default, PartialEq)]
pub struct Options(Map<String, Value>);

impl Options {
    /// The value of an option; `None` when it is absent or null.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// The text of an option, without blanks around it; `None` when it is absent, blank or no text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
    }

    /// Sets an option.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) -> &mut Self {
        self.0.insert(name.into(), value.into());
        self
    }
}

impl From<Map<String, Value>> for Options {
    fn from(options: Map<String, Value>) -> Self {
        Self(options)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_never_shown_and_blank_ones_count_as_absent() {
        let mut options = Options::default();
        options.set("aws_secret_access_key", "canary").set("region", "  ").set("nothing", Value::Null);
        assert_eq!(options.text("aws_secret_access_key"), Some("canary"));
        assert_eq!((options.text("region"), options.get("nothing")), (None, None));
        assert!(!format!("{options:?}").contains("canary"));
    }
}
