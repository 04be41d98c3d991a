//! The YAML tree with the place of every key and value.

mod parse;
mod scalar;

use std::path::Path;
use std::sync::Arc;

pub(crate) use parse::parse;
pub(crate) use scalar::{Scalar, Style};

/// A place in a file.
#[derive(Clone)]
pub(crate) struct Position {
    /// The file.
    pub(crate) file: Arc<Path>,
    /// Line, from 1; 0 for the file as a whole.
    pub(crate) line: usize,
    /// Column, from 1; 0 for the file as a whole.
    pub(crate) column: usize,
}

impl Position {
    /// The file as a whole.
    pub(crate) fn of_file(file: &Arc<Path>) -> Self {
        Self { file: Arc::clone(file), line: 0, column: 0 }
    }
}

/// A value and its place.
#[derive(Clone)]
pub(crate) struct Node {
    /// Where the value begins.
    pub(crate) at: Position,
    /// The value.
    pub(crate) value: Value,
}

/// What stands at a place. Scalars keep their text: what they mean depends on what is expected there.
#[derive(Clone)]
pub(crate) enum Value {
    /// Nothing.
    Null,
    /// A reference to an environment variable that is not set; holds its name.
    Unset(String),
    /// Text, number or truth value.
    Scalar(Scalar),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in file order, each key once.
    Map(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Clone)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: String,
    /// Where the key stands.
    pub(crate) at: Position,
    /// Its value.
    pub(crate) value: Node,
}

impl Node {
    /// What kind of value this is, for messages; never the value itself.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null | Value::Unset(_) => "nothing",
            Value::Scalar(scalar) => scalar.kind(),
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// The entries of a mapping.
    pub(crate) fn entries(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items of a list, each with its index among the items that its own file contributed.
    pub(crate) fn items(&self) -> Option<impl Iterator<Item = (usize, &Self)>> {
        let Value::List(items) = &self.value else { return None };
        let mut file: Option<&Arc<Path>> = None;
        let mut next = 0;
        Some(items.iter().map(move |item| {
            if file.is_none_or(|file| *file != item.at.file) {
                file = Some(&item.at.file);
                next = 0;
            }
            next += 1;
            (next - 1, item)
        }))
    }

    /// Nothing to act on: absent, `false` or empty.
    pub(crate) fn is_idle(&self) -> bool {
        match &self.value {
            Value::Null | Value::Unset(_) => true,
            Value::Scalar(scalar) => scalar.flag() == Some(false),
            Value::List(items) => items.is_empty(),
            Value::Map(entries) => entries.is_empty(),
        }
    }
}
