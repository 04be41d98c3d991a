//! A request for a response, as a client sends it.

use llmux_core::{Dialect, Error, Result};
use serde_json::Value;

use super::{
    item_read::read_input,
    tool_read::{read_choice, read_format, read_tool},
};
use crate::{
    chat::{ChatRequest, Message, Part, ReasoningRequest, Role},
    json::read::{Item, Object},
    openai::read_sampling,
};

/// Fields that only the Responses API has and that change the answer. A chat provider cannot carry them.
pub(crate) const RESPONSES_ONLY: &[&str] =
    &["context_management", "max_tool_calls", "moderation", "prompt_cache_options", "truncation"];

/// Fields that refer to something kept at the provider. Without it the answer would be another one, so that they
/// cannot be dropped.
const STORED: [(&str, &str); 3] = [
    ("previous_response_id", "send the earlier items in `input` instead"),
    ("conversation", "send the earlier items in `input` instead"),
    ("prompt", "send the prompt's text in `instructions` or `input` instead"),
];

/// Reads a request as a conversation. What has the same meaning in chat completions stands in
/// [`ChatRequest::extra`] under its name there.
///
/// # Errors
/// A 400 that names line and column of malformed JSON, the field with a wrong type, or the field that refers to
/// something stored.
pub fn read_request(body: &[u8]) -> Result<ChatRequest> {
    let mut object = Object::parse(body)?;
    let mut request = ChatRequest::new(Dialect::OpenAiResponses, object.need_string("model")?);
    refuse_stored(&mut object)?;
    if let Some(instructions) = object.take("instructions") {
        read_instructions(instructions, &mut request)?;
    }
    request.messages.extend(read_input(object.need("input")?)?);
    for item in object.list("tools")? {
        request.tools.push(read_tool(item)?);
    }
    if let Some(choice) = object.take("tool_choice") {
        read_choice(choice, &mut request)?;
    }
    request.parallel_tool_calls = object.bool("parallel_tool_calls")?;
    read_text(&mut object, &mut request)?;
    request.reasoning = read_reasoning(&mut object)?;
    let limit = object.count("max_output_tokens")?;
    request.sampling = read_sampling(&mut object)?;
    request.sampling.max_tokens = limit.or(request.sampling.max_tokens);
    read_include(&mut object, &mut request)?;
    request.stream = object.bool("stream")?.unwrap_or_default();
    // Usage is always at the end of a stream; the options are about padding only.
    let _ = object.object("stream_options")?;
    request.stream_usage = true;
    let safety = object.string("safety_identifier")?;
    request.user = object.string("user")?.or(safety);
    request.metadata = object.object("metadata")?.map(Object::rest);
    request.service_tier = object.string("service_tier")?;
    // Nothing is stored, and the answer says so.
    let _ = object.bool("store")?;
    if object.peek("truncation").is_some_and(|truncation| truncation == "disabled") {
        let _ = object.take("truncation");
    }
    request.extra.extend(object.rest());
    Ok(request)
}

fn refuse_stored(object: &mut Object) -> Result<()> {
    for (name, instead) in STORED {
        if object.take(name).is_some() {
            return Err(Error::unsupported(
                name,
                format!("`{name}` needs a provider that keeps responses, and this one does not; {instead}"),
            ));
        }
    }
    if object.bool("background")?.unwrap_or_default() {
        return Err(Error::unsupported(
            "background",
            "`background` needs a provider that keeps responses, and this one does not; leave it out",
        ));
    }
    Ok(())
}

fn read_instructions(item: Item, request: &mut ChatRequest) -> Result<()> {
    match item.value {
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => request.messages.push(Message::new(Role::System, vec![Part::text(text)])),
        _ => request.messages.extend(read_input(item)?),
    }
    Ok(())
}

fn read_text(object: &mut Object, request: &mut ChatRequest) -> Result<()> {
    let Some(mut text) = object.object("text")? else { return Ok(()) };
    request.format = text.take("format").map(read_format).transpose()?;
    if let Some(verbosity) = text.string("verbosity")? {
        request.extra.insert("verbosity".into(), verbosity.into());
    }
    Ok(())
}

fn read_reasoning(object: &mut Object) -> Result<Option<ReasoningRequest>> {
    let other = object.string("reasoning_effort")?;
    let mut reasoning = ReasoningRequest { effort: other, ..ReasoningRequest::default() };
    if let Some(mut given) = object.object("reasoning")? {
        reasoning.effort = given.string("effort")?.or(reasoning.effort);
        let summary = given.string("summary")?.or(given.string("generate_summary")?);
        reasoning.display = summary.map(|_| "summarized".to_owned());
    }
    Ok(Some(reasoning).filter(|reasoning| *reasoning != ReasoningRequest::default()))
}

/// Of what can be included, log probabilities need asking for; sealed reasoning is always there, and the rest
/// belongs to tools of OpenAI's own.
fn read_include(object: &mut Object, request: &mut ChatRequest) -> Result<()> {
    let included = object.list("include")?.into_iter().map(Item::string).collect::<Result<Vec<_>>>()?;
    if included.iter().any(|name| name == "message.output_text.logprobs") {
        request.sampling.logprobs = Some(true);
    } else {
        request.sampling.top_logprobs = None;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chat::{Content, Media, ResponseFormat, Tool, ToolCall, ToolChoice};

    fn read(value: &Value) -> ChatRequest {
        read_request(value.to_string().as_bytes()).unwrap()
    }

    fn refused(value: &Value) -> Error {
        read_request(value.to_string().as_bytes()).unwrap_err()
    }

    #[test]
    fn a_text_alone_is_the_users_and_instructions_come_first() {
        let request = read(&json!({"model": "m", "instructions": "be kind", "input": "hi"}));
        assert_eq!(
            request.messages,
            [
                Message::new(Role::System, vec![Part::text("be kind")]),
                Message::new(Role::User, vec![Part::text("hi")])
            ]
        );
        assert!(request.stream_usage && request.extra.is_empty());
    }

    #[test]
    fn the_items_of_one_turn_become_one_message_and_results_another() {
        let request = read(&json!({"model": "m", "input": [
            {"role": "user", "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"}]},
            {"type": "reasoning", "id": "rs_1", "encrypted_content": "llmux-1:signed:sig",
                "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
                "content": [{"type": "output_text", "text": "Let me see.", "annotations": []}]},
            {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
            {"type": "function_call", "call_id": "b", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": "1"},
            {"type": "function_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "2"}]},
        ]}));
        let roles: Vec<_> = request.messages.iter().map(|message| message.role).collect();
        assert_eq!(roles, [Role::User, Role::Assistant, Role::Tool]);
        assert!(matches!(
            &request.messages[0].parts[1].content,
            Content::Image { source: Media::Base64 { .. }, detail: Some(detail) } if detail == "low"
        ));
        let turn = &request.messages[1].parts;
        let signed = Content::Reasoning { text: "hm".into(), signature: Some("sig".into()) };
        assert_eq!((turn.len(), &turn[0].content), (4, &signed));
        let call = ToolCall { id: "b".into(), name: "f".into(), arguments: "{}".into() };
        assert_eq!(turn[3].content, Content::ToolCall(call));
        assert_eq!(request.messages[2].parts.len(), 2);
    }

    #[test]
    fn tools_format_and_reasoning_are_read() {
        let request = read(&json!({"model": "m", "input": "hi",
            "tools": [
                {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": true},
                {"type": "function", "name": "g", "parameters": null},
                {"type": "web_search"}],
            "tool_choice": {"type": "function", "name": "f"},
            "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}},
                "verbosity": "low"},
            "reasoning": {"effort": "high", "summary": "auto"},
            "max_output_tokens": 5, "top_logprobs": 0, "truncation": "disabled", "store": false,
            "include": ["reasoning.encrypted_content"]}));
        assert!(matches!(&request.tools[0], Tool::Function { strict: Some(true), .. }));
        assert!(matches!(&request.tools[2], Tool::Opaque { dialect: Dialect::OpenAiResponses, .. }));
        assert_eq!(request.tool_choice, Some(ToolChoice::Named("f".into())));
        assert!(
            matches!(&request.format, Some(ResponseFormat::JsonSchema { name: Some(n), .. }) if n == "n")
        );
        assert_eq!(request.reasoning.and_then(|reasoning| reasoning.effort).as_deref(), Some("high"));
        assert_eq!((request.sampling.max_tokens, request.sampling.logprobs), (Some(5), None));
        assert_eq!(Value::Object(request.extra), json!({"verbosity": "low"}));
    }

    #[test]
    fn a_choice_among_allowed_tools_leaves_only_these() {
        let request = read(&json!({"model": "m", "input": "hi",
            "tools": [{"type": "function", "name": "f"}, {"type": "function", "name": "g"}],
            "tool_choice": {"type": "allowed_tools", "mode": "required",
                "tools": [{"type": "function", "name": "g"}]}}));
        assert!(matches!(request.tools.as_slice(), [Tool::Function { name, .. }] if name == "g"));
        assert_eq!(request.tool_choice, Some(ToolChoice::Required));
    }

    #[test]
    fn what_refers_to_something_stored_is_refused_by_name() {
        for (field, value) in [
            ("previous_response_id", json!("resp_1")),
            ("conversation", json!("conv_1")),
            ("prompt", json!({"id": "p"})),
            ("background", json!(true)),
        ] {
            let error = refused(&json!({"model": "m", "input": "hi", field: value}));
            assert_eq!((error.param(), error.status().as_u16()), (Some(field), 400));
        }
        let reference = json!({"model": "m", "input": [{"type": "item_reference", "id": "msg_1"}]});
        assert_eq!(refused(&reference).param(), Some("input[0]"));
        let none = json!({"model": "m", "input": "hi", "previous_response_id": null, "background": false});
        assert!(read(&none).extra.is_empty());
    }

    #[test]
    fn wrong_types_name_the_field() {
        for (body, param) in [
            (json!({"input": "hi"}), "model"),
            (json!({"model": "m"}), "input"),
            (json!({"model": "m", "input": [{"role": "bot", "content": "x"}]}), "input[0].role"),
            (json!({"model": "m", "input": [{"role": "user"}]}), "input[0].content"),
            (json!({"model": "m", "input": [{"type": "function_call", "name": "f"}]}), "input[0].call_id"),
            (json!({"model": "m", "input": "hi", "text": {"format": {"type": "xml"}}}), "text.format.type"),
            (json!({"model": "m", "input": "hi", "tool_choice": {"type": "mcp"}}), "tool_choice"),
            (json!({"model": "m", "input": "hi", "stream": "false"}), "stream"),
        ] {
            let error = refused(&body);
            assert_eq!((error.param(), error.status().as_u16()), (Some(param), 400), "{body}");
        }
    }
}
