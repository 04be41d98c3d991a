//! A `generateContent` request, for a provider.

use bytes::Bytes;
use llmux_core::{Dialect, Result};
use serde_json::{Map, Value, json};

use super::{
    generation::write_generation, request_read::check_fields, tool_write::write_tools, turns::Conversation,
};
use crate::chat::{ChatRequest, Fit};

/// Fields that other parts of the writer have dealt with.
const DONE: [&str; 3] = ["modalities", "thinking", "web_search_options"];

/// Writes a request for `model`, which itself goes to the path.
///
/// # Errors
/// A 400 that names what Gemini cannot carry, unless the deployment drops it.
pub fn write_request(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Bytes> {
    build(request, model, fit).map(|fields| Value::Object(fields).to_string().into())
}

/// The fields of a request.
pub(super) fn build(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Map<String, Value>> {
    let mut conversation = Conversation::of(request, model, fit)?;
    let mut out = Map::new();
    let system = std::mem::take(&mut conversation.system);
    out.insert("contents".into(), conversation.into_contents().into());
    if !system.is_empty() {
        out.insert("systemInstruction".into(), json!({ "parts": system }));
    }
    write_tools(request, &mut out, fit)?;
    let generation = write_generation(request, model, fit)?;
    if !generation.is_empty() {
        out.insert("generationConfig".into(), generation.into());
    }
    if request.user.is_some() {
        fit.drop("user");
    }
    if request.metadata.as_ref().is_some_and(|metadata| !metadata.is_empty()) {
        fit.drop("metadata");
    }
    if request.service_tier.is_some() {
        fit.drop("service_tier");
    }
    write_extra(request, &mut out, fit)?;
    Ok(out)
}

/// Adds the fields without neutral form: those that are no parameters of the client's dialect are meant for
/// Gemini, in either way of writing, and join what stands there.
fn write_extra(request: &ChatRequest, out: &mut Map<String, Value>, fit: &mut Fit<'_>) -> Result<()> {
    let mut passed = Map::new();
    for (name, value) in &request.extra {
        let done = request.source != Dialect::Gemini && DONE.contains(&name.as_str());
        if done || !fit.carries(request.source, Dialect::Gemini, name)? {
            continue;
        }
        let name = match name.as_str() {
            "safety_settings" => "safetySettings",
            "cached_content" => "cachedContent",
            "generation_config" => "generationConfig",
            "tool_config" => "toolConfig",
            name => name,
        };
        passed.insert(name.to_owned(), value.clone());
    }
    if request.source != Dialect::Gemini {
        check_fields(passed.clone())?;
    }
    for (name, value) in passed {
        match (out.get_mut(&name), value) {
            (Some(Value::Object(written)), Value::Object(more)) => written.extend(more),
            (Some(_), _) => {}
            (None, value) => _ = out.insert(name, value),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use llmux_core::Shaping;

    use super::*;
    use crate::chat::{Content, Message, Part, ResponseFormat, Role, Tool, ToolCall, ToolChoice};

    fn write_for(request: &ChatRequest, model: &str) -> Result<Value> {
        let body = write_request(request, model, &mut Fit::new("gemini", &Shaping::default()))?;
        Ok(serde_json::from_slice(&body).unwrap())
    }

    fn request(messages: Vec<Message>) -> ChatRequest {
        let mut request = ChatRequest::new(Dialect::OpenAi, "alias");
        request.messages = messages;
        request
    }

    fn call(id: &str) -> Part {
        Part::new(Content::ToolCall(ToolCall { id: id.into(), name: "f".into(), arguments: "{}".into() }))
    }

    #[test]
    fn instructions_turns_tools_and_parameters_have_their_places() {
        let mut request = request(vec![
            Message::new(Role::System, vec![Part::text("be brief")]),
            Message::new(Role::User, vec![Part::text("hi")]),
        ]);
        request.sampling.max_tokens = Some(9);
        request.tool_choice = Some(ToolChoice::Required);
        let parameters = Some(json!({"$schema": "x", "type": "object"}));
        let (name, description, strict, cache) = ("f".to_owned(), None, None, None);
        request.tools.push(Tool::Function { name, description, parameters, strict, cache });
        let schema = json!({"type": "object"});
        request.format =
            Some(ResponseFormat::JsonSchema { name: None, description: None, schema, strict: None });
        request.extra.insert("safety_settings".into(), json!([]));
        assert_eq!(
            write_for(&request, "gemini-2.5-flash").unwrap(),
            json!({
                "contents": [{"parts": [{"text": "hi"}], "role": "user"}],
                "systemInstruction": {"parts": [{"text": "be brief"}]},
                "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]}],
                "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
                "generationConfig": {"maxOutputTokens": 9, "responseMimeType": "application/json",
                    "responseJsonSchema": {"type": "object"}},
                "safetySettings": [],
            })
        );
    }

    #[test]
    fn signatures_of_calls_and_texts_come_back_to_their_parts() {
        let thought = |signature: &str| {
            Part::new(Content::Reasoning { text: "hm".into(), signature: Some(signature.into()) })
        };
        let result = Content::ToolResult {
            call_id: "c__thought__YWI".into(),
            parts: vec![Part::text("42")],
            is_error: false,
        };
        let request = request(vec![
            Message::new(Role::User, vec![Part::text("hi")]),
            Message::new(
                Role::Assistant,
                vec![thought("gemini#c2ln"), Part::text("a"), call("c__thought__YWI")],
            ),
            Message::new(Role::Tool, vec![Part::new(result)]),
            Message::new(Role::Assistant, vec![thought("of another maker"), call("d")]),
        ]);
        let contents = write_for(&request, "gemini-3-pro").unwrap()["contents"].clone();
        assert_eq!(
            contents[1]["parts"],
            json!([
                {"text": "a", "thoughtSignature": "c2ln"},
                {"functionCall": {"id": "c", "name": "f", "args": {}}, "thoughtSignature": "YWI="},
            ])
        );
        let answer = json!({"functionResponse": {"id": "c", "name": "f", "response": {"result": "42"}}});
        assert_eq!(contents[2], json!({"parts": [answer], "role": "user"}));
        assert_eq!(
            contents[3]["parts"][0]["thoughtSignature"],
            "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
        );
    }

    #[test]
    fn what_has_no_form_is_refused_by_name() {
        let mut request = request(vec![Message::new(Role::User, vec![Part::text("hi")])]);
        request.extra.insert("verbosity".into(), json!("low"));
        assert_eq!(write_for(&request, "m").unwrap_err().param(), Some("verbosity"));
    }

    #[test]
    fn what_only_responses_have_is_refused_by_name() {
        let mut request = request(vec![Message::new(Role::User, vec![Part::text("hi")])]);
        request.source = Dialect::OpenAiResponses;
        request.extra.insert("context_management".into(), json!([]));
        assert_eq!(write_for(&request, "m").unwrap_err().param(), Some("context_management"));
    }
}
