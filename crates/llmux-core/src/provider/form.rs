//! How a form is changed on its way.

use std::borrow::Cow;

/// Changes to the fields of a form that is handed on as it arrives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FormEdits {
    /// Fields that go first, by name and value; the client's own of these names are left out.
    pub set: Vec<(String, String)>,
    /// Fields that go first, by name and value; the client's own of these names follow if there are any.
    pub add: Vec<(String, String)>,
    /// Fields of the client's that are left out.
    pub drop: Vec<Cow<'static, str>>,
}

impl FormEdits {
    /// Whether the client's field of this name stays behind.
    #[must_use]
    pub fn replaces(&self, name: &str) -> bool {
        self.set.iter().any(|(set, _)| set == name) || self.drop.iter().any(|dropped| dropped == name)
    }
}
