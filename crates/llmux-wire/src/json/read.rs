//! Reading a parsed JSON tree, with errors that name the field.

use llmux_core::{Error, Result};
use serde_json::{Map, Number, Value};

/// A JSON object whose fields are taken out one by one; what is left at the end had no reader.
#[derive(Debug)]
pub struct Object {
    path: String,
    fields: Map<String, Value>,
}

/// A JSON value and where it stands.
#[derive(Debug)]
pub struct Item {
    /// The path from the body's root, such as `messages[2].content`.
    pub path: String,
    /// The value.
    pub value: Value,
}

impl Item {
    /// A value at a path.
    #[must_use]
    pub fn new(path: impl Into<String>, value: Value) -> Self {
        Self { path: path.into(), value }
    }

    /// An error about this value.
    #[must_use]
    pub fn wrong(&self, expected: &str) -> Error {
        wrong(&self.path, &self.value, expected)
    }

    /// The value as an object.
    ///
    /// # Errors
    /// A 400 naming the path when it is something else.
    pub fn object(self) -> Result<Object> {
        match self.value {
            Value::Object(fields) => Ok(Object { path: self.path, fields }),
            other => Err(wrong(&self.path, &other, "an object")),
        }
    }

    /// The value as a list of items.
    ///
    /// # Errors
    /// A 400 naming the path when it is something else.
    pub fn list(self) -> Result<Vec<Self>> {
        match self.value {
            Value::Array(values) => Ok(values
                .into_iter()
                .enumerate()
                .map(|(at, value)| Self { path: format!("{}[{at}]", self.path), value })
                .collect()),
            other => Err(wrong(&self.path, &other, "an array")),
        }
    }

    /// The value as text.
    ///
    /// # Errors
    /// A 400 naming the path when it is something else.
    pub fn string(self) -> Result<String> {
        match self.value {
            Value::String(text) => Ok(text),
            other => Err(wrong(&self.path, &other, "a string")),
        }
    }
}

impl Object {
    /// The root of a body.
    #[must_use]
    pub fn root(fields: Map<String, Value>) -> Self {
        Self { path: String::new(), fields }
    }

    /// Parses a body that must be an object.
    ///
    /// # Errors
    /// A 400 that names line and column.
    pub fn parse(body: &[u8]) -> Result<Self> {
        serde_json::from_slice(body).map(Self::root).map_err(|error| super::envelope::explain(&error))
    }

    /// The path of a field of this object.
    #[must_use]
    pub fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The path of the object itself; empty for the root.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Takes a field; `null` counts as absent.
    pub fn take(&mut self, name: &str) -> Option<Item> {
        let value = self.fields.shift_remove(name).filter(|value| !value.is_null())?;
        Some(Item { path: self.path_of(name), value })
    }

    /// Takes a field that must be there.
    ///
    /// # Errors
    /// A 400 that names the missing field.
    pub fn need(&mut self, name: &str) -> Result<Item> {
        self.take(name).ok_or_else(|| self.missing(name))
    }

    /// Looks at a field without taking it.
    #[must_use]
    pub fn peek(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// Takes a text field.
    ///
    /// # Errors
    /// A 400 naming the field when it is no text.
    pub fn string(&mut self, name: &str) -> Result<Option<String>> {
        self.take(name).map(Item::string).transpose()
    }

    /// Takes a text field that must be there.
    ///
    /// # Errors
    /// A 400 naming the field when it is missing or no text.
    pub fn need_string(&mut self, name: &str) -> Result<String> {
        self.need(name)?.string()
    }

    /// Takes a boolean field.
    ///
    /// # Errors
    /// A 400 naming the field when it is no boolean.
    pub fn bool(&mut self, name: &str) -> Result<Option<bool>> {
        self.take(name).map(|item| item.value.as_bool().ok_or_else(|| item.wrong("a boolean"))).transpose()
    }

    /// Takes a field that counts something.
    ///
    /// # Errors
    /// A 400 naming the field when it is no whole number of zero or more.
    pub fn count(&mut self, name: &str) -> Result<Option<u64>> {
        self.take(name)
            .map(|item| {
                let whole = item.value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..9e15).contains(n));
                item.value
                    .as_u64()
                    .or_else(|| whole.map(|n| n as u64))
                    .ok_or_else(|| item.wrong("a whole number of zero or more"))
            })
            .transpose()
    }

    /// Takes a number field, as written.
    ///
    /// # Errors
    /// A 400 naming the field when it is no number.
    pub fn number(&mut self, name: &str) -> Result<Option<Number>> {
        self.take(name)
            .map(|item| match item.value {
                Value::Number(number) => Ok(number),
                other => Err(wrong(&item.path, &other, "a number")),
            })
            .transpose()
    }

    /// Takes a list field; absent is empty.
    ///
    /// # Errors
    /// A 400 naming the field when it is no array.
    pub fn list(&mut self, name: &str) -> Result<Vec<Item>> {
        self.take(name).map_or_else(|| Ok(Vec::new()), Item::list)
    }

    /// Takes an object field.
    ///
    /// # Errors
    /// A 400 naming the field when it is no object.
    pub fn object(&mut self, name: &str) -> Result<Option<Self>> {
        self.take(name).map(Item::object).transpose()
    }

    /// An error about a missing field.
    #[must_use]
    pub fn missing(&self, name: &str) -> Error {
        let path = self.path_of(name);
        Error::invalid(path.clone(), format!("`{path}` is required")).with_code("missing_required_parameter")
    }

    /// What nobody took. `null`s are left out.
    #[must_use]
    pub fn rest(self) -> Map<String, Value> {
        self.fields.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }

    /// The object as it is now, what was taken left out.
    #[must_use]
    pub fn into_value(self) -> Value {
        Value::Object(self.fields)
    }
}

/// A wrong type, told by the field, what is expected and what stands there.
fn wrong(path: &str, value: &Value, expected: &str) -> Error {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    let field = if path.is_empty() { "the body" } else { path };
    Error::invalid(path, format!("`{field}` must be {expected}, but is {found}")).with_code("invalid_type")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_type_names_the_path_what_is_expected_and_what_is_there() {
        let mut root = Object::parse(br#"{"messages":[{"role":1}]}"#).unwrap();
        let mut message = root.list("messages").unwrap().remove(0).object().unwrap();
        let error = message.need_string("role").unwrap_err();
        assert_eq!(error.param(), Some("messages[0].role"));
        assert_eq!(error.message(), "`messages[0].role` must be a string, but is a number");
    }

    #[test]
    fn null_is_absent_and_a_missing_field_is_named() {
        let mut root = Object::parse(br#"{"model":null}"#).unwrap();
        assert_eq!(root.string("model").unwrap(), None);
        assert_eq!(root.need("model").unwrap_err().param(), Some("model"));
    }

    #[test]
    fn whole_numbers_may_be_written_as_floats() {
        let mut root = Object::parse(br#"{"a":3.0,"b":3.5,"c":-1}"#).unwrap();
        assert_eq!(root.count("a").unwrap(), Some(3));
        assert!(root.count("b").is_err());
        assert!(root.count("c").is_err());
    }
}
