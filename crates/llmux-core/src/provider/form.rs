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
    /// What of the client's form goes on beside.
    pub shape: FormShape,
}

/// What of a client's form goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormShape {
    /// Everything that is not left out.
    #[default]
    Whole,
    /// The first file of each of these fields, under the name behind it, and no other field.
    Files(&'static [(&'static str, &'static str)]),
    /// No form at all: the content of the first file is the body.
    Content,
}

impl FormEdits {
    /// Hands on the first file of each of these fields, under the name behind it, after the fields of `set`.
    #[must_use]
    pub fn files(files: &'static [(&'static str, &'static str)], set: Vec<(String, String)>) -> Self {
        Self { set, shape: FormShape::Files(files), ..Self::default() }
    }

    /// Makes the content of the first file the whole body. Its content type is the request's, else what the client
    /// tells of the file.
    #[must_use]
    pub fn content() -> Self {
        Self { shape: FormShape::Content, ..Self::default() }
    }

    /// Whether the client's field of this name stays behind.
    #[must_use]
    pub fn replaces(&self, name: &str) -> bool {
        self.set.iter().any(|(set, _)| set == name) || self.drop.iter().any(|dropped| dropped == name)
    }
}
