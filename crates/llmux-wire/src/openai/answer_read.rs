//! A whole chat completion, as OpenAI-like providers answer.

use llmux_core::{Dialect, Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{reasoning, usage};
use crate::chat::{ChatAnswer, Choice, Citation, Content, FinishReason, Part, ToolCall};

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    created: Option<f64>,
    choices: Vec<WireChoice>,
    #[serde(default)]
    usage: Option<usage::Wire>,
    #[serde(default)]
    service_tier: Option<String>,
    #[serde(default)]
    system_fingerprint: Option<Value>,
    /// Perplexity.
    #[serde(default)]
    search_results: Option<Value>,
}

#[derive(Deserialize)]
struct WireChoice {
    #[serde(default)]
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    logprobs: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message {
    content: Option<Value>,
    refusal: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    reasoning_details: Option<Vec<Value>>,
    thinking_blocks: Option<Vec<Value>>,
    tool_calls: Option<Vec<Value>>,
    function_call: Option<WireFunction>,
    annotations: Option<Vec<Value>>,
    audio: Option<Value>,
}

/// The function of a call. Some hosts send the arguments as an object instead of text.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct WireFunction {
    pub(super) name: Option<String>,
    pub(super) arguments: Option<Value>,
}

impl WireFunction {
    /// Whether it is a call at all: some hosts send every field of the reference, empty where there is nothing.
    pub(super) fn is_named(&self) -> bool {
        self.name.as_deref().is_some_and(|name| !name.is_empty())
    }

    /// The arguments as text.
    pub(super) fn arguments_text(&self) -> String {
        match &self.arguments {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }
}

/// Reads a whole answer.
///
/// # Errors
/// [`ErrorKind::BadReply`] when it is none.
pub fn read_answer(body: &[u8]) -> Result<ChatAnswer> {
    let wire: Wire = serde_json::from_slice(body).map_err(|error| bad(body, error))?;
    if wire.choices.is_empty() {
        return Err(Error::upstream(ErrorKind::BadReply, "the provider's answer has no choices"));
    }
    let mut extra = Map::new();
    for (name, value) in
        [("system_fingerprint", wire.system_fingerprint), ("search_results", wire.search_results)]
    {
        if let Some(value) = value {
            extra.insert(name.to_owned(), value);
        }
    }
    Ok(ChatAnswer {
        id: wire.id.unwrap_or_default(),
        model: wire.model.unwrap_or_default(),
        created: wire.created.map(|seconds| seconds as u64),
        choices: wire.choices.into_iter().map(read_choice).collect(),
        usage: wire.usage.map(|usage| usage.buckets()),
        service_tier: wire.service_tier,
        extra,
    })
}

/// An answer that is none: an error object that came with a success status, or no JSON at all.
pub(crate) fn bad(body: &[u8], error: serde_json::Error) -> Error {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if value.get("error").is_some_and(|error| !error.is_null()) => {
            super::error::read_stream_error(&value)
        }
        _ => {
            Error::upstream(ErrorKind::BadReply, format!("the provider's answer is not understood: {error}"))
                .with_source(error)
        }
    }
}

fn read_choice(choice: WireChoice) -> Choice {
    let message = choice.message;
    let details = message.reasoning_details;
    let mut parts: Vec<_> = reasoning::read_blocks(message.thinking_blocks, details.as_ref())
        .into_iter()
        .map(Part::new)
        .collect();
    let plain = message.reasoning_content.or(message.reasoning).filter(|text| !text.is_empty());
    let plain = plain.unwrap_or_else(|| reasoning::read_details(&details.unwrap_or_default()));
    if parts.is_empty() && !plain.is_empty() {
        parts.push(Part::new(Content::Reasoning { text: plain, signature: None }));
    }
    read_content(message.content, &mut parts);
    let citations = message.annotations.unwrap_or_default().iter().map(read_annotation).collect::<Vec<_>>();
    if let Some(text) = parts.iter_mut().rev().find_map(|part| match &mut part.content {
        Content::Text { citations, .. } => Some(citations),
        _ => None,
    }) {
        *text = citations;
    }
    if let Some(refusal) = message.refusal.filter(|text| !text.is_empty()) {
        parts.push(Part::new(Content::Refusal(refusal)));
    }
    if let Some(value) = message.audio.filter(|audio| audio.get("data").is_some_and(|data| data != "")) {
        parts.push(Part::new(Content::Opaque {
            dialect: Dialect::OpenAi,
            value: serde_json::json!({ "type": "audio", "audio": value }),
        }));
    }
    parts.extend(message.tool_calls.unwrap_or_default().into_iter().map(read_call));
    if let Some(function) = message.function_call.filter(WireFunction::is_named) {
        let name = function.name.clone().unwrap_or_default();
        let arguments = function.arguments_text();
        parts.push(Part::new(Content::ToolCall(ToolCall { id: name.clone(), name, arguments })));
    }
    let called = parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
    Choice { finish: read_finish(choice.finish_reason.as_deref(), called), parts, logprobs: choice.logprobs }
}

fn read_call(value: Value) -> Part {
    let function =
        value.get("function").cloned().and_then(|f| serde_json::from_value::<WireFunction>(f).ok());
    Part::new(match function {
        Some(function) => Content::ToolCall(ToolCall {
            id: value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned(),
            arguments: function.arguments_text(),
            name: function.name.unwrap_or_default(),
        }),
        None => Content::Opaque { dialect: Dialect::OpenAi, value },
    })
}

/// Text, or parts: Mistral puts reasoning there as `{"type": "thinking", "thinking": [{"text"}]}`, Databricks
/// as `{"type": "reasoning", "summary": [{"text"}]}`.
fn read_content(content: Option<Value>, parts: &mut Vec<Part>) {
    match content {
        Some(Value::String(text)) if !text.is_empty() => parts.push(Part::text(text)),
        Some(Value::Array(items)) => parts.extend(items.into_iter().filter_map(read_content_part)),
        _ => {}
    }
}

fn read_content_part(item: Value) -> Option<Part> {
    if let Value::String(text) = item {
        return Some(Part::text(text));
    }
    match item.get("type").and_then(Value::as_str)? {
        "text" | "output_text" => Some(Part::text(item.get("text")?.as_str()?)),
        kind @ ("thinking" | "reasoning") => {
            let text = reasoning_text(&item, kind);
            Some(Part::new(Content::Reasoning { text, signature: None }))
        }
        _ => Some(Part::new(Content::Opaque { dialect: Dialect::OpenAi, value: item })),
    }
}

/// The text of a reasoning part, wherever the host puts it.
pub(super) fn reasoning_text(item: &Value, kind: &str) -> String {
    let inner = item.get(kind).or_else(|| item.get("summary")).or_else(|| item.get("text"));
    match inner {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(pieces)) => {
            pieces.iter().filter_map(|piece| piece.get("text").and_then(Value::as_str)).collect()
        }
        _ => String::new(),
    }
}

/// Reads one annotation.
pub(super) fn read_annotation(value: &Value) -> Citation {
    let inner = value.get("url_citation").unwrap_or(value);
    let text = |name: &str| inner.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| inner.get(name).and_then(Value::as_u64);
    Citation {
        url: text("url"),
        title: text("title"),
        cited_text: text("content"),
        span: number("start_index").zip(number("end_index")),
        raw: Some((Dialect::OpenAi, value.clone())),
    }
}

/// Reads a finish reason. Some hosts send an empty one, or `stop` beside tool calls.
pub(super) fn read_finish(word: Option<&str>, called: bool) -> Option<FinishReason> {
    Some(match word? {
        "" | "stop" | "end_turn" | "eos" if called => FinishReason::ToolCalls,
        "" | "stop" | "end_turn" | "eos" => FinishReason::Stop,
        "length" | "max_tokens" => FinishReason::Length,
        "model_length" | "model_context_window_exceeded" => FinishReason::ContextWindow,
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        "content_filter" | "sensitive" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> ChatAnswer {
        read_answer(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn reasoning_is_found_where_each_host_puts_it() {
        for message in [
            json!({"content": "hi", "reasoning_content": "hm"}),
            json!({"content": "hi", "reasoning": "hm"}),
            json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "hi"}]}),
            json!({"content": [{"type": "reasoning", "summary": [{"text": "hm"}]}, {"type": "text", "text": "hi"}]}),
        ] {
            let answer = read(&json!({"choices": [{"message": message, "finish_reason": "stop"}]}));
            let parts = &answer.choices[0].parts;
            assert_eq!(
                parts[0].content,
                Content::Reasoning { text: "hm".into(), signature: None },
                "{message}"
            );
            assert_eq!(parts[1].as_text(), Some("hi"));
        }
    }

    #[test]
    fn arguments_sent_as_an_object_become_text() {
        let answer = read(&json!({"choices": [{"finish_reason": "stop", "message": {"tool_calls": [
            {"id": "1", "function": {"name": "f", "arguments": {"a": 1}}}]}}]}));
        assert_eq!(answer.choices[0].finish, Some(FinishReason::ToolCalls));
        assert!(
            matches!(&answer.choices[0].parts[0].content, Content::ToolCall(c) if c.arguments == r#"{"a":1}"#)
        );
    }

    #[test]
    fn an_error_with_a_success_status_is_an_error() {
        let error = read_answer(br#"{"error":{"message":"busy","code":429}}"#).unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::RateLimited, "busy"));
        assert_eq!(read_answer(b"<html>").unwrap_err().kind(), ErrorKind::BadReply);
        assert_eq!(read_answer(br#"{"choices":[]}"#).unwrap_err().kind(), ErrorKind::BadReply);
    }
}
