//! A whole answer, as the provider sends it, and a line of a stream, which has the same form.

use llmux_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use super::{error::read_inner_error, logprobs::read_logprobs, usage::read_usage};
use crate::chat::{ChatAnswer, Choice, Content, FinishReason, Part, ToolCall};

/// Reads a whole answer. Ollama gives it no identifier: the time it was made at serves as one.
///
/// # Errors
/// [`ErrorKind::BadReply`] when the body is no answer; the provider's own error when it is one.
pub fn read_answer(body: &[u8]) -> Result<ChatAnswer> {
    let answer = parse(body)?;
    let id = id(&answer);
    let parts = read_parts(&answer, &id, 0);
    let calls = parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
    let finish = answer.get("done_reason").and_then(Value::as_str).unwrap_or("stop");
    let choice = Choice { parts, finish: Some(read_finish(finish, calls)), logprobs: read_logprobs(&answer) };
    Ok(ChatAnswer {
        id,
        model: text(&answer, "model"),
        choices: vec![choice],
        usage: Some(read_usage(&answer)),
        extra: Map::new(),
        ..ChatAnswer::default()
    })
}

/// Reads an answer or a line as JSON.
///
/// # Errors
/// As for [`read_answer`].
pub(super) fn parse(body: &[u8]) -> Result<Value> {
    let value: Value = serde_json::from_slice(body).map_err(|error| bad(&error.to_string()))?;
    if value.get("error").is_some_and(|error| !error.is_null()) {
        return Err(read_inner_error(&value));
    }
    if value.get("message").is_none_or(|message| !message.is_object()) {
        return Err(bad("it holds no message"));
    }
    Ok(value)
}

/// An error about something that is no answer.
pub(super) fn bad(detail: &str) -> Error {
    Error::upstream(ErrorKind::BadReply, format!("the provider's answer is no Ollama answer: {detail}"))
}

pub(super) fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The identifier of an answer.
pub(super) fn id(answer: &Value) -> String {
    let time: String = text(answer, "created_at").chars().filter(char::is_ascii_alphanumeric).collect();
    format!("ollama-{time}")
}

/// The pieces of an answer; `calls` is the number of calls before them, `id` the answer's identifier.
pub(super) fn read_parts(answer: &Value, id: &str, mut calls: u32) -> Vec<Part> {
    let message = answer.get("message").unwrap_or(&Value::Null);
    let mut parts = Vec::new();
    let (thought, words) = (text(message, "thinking"), text(message, "content"));
    if !thought.is_empty() {
        parts.push(Part::new(Content::Reasoning { text: thought, signature: None }));
    }
    if !words.is_empty() {
        parts.push(Part::text(words));
    }
    for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
        let function = call.get("function").unwrap_or(&Value::Null);
        let arguments = function.get("arguments").filter(|arguments| arguments.is_object());
        let given = text(call, "id");
        let id = if given.is_empty() { format!("call_{id}_{calls}") } else { given };
        calls = calls.saturating_add(1);
        parts.push(Part::new(Content::ToolCall(ToolCall {
            id,
            name: text(function, "name"),
            arguments: arguments.map_or_else(|| "{}".to_owned(), Value::to_string),
        })));
    }
    parts
}

/// Reads a reason. Ollama says `stop` when it calls tools too.
pub(super) fn read_finish(word: &str, calls: bool) -> FinishReason {
    match word {
        "stop" if calls => FinishReason::ToolCalls,
        "stop" | "load" | "unload" => FinishReason::Stop,
        "length" => FinishReason::Length,
        word => FinishReason::Other(word.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<ChatAnswer> {
        read_answer(value.to_string().as_bytes())
    }

    #[test]
    fn thoughts_texts_and_calls_are_told_apart() {
        let calls = json!([{"function": {"name": "f", "arguments": {"x": 1}}}, {"id": "c", "function": {"name": "g"}}]);
        let answer = read(&json!({
            "model": "qwen3", "created_at": "2025-01-02T03:04:05.678Z", "done": true, "done_reason": "stop",
            "message": {"role": "assistant", "content": "so", "thinking": "hm", "tool_calls": calls},
            "prompt_eval_count": 3, "eval_count": 4, "total_duration": 5,
        }))
        .unwrap();
        let call = |id: &str, name: &str, arguments: &str| {
            Part::new(Content::ToolCall(ToolCall {
                id: id.into(),
                name: name.into(),
                arguments: arguments.into(),
            }))
        };
        let parts = [
            Part::new(Content::Reasoning { text: "hm".into(), signature: None }),
            Part::text("so"),
            call("call_ollama-20250102T030405678Z_0", "f", r#"{"x":1}"#),
            call("c", "g", "{}"),
        ];
        let choice = &answer.choices[0];
        assert_eq!((&*choice.parts, &choice.finish), (&parts[..], &Some(FinishReason::ToolCalls)));
        assert_eq!((answer.model.as_str(), answer.usage.unwrap().total()), ("qwen3", 7));
    }

    #[test]
    fn what_is_no_answer_is_a_bad_reply_and_an_error_is_itself() {
        assert_eq!(read(&json!({"choices": []})).unwrap_err().kind(), ErrorKind::BadReply);
        assert_eq!(read(&json!({"error": "no"})).unwrap_err().message(), "no");
    }
}
