//! A whole answer, as the provider sends it.

use llmux_core::{Dialect, Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::{
    citation::{is_of_text, read_citation},
    error::read_inner_error,
    finish::read_finish,
    logprobs::read_logprobs,
    usage::read_usage,
};
use crate::chat::{ChatAnswer, Choice, Content, Part, ToolCall};

/// Reads a whole answer. Cohere names no model in it.
///
/// # Errors
/// [`ErrorKind::BadReply`] when the body is no answer; the provider's own error when it is one.
pub fn read_answer(body: &[u8]) -> Result<ChatAnswer> {
    let answer: Value = serde_json::from_slice(body).map_err(|error| bad(&error.to_string()))?;
    let Some(message) = answer.get("message").filter(|message| message.is_object()) else {
        return Err(no_answer(&answer));
    };
    let finish = answer.get("finish_reason").and_then(Value::as_str);
    let finish =
        finish.map(|word| read_finish(word, answer.get("error").and_then(Value::as_str))).transpose()?;
    let logprobs = answer.get("logprobs").and_then(Value::as_array);
    let choice =
        Choice { parts: read_parts(message), finish, logprobs: logprobs.map(|list| read_logprobs(list)) };
    Ok(ChatAnswer {
        id: text(&answer, "id"),
        choices: vec![choice],
        usage: answer.get("usage").filter(|usage| usage.is_object()).map(read_usage),
        extra: Map::new(),
        ..ChatAnswer::default()
    })
}

/// What stands in the place of an answer.
pub(super) fn no_answer(value: &Value) -> Error {
    if value.get("message").is_some_and(Value::is_string) || value.get("error").is_some() {
        return read_inner_error(value);
    }
    bad("it holds no message")
}

/// An error about something that is no answer.
pub(super) fn bad(detail: &str) -> Error {
    Error::upstream(ErrorKind::BadReply, format!("the provider's answer is no Cohere answer: {detail}"))
}

pub(super) fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The plan that precedes calls, as a piece of this dialect.
pub(super) fn plan(text: &str) -> Value {
    json!({ "tool_plan": text })
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn read_parts(message: &Value) -> Vec<Part> {
    let mut parts = Vec::new();
    let plan_text = text(message, "tool_plan");
    if !plan_text.is_empty() {
        parts.push(Part::new(Content::Opaque { dialect: Dialect::Cohere, value: plan(&plan_text) }));
    }
    let citations = list(message, "citations").iter().filter(|value| is_of_text(value)).map(read_citation);
    for item in list(message, "content") {
        if let Some(thought) = item.get("thinking").and_then(Value::as_str) {
            parts.push(Part::new(Content::Reasoning { text: thought.to_owned(), signature: None }));
        } else if let Some(words) = item.get("text").and_then(Value::as_str) {
            parts.push(Part::text(words));
        }
    }
    let last = parts.iter_mut().rev().find_map(|part| match &mut part.content {
        Content::Text { citations, .. } => Some(citations),
        _ => None,
    });
    if let Some(last) = last {
        last.extend(citations);
    }
    parts
        .extend(list(message, "tool_calls").iter().map(|call| Part::new(Content::ToolCall(read_call(call)))));
    parts
}

/// Reads a call. Where there is nothing to say, the model says `null` or nothing; an object is expected.
fn read_call(value: &Value) -> ToolCall {
    let function = value.get("function").unwrap_or(&Value::Null);
    let arguments = text(function, "arguments");
    let says = !arguments.trim().is_empty() && arguments.trim() != "null";
    ToolCall {
        id: text(value, "id"),
        name: text(function, "name"),
        arguments: if says { arguments } else { "{}".to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::FinishReason;

    fn read(value: &Value) -> Result<ChatAnswer> {
        read_answer(value.to_string().as_bytes())
    }

    #[test]
    fn plans_thoughts_texts_and_calls_are_told_apart() {
        let answer = read(&json!({
            "id": "i", "finish_reason": "TOOL_CALL",
            "message": {"role": "assistant", "tool_plan": "I will",
                "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "so"}],
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "null"}}]},
            "usage": {"billed_units": {"input_tokens": 3, "output_tokens": 4}},
            "logprobs": [{"text": "so", "token_ids": [1], "logprobs": [-0.5]}],
        }))
        .unwrap();
        let choice = &answer.choices[0];
        let call = ToolCall { id: "c".into(), name: "f".into(), arguments: "{}".into() };
        let parts = [
            Part::new(Content::Opaque { dialect: Dialect::Cohere, value: json!({"tool_plan": "I will"}) }),
            Part::new(Content::Reasoning { text: "hm".into(), signature: None }),
            Part::text("so"),
            Part::new(Content::ToolCall(call)),
        ];
        assert_eq!(choice.parts, parts);
        assert_eq!(choice.finish, Some(FinishReason::ToolCalls));
        assert_eq!(choice.logprobs.as_ref().unwrap()["content"][0]["logprob"], -0.5);
        assert_eq!((answer.id.as_str(), answer.usage.unwrap().total()), ("i", 7));
    }

    #[test]
    fn a_failed_turn_and_an_error_in_disguise_are_errors() {
        let failed = json!({"id": "i", "finish_reason": "ERROR", "message": {"content": []}});
        assert_eq!(read(&failed).unwrap_err().kind(), ErrorKind::ProviderFault);
        assert_eq!(read(&json!({"message": "no"})).unwrap_err().message(), "no");
        assert_eq!(read(&json!({"choices": []})).unwrap_err().kind(), ErrorKind::BadReply);
    }
}
