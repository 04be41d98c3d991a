//! A Messages request, as a client sends it.

use llmux_core::{Dialect, Result};
use serde_json::{Map, Value};

use super::{
    block_read::{read_cache, read_content},
    thinking::read_thinking,
    tool_read::read_tools,
};
use crate::{
    chat::{ChatRequest, Content, Message, Part, ReasoningRequest, ResponseFormat, Role, Sampling},
    json::read::{Item, Object},
};

/// Reads a Messages request. Results of tool calls, which Anthropic puts in the user's turn, become messages of
/// their own before the rest of that turn.
///
/// # Errors
/// A 400 that names line and column of malformed JSON, the missing field, or the field with a wrong type.
pub fn read_request(body: &[u8]) -> Result<ChatRequest> {
    read(body, true)
}

/// Reads a request; `max_tokens` may be missing in one that only asks how long the prompt is.
pub(super) fn read(body: &[u8], needs_max_tokens: bool) -> Result<ChatRequest> {
    let mut object = Object::parse(body)?;
    let mut request = ChatRequest::new(Dialect::Anthropic, object.need_string("model")?);
    if let Some(system) = object.take("system") {
        request.messages.push(Message::new(Role::System, read_content(system)?));
    }
    for item in object.need("messages")?.list()? {
        read_message(item, &mut request.messages)?;
    }
    let kept = read_fields(&mut object, &mut request)?;
    if needs_max_tokens && request.sampling.max_tokens.is_none() {
        return Err(object.missing("max_tokens"));
    }
    request.stream_usage = true;
    request.extra = object.rest();
    request.extra.extend(kept);
    Ok(request)
}

/// Takes every known field beside model and conversation; gives what has no neutral form of them.
fn read_fields(object: &mut Object, request: &mut ChatRequest) -> Result<Map<String, Value>> {
    read_tools(object, request)?;
    request.sampling = read_sampling(object)?;
    request.stream = object.bool("stream")?.unwrap_or_default();
    read_metadata(object, request)?;
    request.service_tier = object.string("service_tier")?;
    request.cache = read_cache(object)?;
    let mut kept = Map::new();
    let reasoning = object.take("thinking").map(|item| read_thinking(item, &mut kept)).transpose()?.flatten();
    request.reasoning = reasoning;
    read_output(object, request, &mut kept)?;
    Ok(kept)
}

/// Checks fields that clients of other dialects wrote under this dialect's names.
///
/// # Errors
/// A 400 that names the field with a wrong type.
pub(super) fn check_fields(fields: Map<String, Value>) -> Result<()> {
    let mut object = Object::root(fields);
    object.take("system").map(read_content).transpose()?;
    read_fields(&mut object, &mut ChatRequest::new(Dialect::Anthropic, "")).map(drop)
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
    let parts = read_content(object.need("content")?)?;
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

fn read_sampling(object: &mut Object) -> Result<Sampling> {
    Ok(Sampling {
        max_tokens: object.count("max_tokens")?,
        temperature: object.number("temperature")?,
        top_p: object.number("top_p")?,
        top_k: object.count("top_k")?,
        stop: object.list("stop_sequences")?.into_iter().map(Item::string).collect::<Result<_>>()?,
        ..Sampling::default()
    })
}

fn read_metadata(object: &mut Object, request: &mut ChatRequest) -> Result<()> {
    let Some(mut metadata) = object.object("metadata")? else { return Ok(()) };
    request.user = metadata.string("user_id")?;
    request.metadata = Some(metadata.rest()).filter(|rest| !rest.is_empty());
    Ok(())
}

/// Takes `output_config` and the older `output_format`. What has no neutral form is kept.
fn read_output(object: &mut Object, request: &mut ChatRequest, kept: &mut Map<String, Value>) -> Result<()> {
    // Never documented as anything but an object; what else clients write there is not ours to judge.
    if object.peek("output_format").is_some_and(Value::is_object) {
        request.format = object.take("output_format").map(read_format).transpose()?;
    }
    let Some(mut config) = object.object("output_config")? else { return Ok(()) };
    if let Some(format) = config.take("format") {
        request.format = Some(read_format(format)?);
    }
    if let Some(effort) = config.string("effort")? {
        request.reasoning.get_or_insert_with(ReasoningRequest::default).effort = Some(effort);
    }
    let rest = config.rest();
    if !rest.is_empty() {
        kept.insert("output_config".into(), rest.into());
    }
    Ok(())
}

fn read_format(item: Item) -> Result<ResponseFormat> {
    let mut format = item.object()?;
    let kind = format.need("type")?;
    if kind.value != "json_schema" {
        return Err(kind.wrong("json_schema"));
    }
    Ok(ResponseFormat::JsonSchema {
        name: format.string("name")?,
        description: None,
        schema: format.need("schema")?.object()?.into_value(),
        // Anthropic always follows the schema.
        strict: Some(true),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chat::{CacheMark, ToolChoice};

    fn read(body: Value) -> Result<ChatRequest> {
        read_request(body.to_string().as_bytes())
    }

    fn read_with(field: &str, value: Value) -> Result<ChatRequest> {
        let mut body =
            json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
        body[field] = value;
        read(body)
    }

    #[test]
    fn system_comes_first_and_texts_and_blocks_are_read_alike() {
        let request = read(json!({"model": "m", "max_tokens": 9,
            "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
            "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}))
        .unwrap();
        let system = Part::text("be brief").with_cache(Some(CacheMark::OneHour));
        let user = Message::new(Role::User, vec![Part::text("hi")]);
        assert_eq!(request.messages, [Message::new(Role::System, vec![system]), user]);
        assert!(request.stream_usage);
    }

    #[test]
    fn tool_results_become_messages_of_their_own_before_the_rest_of_the_turn() {
        let result = json!({"type": "tool_result", "tool_use_id": "t", "content": "42", "is_error": true});
        let request = read_with(
            "messages",
            json!([{"role": "user", "content": [{"type": "text", "text": "so?"}, result]}]),
        );
        let roles: Vec<_> = request.unwrap().messages.iter().map(|message| message.role).collect();
        assert_eq!(roles, [Role::Tool, Role::User]);
    }

    #[test]
    fn sampling_and_tool_choice_are_read() {
        let request =
            read(json!({"model": "m", "max_tokens": 9, "messages": [], "temperature": 0.5, "top_p": 1,
            "top_k": 3, "stop_sequences": ["a"], "stream": true, "tool_choice": {"type": "any"}}))
            .unwrap();
        assert_eq!((request.sampling.max_tokens, request.sampling.top_k), (Some(9), Some(3)));
        assert_eq!(request.sampling.temperature.unwrap().to_string(), "0.5");
        assert_eq!((request.sampling.stop, request.stream), (vec!["a".to_owned()], true));
        assert_eq!(request.tool_choice, Some(ToolChoice::Required));
    }

    #[test]
    fn effort_and_format_are_taken_out_of_the_output_config_and_the_rest_is_kept() {
        let config = json!({"effort": "high", "task_budget": {"total": 5},
            "format": {"type": "json_schema", "schema": {"type": "object"}}});
        let request = read_with("output_config", config).unwrap();
        assert_eq!(request.reasoning.unwrap().effort.as_deref(), Some("high"));
        assert!(matches!(request.format, Some(ResponseFormat::JsonSchema { .. })));
        assert_eq!(request.extra["output_config"], json!({"task_budget": {"total": 5}}));
    }

    #[test]
    fn the_user_is_taken_out_of_the_metadata() {
        let request = read_with("metadata", json!({"user_id": "u", "team": "x"})).unwrap();
        assert_eq!(request.user.as_deref(), Some("u"));
        assert_eq!(Value::from(request.metadata.unwrap()), json!({"team": "x"}));
    }

    #[test]
    fn unknown_fields_are_kept() {
        assert_eq!(read_with("container", json!("c")).unwrap().extra["container"], "c");
    }

    #[test]
    fn mistakes_name_the_field() {
        let param = |field, value| read_with(field, value).unwrap_err().param().unwrap().to_owned();
        assert_eq!(param("max_tokens", Value::Null), "max_tokens");
        assert_eq!(param("max_tokens", json!("9")), "max_tokens");
        assert_eq!(param("messages", json!([{"role": "tool", "content": "x"}])), "messages[0].role");
        assert_eq!(param("messages", json!([{"role": "user"}])), "messages[0].content");
        assert_eq!(param("stop_sequences", json!([1])), "stop_sequences[0]");
        assert_eq!(param("system", json!(3)), "system");
        assert_eq!(param("output_config", json!({"format": {"type": "xml"}})), "output_config.format.type");
    }
}
