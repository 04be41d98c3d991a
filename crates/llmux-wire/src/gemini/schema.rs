//! Schemas: JSON schema, and the OpenAPI dialect of Google's own `Schema` type.

use serde_json::{Map, Value, json};

/// Keywords that hold a list of schemas.
const LISTS: [&str; 4] = ["anyOf", "allOf", "oneOf", "prefixItems"];
/// Keywords that hold schemas by name.
const NAMED: [&str; 3] = ["properties", "$defs", "definitions"];
/// Keywords that hold one schema.
const ONE: [&str; 3] = ["items", "not", "additionalProperties"];
/// Keywords that say nothing about values and that the API does not know.
const REFUSED: [&str; 3] = ["$schema", "$comment", "strict"];

/// Makes a JSON schema one that the API takes: names of other drafts are left out, `const` is written as `enum`.
pub(super) fn clean(schema: &mut Value) {
    walk(schema, &|fields| {
        fields.retain(|name, _| !REFUSED.contains(&name.as_str()));
        if let Some(only) = fields.shift_remove("const") {
            fields.insert("enum".into(), json!([only]));
        }
    });
}

/// Makes a JSON schema of Google's `Schema`: its types are written in capitals, and `nullable` is a type of its
/// own in JSON schema.
pub(super) fn from_google(schema: &mut Value) {
    walk(schema, &|fields| {
        let nullable = fields.shift_remove("nullable").is_some_and(|nullable| nullable == true);
        fields.shift_remove("propertyOrdering");
        let Some(Value::String(kind)) = fields.get_mut("type") else { return };
        kind.make_ascii_lowercase();
        if kind == "type_unspecified" {
            fields.shift_remove("type");
        } else if nullable {
            let kinds = json!([kind, "null"]);
            fields.insert("type".into(), kinds);
        }
    });
}

fn walk(schema: &mut Value, change: &impl Fn(&mut Map<String, Value>)) {
    let Some(fields) = schema.as_object_mut() else { return };
    change(fields);
    for (keyword, value) in fields {
        let keyword = keyword.as_str();
        match value {
            Value::Array(schemas) if LISTS.contains(&keyword) => {
                schemas.iter_mut().for_each(|schema| walk(schema, change));
            }
            Value::Object(schemas) if NAMED.contains(&keyword) => {
                schemas.values_mut().for_each(|schema| walk(schema, change));
            }
            schema if ONE.contains(&keyword) => walk(schema, change),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_does_not_know_is_left_out_and_data_is_left_alone() {
        let mut schema = json!({"$schema": "x", "type": "object", "properties": {
            "strict": {"const": "a"}, "list": {"items": {"$comment": "c", "enum": [{"const": 1}]}}}});
        clean(&mut schema);
        let list = json!({"items": {"enum": [{"const": 1}]}});
        let properties = json!({"strict": {"enum": ["a"]}, "list": list});
        assert_eq!(schema, json!({"type": "object", "properties": properties}));
    }

    #[test]
    fn googles_types_become_those_of_json_schema() {
        let mut schema = json!({"type": "ARRAY", "items": {"type": "STRING", "nullable": true}});
        from_google(&mut schema);
        assert_eq!(schema, json!({"type": "array", "items": {"type": ["string", "null"]}}));
    }
}
