//! Converse's requests in one of their several equal forms.

use serde_json::{Value, json};

/// The normal form: nothing that only says the default, no blank texts, tool results first, schemas as JSON.
pub(super) fn normal(mut body: Value) -> Value {
    if let Some(config) = body.get_mut("toolConfig").and_then(Value::as_object_mut) {
        config.retain(|name, value| name != "toolChoice" || *value != json!({"auto": {}}));
    }
    let fields = body.as_object_mut().unwrap();
    fields.retain(|name, value| *value != json!({}) && !(name == "system" && *value == json!([])));
    for message in fields["messages"].as_array_mut().unwrap() {
        let content = message["content"].as_array_mut().unwrap();
        content.retain(|block| !block["text"].as_str().is_some_and(|text| text.trim().is_empty()));
        content.sort_by_key(|block| block.get("toolResult").is_none());
        for block in content {
            let result = block.get_mut("toolResult").and_then(Value::as_object_mut);
            if let Some(result) = result {
                result.retain(|name, value| name != "status" || *value != "success");
            }
        }
    }
    let schema = body.pointer_mut("/outputConfig/textFormat/structure/jsonSchema/schema");
    if let Some(schema) = schema {
        *schema = serde_json::from_str(schema.as_str().unwrap()).unwrap();
    }
    body
}
