//! Tools, the choice among them, and the form of the answer's text, as a client sends them.

use llmux_core::{Dialect, Result};
use serde_json::Value;

use crate::{
    chat::{ChatRequest, ResponseFormat, Tool, ToolChoice},
    json::read::{Item, Object},
};

/// Reads a tool. What is no function runs at OpenAI only.
pub(super) fn read_tool(item: Item) -> Result<Tool> {
    let whole = item.value.clone();
    let mut tool = item.object()?;
    if tool.need_string("type")? != "function" {
        return Ok(Tool::Opaque { dialect: Dialect::OpenAiResponses, value: whole });
    }
    // Clients of chat completions nest the function.
    let mut function = match tool.object("function")? {
        Some(nested) => nested,
        None => tool,
    };
    Ok(Tool::Function {
        name: function.need_string("name")?,
        description: function.string("description")?,
        parameters: function.object("parameters")?.map(Object::into_value),
        strict: function.bool("strict")?,
        cache: None,
    })
}

/// Reads the choice among tools. Where only some are allowed, the others are left out.
pub(super) fn read_choice(item: Item, request: &mut ChatRequest) -> Result<()> {
    let expected =
        "\"auto\", \"none\", \"required\", or an object that names a function or the allowed functions";
    let word = |word: &str| match word {
        "auto" => Some(ToolChoice::Auto),
        "none" => Some(ToolChoice::None),
        "required" => Some(ToolChoice::Required),
        _ => None,
    };
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let choice = match &item.value {
        Value::String(choice) => word(choice),
        value => match (text(value, "type").as_deref(), text(value, "name")) {
            (Some("function"), Some(name)) => Some(ToolChoice::Named(name)),
            (Some("allowed_tools"), _) => {
                allow_only(value, &mut request.tools);
                word(text(value, "mode").as_deref().unwrap_or("auto"))
            }
            _ => None,
        },
    };
    request.tool_choice = Some(choice.ok_or_else(|| item.wrong(expected))?);
    Ok(())
}

fn allow_only(choice: &Value, tools: &mut Vec<Tool>) {
    let allowed = choice.get("tools").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_allowed = |key: &str, text: &str| {
        allowed.iter().any(|tool| tool.get(key).and_then(Value::as_str) == Some(text))
    };
    tools.retain(|tool| match tool {
        Tool::Function { name, .. } => is_allowed("name", name),
        Tool::Opaque { value, .. } => {
            value.get("type").and_then(Value::as_str).is_some_and(|kind| is_allowed("type", kind))
        }
    });
}

/// Reads `text.format`.
pub(super) fn read_format(item: Item) -> Result<ResponseFormat> {
    let mut format = item.object()?;
    let kind = format.need("type")?;
    match kind.value.as_str().unwrap_or_default() {
        "text" => Ok(ResponseFormat::Text),
        "json_object" => Ok(ResponseFormat::JsonObject),
        "json_schema" => Ok(ResponseFormat::JsonSchema {
            name: format.string("name")?,
            description: format.string("description")?,
            schema: format.need("schema")?.object()?.into_value(),
            strict: format.bool("strict")?,
        }),
        _ => Err(kind.wrong("one of text, json_object, json_schema")),
    }
}
