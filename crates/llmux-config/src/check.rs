//! Checks a tree against the tables and gives what is supported as JSON under canonical names.

mod value;

use serde_json::{Map, Value as Json};

use crate::keys::{Choice, Key, Lookup, Section, Shape, Status, nearest};
use crate::problem::Problems;
use crate::source::{Entry, Node, Scalar, Style, Value};

/// Walks the tree and records every mistake.
pub(crate) struct Checker<'a> {
    problems: &'a mut Problems,
}

impl<'a> Checker<'a> {
    /// A checker that complains to `problems`.
    pub(crate) fn new(problems: &'a mut Problems) -> Self {
        Self { problems }
    }

    /// Checks a mapping. `path` is the key that holds it, as the file spells it.
    pub(crate) fn section(&mut self, node: &Node, section: &Section, path: &str) -> Map<String, Json> {
        let mut out = Map::new();
        let mut kept = Map::new();
        let empty = matches!(node.value, Value::Null | Value::Unset(_));
        match node.entries() {
            Some(entries) => {
                for entry in entries {
                    self.entry(entry, section, path, &mut out, &mut kept);
                }
                self.aliases_agree(entries, section, path);
                self.required(entries, node, section, path);
            }
            None if empty => self.required(&[], node, section, path),
            None => {
                self.problems.error(&node.at, path, format!("expected a mapping, found {}", node.kind()));
            }
        }
        if let Some(name) = section.keep_in {
            out.insert(name.to_owned(), Json::Object(kept));
        }
        out
    }

    fn entry(
        &mut self,
        entry: &Entry,
        section: &Section,
        path: &str,
        out: &mut Map<String, Json>,
        kept: &mut Map<String, Json>,
    ) {
        let path = join(path, &entry.key);
        if section.keep_in.is_some() {
            kept.insert(entry.key.clone(), value::json(&entry.value));
        }
        match section.lookup(&entry.key) {
            Lookup::Known(key)
                if let (Some(why), Value::Unset(name)) = (key.never_unset, &entry.value.value) =>
            {
                let message = format!("the environment variable `{name}` is not set, {why}");
                self.problems.error(&entry.value.at, &path, message);
            }
            Lookup::Known(Key { status: Status::Supported(shape), name, gathered_in, .. }) => {
                let Some(value) = self.value(&entry.value, shape, &path) else { return };
                match gathered_in {
                    None => out.insert((*name).to_owned(), value),
                    Some(field) => {
                        let gathered =
                            out.entry((*field).to_owned()).or_insert_with(|| Json::Object(Map::new()));
                        let name = section.canonical(&entry.key).to_owned();
                        gathered.as_object_mut().and_then(|map| map.insert(name, value))
                    }
                };
            }
            Lookup::Known(_) => {}
            Lookup::NotYet if entry.value.is_idle() => {}
            Lookup::NotYet => {
                let message = format!("`{}` is known but not supported yet: it has no effect", entry.key);
                self.problems.warn(&entry.at, &path, message);
            }
            Lookup::Unknown if section.keep_in.is_some() => {}
            Lookup::Unknown => {
                self.problems.warn_with(&entry.at, &path, "unknown key", section.advice(&entry.key));
            }
        }
    }

    /// Two names of one setting in the same mapping contradict each other.
    fn aliases_agree(&mut self, entries: &[Entry], section: &Section, path: &str) {
        for key in section.keys().filter(|key| !key.aliases.is_empty()) {
            let mut given = entries.iter().filter(|entry| key.names().any(|name| name == entry.key));
            if let (Some(first), Some(second)) = (given.next(), given.next()) {
                let message = format!("the same setting as `{}` on line {}", first.key, first.at.line);
                let remedy = Some("keep one of them".to_owned());
                self.problems.error_with(&second.at, &join(path, &second.key), message, remedy);
            }
        }
    }

    fn required(&mut self, entries: &[Entry], node: &Node, section: &Section, path: &str) {
        for key in section.keys().filter(|key| key.required) {
            let entry = entries.iter().find(|entry| key.names().any(|name| name == entry.key));
            let message = match entry.map(|entry| &entry.value.value) {
                None => format!("`{}` is missing", key.name),
                Some(Value::Null) => format!("`{}` has no value", key.name),
                Some(Value::Unset(name)) => {
                    format!("`{}` has no value: the environment variable `{name}` is not set", key.name)
                }
                Some(_) => continue,
            };
            let at = entry.map_or(&node.at, |entry| &entry.at);
            self.problems.error(at, path, message);
        }
    }

    /// Checks one value; nothing for an absent or wrong one.
    pub(crate) fn value(&mut self, node: &Node, shape: &Shape, path: &str) -> Option<Json> {
        match &node.value {
            Value::Null => return None,
            Value::Unset(name) => {
                let message =
                    format!("the environment variable `{name}` is not set, so this counts as not given");
                self.problems.warn(&node.at, path, message);
                return None;
            }
            _ => {}
        }
        match shape {
            Shape::Section(section) => Some(Json::Object(self.section(node, section, path))),
            Shape::List(section) => self.list(node, path, |checker, item, path| {
                Some(Json::Object(checker.section(item, section, path)))
            }),
            Shape::Texts => {
                self.list(node, path, |checker, item, path| checker.value(item, &Shape::Text, path))
            }
            Shape::TextOrTexts if node.items().is_some() => self.value(node, &Shape::Texts, path),
            Shape::TextOrTexts => Some(Json::Array(vec![self.scalar(node, shape, path)?])),
            Shape::Headers => {
                self.map(node, path, |checker, value, path| checker.value(value, &Shape::Secret, path))
            }
            Shape::Sections(section) => self.map(node, path, |checker, value, path| {
                Some(Json::Object(checker.section(value, section, path)))
            }),
            Shape::Named(section, key) => self.map(node, path, |checker, value, path| match &value.value {
                Value::Scalar(_) => {
                    let text = checker.value(value, &Shape::Text, path)?;
                    Some(Json::Object(Map::from_iter([((*key).to_owned(), text)])))
                }
                _ => Some(Json::Object(checker.section(value, section, path))),
            }),
            Shape::Object if node.entries().is_none() => self.mismatch(node, shape, path),
            Shape::SecretDocument if node.entries().is_none() => self.scalar(node, &Shape::Secret, path),
            Shape::Object | Shape::Any | Shape::SecretDocument => Some(value::json(node)),
            _ => self.scalar(node, shape, path),
        }
    }

    fn list(
        &mut self,
        node: &Node,
        path: &str,
        mut item: impl FnMut(&mut Self, &Node, &str) -> Option<Json>,
    ) -> Option<Json> {
        let Some(items) = node.items() else {
            self.problems.error(&node.at, path, format!("expected a list, found {}", node.kind()));
            return None;
        };
        let mut out = Vec::new();
        for (index, value) in items {
            out.extend(item(self, value, &format!("{path}[{index}]")));
        }
        Some(Json::Array(out))
    }

    fn map(
        &mut self,
        node: &Node,
        path: &str,
        mut value: impl FnMut(&mut Self, &Node, &str) -> Option<Json>,
    ) -> Option<Json> {
        let Some(entries) = node.entries() else {
            self.problems.error(&node.at, path, format!("expected a mapping, found {}", node.kind()));
            return None;
        };
        let mut out = Map::new();
        for entry in entries {
            if let Some(value) = value(self, &entry.value, &join(path, &entry.key)) {
                out.insert(entry.key.clone(), value);
            }
        }
        Some(Json::Object(out))
    }

    fn scalar(&mut self, node: &Node, shape: &Shape, path: &str) -> Option<Json> {
        let Value::Scalar(scalar) = &node.value else { return self.mismatch(node, shape, path) };
        if let Shape::Choice(choice) = shape {
            return self.choice(node, scalar, choice, shape, path);
        }
        if let Some(value) = value::read(scalar, shape) {
            return Some(value);
        }
        let unquoted = Scalar { text: scalar.text.clone(), style: Style::Plain };
        match (value::read(&unquoted, shape), shape) {
            (Some(_), Shape::Flag) => {
                let remedy = Some("remove the quotes".to_owned());
                let message = format!("expected {}, found {}", shape.form(), node.kind());
                self.problems.error_with(&node.at, path, message, remedy);
                None
            }
            (Some(value), _) => {
                let remedy = Some("remove the quotes".to_owned());
                self.problems.warn_with(&node.at, path, "a number in quotes", remedy);
                Some(value)
            }
            (None, _) => self.mismatch(node, shape, path),
        }
    }

    fn choice(
        &mut self,
        node: &Node,
        scalar: &Scalar,
        choice: &Choice,
        shape: &Shape,
        path: &str,
    ) -> Option<Json> {
        let word = scalar.text.trim().to_ascii_lowercase();
        if choice.allowed.contains(&word.as_str()) {
            return Some(Json::String(word));
        }
        if let Some(known) = choice.not_yet.iter().find(|known| **known == word) {
            let message = format!("`{known}` is known but not supported yet: the default is used");
            self.problems.warn(&node.at, path, message);
            return None;
        }
        let remedy = nearest(&word, choice.allowed.iter().chain(choice.not_yet).copied())
            .map(|nearest| format!("did you mean `{nearest}`?"));
        let message = format!("expected {}, found {}", shape.form(), node.kind());
        self.problems.error_with(&node.at, path, message, remedy);
        None
    }

    fn mismatch(&mut self, node: &Node, shape: &Shape, path: &str) -> Option<Json> {
        let message = format!("expected {}, found {}", shape.form(), value::describe(node));
        self.problems.error(&node.at, path, message);
        None
    }
}

/// The path of a key inside another.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
