//! JSON schemas as Anthropic takes them.

use serde_json::{Map, Value};

/// Keywords that hold one schema.
const ONE: [&str; 2] = ["items", "not"];
/// Keywords that hold a list of schemas.
const LISTS: [&str; 4] = ["anyOf", "allOf", "oneOf", "prefixItems"];
/// Keywords that hold schemas by name.
const NAMED: [&str; 3] = ["properties", "$defs", "definitions"];

/// Closes every object of a schema: Anthropic's structured output takes no schema that leaves
/// `additionalProperties` open, and OpenAI's clients write it in strict mode only.
pub(crate) fn close_objects(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    if fields.get("type").is_some_and(is_object_type) {
        fields.insert("additionalProperties".into(), false.into());
    }
    for (keyword, value) in fields {
        let keyword = keyword.as_str();
        match value {
            Value::Array(schemas) if LISTS.contains(&keyword) => schemas.iter_mut().for_each(close_objects),
            Value::Object(schemas) if NAMED.contains(&keyword) => {
                schemas.values_mut().for_each(close_objects)
            }
            schema if ONE.contains(&keyword) => close_objects(schema),
            _ => {}
        }
    }
}

fn is_object_type(kind: &Value) -> bool {
    kind == "object" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"))
}

/// The schema of a tool's input, which must be an object.
pub(crate) fn tool_input(parameters: Option<&Value>) -> Value {
    let mut schema = parameters.and_then(Value::as_object).cloned().unwrap_or_default();
    if schema.is_empty() {
        schema.insert("type".into(), "object".into());
        schema.insert("properties".into(), Map::new().into());
    } else if !schema.contains_key("type") {
        schema.insert("type".into(), "object".into());
    }
    schema.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_object_is_closed_and_data_is_left_alone() {
        let mut schema = json!({
            "type": "object",
            "properties": {"type": {"type": ["object", "null"]}, "list": {"type": "array", "items": {"type": "object"}}},
            "$defs": {"a": {"anyOf": [{"type": "object"}, {"const": {"type": "object"}}]}},
        });
        close_objects(&mut schema);
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["type"]["additionalProperties"], false);
        assert_eq!(schema["properties"]["list"]["items"]["additionalProperties"], false);
        assert_eq!(schema["$defs"]["a"]["anyOf"][0]["additionalProperties"], false);
        assert_eq!(schema["$defs"]["a"]["anyOf"][1], json!({"const": {"type": "object"}}));
        assert!(schema["properties"].get("additionalProperties").is_none());
    }

    #[test]
    fn a_tools_input_is_always_an_object() {
        assert_eq!(tool_input(None), json!({"type": "object", "properties": {}}));
        assert_eq!(tool_input(Some(&json!({"properties": {}})))["type"], "object");
    }
}
