//! A Converse request, as a client sends it.

use llmux_core::{Dialect, Error, Result};
use serde_json::{Map, Value};

use super::{additional::read_additional, content_read::read_blocks, tool_read::read_tools};
use crate::{
    chat::{ChatRequest, Content, Message, Part, ReasoningRequest, ResponseFormat, Role},
    json::read::{Item, Object},
};

/// Reads a request. The model, which stands in the path, is looked for in the field `model`; whether the answer is
/// streamed is left to the caller. Results of tool calls, which stand in the user's turn, become messages of their
/// own before the rest of that turn.
///
/// # Errors
/// A 400 that names line and column of malformed JSON, the missing field, or the field with a wrong type.
pub fn read_request(body: &[u8]) -> Result<ChatRequest> {
    read(Object::parse(body)?)
}

pub(super) fn read(mut object: Object) -> Result<ChatRequest> {
    let mut request = ChatRequest::new(Dialect::BedrockConverse, object.string("model")?.unwrap_or_default());
    let system = object.list("system")?;
    if !system.is_empty() {
        request.messages.push(Message::new(Role::System, read_blocks(system)?));
    }
    for item in object.list("messages")? {
        read_message(item, &mut request.messages)?;
    }
    if request.messages.is_empty() {
        return Err(object.missing("messages"));
    }
    read_fields(&mut object, &mut request)?;
    request.stream_usage = true;
    object.take("stream");
    request.extra.extend(object.rest());
    Ok(request)
}

/// Takes every known field beside model and conversation.
fn read_fields(object: &mut Object, request: &mut ChatRequest) -> Result<()> {
    if let Some(mut config) = object.object("inferenceConfig")? {
        let sampling = &mut request.sampling;
        sampling.max_tokens = config.count("maxTokens")?;
        sampling.temperature = config.number("temperature")?;
        sampling.top_p = config.number("topP")?;
        sampling.stop = config.list("stopSequences")?.into_iter().map(Item::string).collect::<Result<_>>()?;
    }
    read_tools(object, request)?;
    if let Some(fields) = object.object("additionalModelRequestFields")? {
        let rest = read_additional(fields, request)?;
        if !rest.is_empty() {
            request.extra.insert("additionalModelRequestFields".into(), rest.into());
        }
    }
    if let Some(config) = object.object("outputConfig")? {
        read_output(config, request)?;
    }
    if let Some(mut tier) = object.object("serviceTier")? {
        request.service_tier = tier.string("type")?;
    }
    Ok(())
}

/// Checks fields that clients of other dialects wrote under this dialect's names.
///
/// # Errors
/// A 400 that names the field with a wrong type.
pub(super) fn check_fields(fields: Map<String, Value>) -> Result<()> {
    read_fields(&mut Object::root(fields), &mut ChatRequest::new(Dialect::BedrockConverse, ""))
}

fn read_message(item: Item, messages: &mut Vec<Message>) -> Result<()> {
    let mut object = item.object()?;
    let role = object.need("role")?;
    let role = match role.value.as_str().unwrap_or_default() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        // Instructions in the middle of a conversation.
        "system" => Role::System,
        _ => return Err(role.wrong("one of user, assistant, system")),
    };
    let parts = read_blocks(object.need("content")?.list()?)?;
    let is_result = |part: &Part| matches!(part.content, Content::ToolResult { .. });
    let (results, rest): (Vec<_>, Vec<_>) = parts.into_iter().partition(is_result);
    let only_results = rest.is_empty() && !results.is_empty();
    if !results.is_empty() {
        messages.push(Message::new(Role::Tool, results));
    }
    if !only_results {
        messages.push(Message::new(role, rest));
    }
    Ok(())
}

/// Takes `outputConfig`. What has no neutral form is kept.
fn read_output(mut config: Object, request: &mut ChatRequest) -> Result<()> {
    if let Some(effort) = config.string("effort")? {
        request.reasoning.get_or_insert_with(ReasoningRequest::default).effort = Some(effort);
    }
    if let Some(format) = config.object("textFormat")? {
        request.format = Some(read_format(format)?);
    }
    let rest = config.rest();
    if !rest.is_empty() {
        request.extra.insert("outputConfig".into(), rest.into());
    }
    Ok(())
}

fn read_format(mut format: Object) -> Result<ResponseFormat> {
    let kind = format.need("type")?;
    if kind.value != "json_schema" {
        return Err(kind.wrong("json_schema"));
    }
    let mut schema = format.need("structure")?.object()?.need("jsonSchema")?.object()?;
    let text = schema.need("schema")?;
    let path = text.path.clone();
    let parsed: Value = serde_json::from_str(&text.string()?).map_err(|error| {
        Error::invalid(&path, format!("`{path}` must hold a JSON schema as text: {error}"))
    })?;
    Ok(ResponseFormat::JsonSchema {
        name: schema.string("name")?,
        description: schema.string("description")?,
        schema: Item::new(path, parsed).object()?.into_value(),
        strict: Some(true),
    })
}
