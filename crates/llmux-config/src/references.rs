//! `os.environ/NAME` references and the `environment_variables` that they see first.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::keys::ROOT;
use crate::source::{Entry, Scalar, Style, Value};

/// How a reference begins.
const PREFIX: &str = "os.environ/";

/// The `environment_variables` of a configuration. `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Environment {
    values: BTreeMap<String, SecretString>,
}

impl Environment {
    /// The value of a variable, if the configuration sets it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(ExposeSecret::expose_secret)
    }

    /// All variables that the configuration sets, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SecretString)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether the configuration sets none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

/// Resolves all references of a file's entries, those of `environment_variables` first.
pub(crate) fn resolve(entries: &mut [Entry], outside: &dyn Fn(&str) -> Option<String>) -> Environment {
    let mut environment = Environment::default();
    let is_environment = |entry: &Entry| ROOT.canonical(&entry.key) == "environment_variables";
    for section in entries.iter_mut().filter(|entry| is_environment(entry)) {
        let Value::Map(variables) = &mut section.value.value else { continue };
        for variable in variables {
            let lookup = |name: &str| environment.get(name).map(str::to_owned).or_else(|| outside(name));
            substitute(&mut variable.value.value, &lookup);
            if let Value::Scalar(scalar) = &mut variable.value.value {
                // A variable has no type: `true` is as good as any other text.
                scalar.style = Style::Environment;
                environment.values.insert(variable.key.clone(), scalar.text.clone().into());
            }
        }
    }
    let lookup = |name: &str| environment.get(name).map(str::to_owned).or_else(|| outside(name));
    for entry in entries.iter_mut().filter(|entry| !is_environment(entry)) {
        substitute(&mut entry.value.value, &lookup);
    }
    environment
}

/// Resolves all references in a value.
pub(crate) fn substitute(value: &mut Value, lookup: &dyn Fn(&str) -> Option<String>) {
    match value {
        Value::Null | Value::Unset(_) => {}
        Value::Scalar(scalar) => {
            let Some(name) = scalar.text.trim().strip_prefix(PREFIX) else { return };
            *value = match lookup(name) {
                Some(text) => Value::Scalar(Scalar { text, style: Style::Environment }),
                None => Value::Unset(name.to_owned()),
            };
        }
        Value::List(items) => items.iter_mut().for_each(|item| substitute(&mut item.value, lookup)),
        Value::Map(entries) => {
            for entry in entries {
                substitute(&mut entry.value.value, lookup);
                if let ("headers" | "extra_headers", Value::Map(headers)) =
                    (entry.key.as_str(), &mut entry.value.value)
                {
                    headers.iter_mut().for_each(|header| substitute_within(&mut header.value.value, lookup));
                }
            }
        }
    }
}

/// References inside a text, as in `Bearer os.environ/KEY`.
fn substitute_within(value: &mut Value, lookup: &dyn Fn(&str) -> Option<String>) {
    let Value::Scalar(scalar) = value else { return };
    // What came from the environment is not looked at again.
    if scalar.style == Style::Environment || !scalar.text.contains(PREFIX) {
        return;
    }
    let mut pieces = scalar.text.split(PREFIX);
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(piece.len());
        let (name, rest) = piece.split_at_checked(end).unwrap_or((piece, ""));
        let Some(found) = lookup(name) else {
            *value = Value::Unset(name.to_owned());
            return;
        };
        text.push_str(&found);
        text.push_str(rest);
    }
    *value = Value::Scalar(Scalar { text, style: Style::Environment });
}
