//! `response_format`: the form of the answer.

use llmux_core::Result;
use serde_json::{Value, json};

use crate::{chat::ResponseFormat, json::read::Item};

/// Reads the object.
pub(super) fn read_format(item: Item) -> Result<ResponseFormat> {
    let mut format = item.object()?;
    let kind = format.need("type")?;
    let older = format.take("schema");
    let schema = format.take("json_schema").or(older);
    match (kind.value.as_str(), schema) {
        (Some("text"), _) => Ok(ResponseFormat::Text),
        (Some("json_object"), None) => Ok(ResponseFormat::JsonObject),
        (Some("json_object"), Some(schema)) => Ok(ResponseFormat::JsonSchema {
            name: None,
            description: None,
            schema: schema.object()?.into_value(),
            strict: Some(true),
        }),
        _ => Err(kind.wrong("text or json_object")),
    }
}

/// Writes the object; `None` for plain text, which needs none.
pub(super) fn write_format(format: &ResponseFormat) -> Option<Value> {
    match format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject => Some(json!({ "type": "json_object" })),
        ResponseFormat::JsonSchema { schema, .. } => {
            Some(json!({ "type": "json_object", "json_schema": schema }))
        }
    }
}
