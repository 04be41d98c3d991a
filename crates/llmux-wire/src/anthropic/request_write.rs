//! A Messages request, for a provider.

use bytes::Bytes;
use llmux_core::{Dialect, Result};
use serde_json::{Map, Value, json};

use super::{
    block_write::write_cache,
    parameters::{write_extra, write_metadata, write_sampling, write_tier},
    schema::close_objects,
    thinking::{Thinking, plan},
    tool_write::write_tools,
    turns::Conversation,
};
use crate::chat::{ChatRequest, Fit, ResponseFormat};

/// The token limit of requests that have none, which the API does not take. LiteLLM's default.
pub const DEFAULT_MAX_TOKENS: u64 = 4_096;

/// What stands for OpenAI's `json_object`, which the API has no parameter for. OpenAI takes such a request only
/// if the prompt asks for JSON already, so this adds little to it.
const JSON_OBJECT: &str =
    "Answer with a single JSON object and nothing else, without a code fence around it.";

/// Writes a Messages request for `model`. Fields stand in a fixed order.
///
/// JSON schemas become Anthropic's own structured output for every model; one that is too old for it refuses
/// them itself.
///
/// # Errors
/// A 400 that names what Anthropic's API cannot carry, unless the deployment drops it.
pub fn write_request(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Bytes> {
    build(request, model, fit).map(|fields| Value::Object(fields).to_string().into())
}

/// The fields of a request.
pub(super) fn build(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Map<String, Value>> {
    let thinking = plan(request, model, fit)?;
    let mut conversation = Conversation::of(request, fit)?;
    if request.format == Some(ResponseFormat::JsonObject) {
        conversation.system.push(json!({ "type": "text", "text": JSON_OBJECT }));
    }
    let mut out = Map::new();
    out.insert("model".into(), model.into());
    out.insert("max_tokens".into(), max_tokens(request, &thinking).into());
    if !conversation.system.is_empty() {
        out.insert("system".into(), std::mem::take(&mut conversation.system).into());
    }
    out.insert("messages".into(), conversation.into_messages().into());
    write_tools(request, &mut out, fit)?;
    if let Some(config) = thinking.config {
        out.insert("thinking".into(), config);
    }
    let output = output_config(request, thinking.effort);
    if !output.is_empty() {
        out.insert("output_config".into(), output.into());
    }
    write_sampling(request, &mut out, fit)?;
    if request.stream {
        out.insert("stream".into(), true.into());
    }
    write_metadata(request, &mut out, fit);
    write_tier(request, &mut out, fit)?;
    if let Some(cache) = request.cache {
        out.insert("cache_control".into(), write_cache(cache));
    }
    write_extra(request, &mut out, fit)?;
    Ok(out)
}

/// The limit includes what is thought, so it must be more than the budget. A limit that is not is one for the
/// text alone.
fn max_tokens(request: &ChatRequest, thinking: &Thinking) -> u64 {
    let limit = request.sampling.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS);
    match thinking.budget {
        Some(budget) if budget >= limit => limit.saturating_add(budget),
        _ => limit,
    }
}

fn output_config(request: &ChatRequest, effort: Option<String>) -> Map<String, Value> {
    let mut config = Map::new();
    if let Some(effort) = effort {
        config.insert("effort".into(), effort.into());
    }
    if let Some(ResponseFormat::JsonSchema { schema, .. }) = &request.format {
        let mut schema = schema.clone();
        if request.source != Dialect::Anthropic {
            close_objects(&mut schema);
        }
        config.insert("format".into(), json!({ "type": "json_schema", "schema": schema }));
    }
    config
}

#[cfg(test)]
mod tests {
    use llmux_core::Shaping;

    use super::*;
    use crate::chat::{CacheMark, Message, Part, ReasoningRequest, Role};

    fn request() -> ChatRequest {
        let mut request = ChatRequest::new(Dialect::OpenAi, "alias");
        request.messages.push(Message::new(Role::User, vec![Part::text("hi")]));
        request
    }

    fn write(request: &ChatRequest) -> Value {
        let shaping = Shaping::default();
        let body = write_request(request, "claude-sonnet-4-5", &mut Fit::new("anthropic", &shaping)).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    #[test]
    fn the_least_request_has_model_limit_and_messages() {
        let user = json!({"role": "user", "content": [{"type": "text", "text": "hi"}]});
        let body = json!({"model": "claude-sonnet-4-5", "max_tokens": 4096, "messages": [user]});
        assert_eq!(write(&request()), body);
    }

    #[test]
    fn a_limit_that_the_thinking_would_use_up_is_raised() {
        let mut request = request();
        request.sampling.max_tokens = Some(500);
        request.reasoning =
            Some(ReasoningRequest { effort: Some("low".into()), ..ReasoningRequest::default() });
        assert_eq!(write(&request)["max_tokens"], 1524);
        request.sampling.max_tokens = Some(1025);
        assert_eq!(write(&request)["max_tokens"], 1025);
    }

    #[test]
    fn a_schema_becomes_native_structured_output() {
        let mut request = request();
        let schema = json!({"type": "object", "properties": {}});
        let (name, description, strict) = (Some("n".into()), None, None);
        request.format = Some(ResponseFormat::JsonSchema { name, description, schema, strict });
        let closed = json!({"type": "object", "properties": {}, "additionalProperties": false});
        assert_eq!(
            write(&request)["output_config"],
            json!({"format": {"type": "json_schema", "schema": closed}})
        );
    }

    #[test]
    fn some_json_object_is_asked_for_in_words() {
        let mut request = request();
        request.format = Some(ResponseFormat::JsonObject);
        assert_eq!(write(&request)["system"][0]["text"], JSON_OBJECT);
    }

    #[test]
    fn streams_and_cache_marks_are_asked_for() {
        let mut request = request();
        (request.stream, request.cache) = (true, Some(CacheMark::Default));
        let body = write(&request);
        assert_eq!((&body["stream"], &body["cache_control"]), (&json!(true), &json!({"type": "ephemeral"})));
    }

    #[test]
    fn what_is_kept_of_an_output_config_joins_the_rest() {
        let mut request = request();
        request.source = Dialect::Anthropic;
        request.reasoning =
            Some(ReasoningRequest { effort: Some("high".into()), ..ReasoningRequest::default() });
        request.extra.insert("output_config".into(), json!({"task_budget": {"total": 5}}));
        assert_eq!(write(&request)["output_config"], json!({"effort": "high", "task_budget": {"total": 5}}));
    }
}
