//! Making an instance of a JSON schema, always the same one.

use serde_json::{Map, Value, json};

/// How deep a schema is followed; recursive ones end there.
const MAX_DEPTH: usize = 16;

/// An instance of the schema: its `const`, first `enum` value or default where it has one, else the plainest
/// value of its type. Objects get all their properties, arrays one item (or `minItems`).
pub(super) fn instance(schema: &Value) -> Value {
    make(schema, schema, 0)
}

fn make(schema: &Value, root: &Value, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let target = target.strip_prefix('#').and_then(|path| root.pointer(path));
        return target.map_or(Value::Null, |schema| make(schema, root, depth + 1));
    }
    let given = schema.get("const").or_else(|| schema.get("enum").and_then(|values| values.get(0)));
    if let Some(value) = given.or_else(|| schema.get("default")) {
        return value.clone();
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema.get(choice).and_then(|options| options.get(0)) {
            return make(first, root, depth + 1);
        }
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        Some(kind) => kind.as_str(),
        None => schema.get("properties").map(|_| "object"),
    };
    match kind.unwrap_or_default() {
        "string" => text(schema).into(),
        "integer" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1.5)),
        "boolean" => true.into(),
        "array" => {
            let count = schema.get("minItems").and_then(Value::as_u64).unwrap_or(1).clamp(1, 100);
            let item = schema.get("items").map_or(Value::Null, |items| make(items, root, depth + 1));
            Value::Array((0..count).map(|_| item.clone()).collect())
        }
        "object" => object(schema, root, depth),
        _ => Value::Null,
    }
}

fn object(schema: &Value, root: &Value, depth: usize) -> Value {
    let properties = schema.get("properties").and_then(Value::as_object);
    let made: Map<_, _> = properties
        .into_iter()
        .flatten()
        .map(|(name, schema)| (name.clone(), make(schema, root, depth + 1)))
        .collect();
    made.into()
}

/// A text in the format that the schema asks for, if it is a common one.
fn text(schema: &Value) -> &'static str {
    match schema.get("format").and_then(Value::as_str).unwrap_or_default() {
        "date" => "2026-01-01",
        "date-time" => "2026-01-01T00:00:00Z",
        "time" => "00:00:00Z",
        "email" => "echo@example.com",
        "uri" => "https://example.com",
        "uuid" => "00000000-0000-4000-8000-000000000000",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_plainest_value() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer"},
                "factor": {"type": "number"},
                "sure": {"type": "boolean"},
                "unit": {"enum": ["c", "f"]},
                "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}},
                "note": {"type": ["string", "null"]},
            },
            "$defs": {"tag": {"type": "object", "properties": {"name": {"type": "string"}}}},
        });
        assert_eq!(
            instance(&schema),
            json!({"city": "text", "days": 1, "factor": 1.5, "sure": true, "unit": "c",
                   "tags": [{"name": "text"}], "note": "text"})
        );
    }

    #[test]
    fn a_schema_that_contains_itself_ends() {
        let schema = json!({"type": "object", "properties": {"next": {"$ref": "#"}}});
        assert!(instance(&schema).get("next").is_some());
    }
}
