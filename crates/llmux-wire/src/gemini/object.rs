//! Objects whose fields may be named in `camelCase` or `snake_case`.

use llmux_core::Result;
use serde_json::{Map, Value};

use crate::json::read::{Item, Object};

/// Opens an object. Only its own names are changed: what is below may be data of the client.
pub(super) fn open(item: Item) -> Result<Object> {
    let Item { path, value } = item;
    let value = match value {
        Value::Object(fields) => Value::Object(named(fields)),
        other => other,
    };
    Item::new(path, value).object()
}

/// Parses a body.
pub(super) fn parse(body: &[u8]) -> Result<Object> {
    let fields = Object::parse(body)?.rest();
    Ok(Object::root(named(fields)))
}

fn named(fields: Map<String, Value>) -> Map<String, Value> {
    if !fields.keys().any(|name| name.contains('_')) {
        return fields;
    }
    fields.into_iter().map(|(name, value)| (camel(&name), value)).collect()
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_read_in_either_form_and_data_below_is_left_alone() {
        let body = json!({"system_instruction": {"my_data": 1}, "topP": 2}).to_string();
        let object = parse(body.as_bytes()).unwrap();
        assert_eq!(object.into_value(), json!({"systemInstruction": {"my_data": 1}, "topP": 2}));
    }
}
