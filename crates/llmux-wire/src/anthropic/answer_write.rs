//! A whole answer, for a client.

use bytes::Bytes;
use llmux_core::Usage;
use serde_json::{Map, Value};

use super::{block_write::write_answer_block, usage::write_usage};
use crate::chat::{ChatAnswer, Choice, Content, FinishReason};

/// Fields of Anthropic's own that an answer may have beside the common ones.
const OWN: [&str; 3] = ["container", "context_management", "stop_details"];

/// Writes a whole answer. Anthropic knows one alternative only: the first.
#[must_use]
pub fn write_answer(answer: &ChatAnswer) -> Bytes {
    let nothing = Choice::default();
    let choice = answer.choices.first().unwrap_or(&nothing);
    let content: Vec<_> = choice.parts.iter().filter_map(write_answer_block).collect();
    let calls = choice.parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
    let (reason, sequence) = stop_reason(choice.finish.as_ref(), calls);
    let mut out = message(&answer.id, &answer.model);
    out.insert("content".into(), content.into());
    out.insert("stop_reason".into(), reason.into());
    out.insert("stop_sequence".into(), sequence);
    let usage = answer.usage.unwrap_or_default();
    out.insert("usage".into(), write_usage(&usage, answer.service_tier.as_deref()));
    for name in OWN {
        if let Some(value) = answer.extra.get(name) {
            out.insert(name.into(), value.clone());
        }
    }
    Value::Object(out).to_string().into()
}

/// The message that a stream begins with: no content and no reason to stop yet.
pub(super) fn write_start(id: &str, model: &str, usage: &Usage, service_tier: Option<&str>) -> Value {
    let mut out = message(id, model);
    out.insert("usage".into(), write_usage(usage, service_tier));
    out.into()
}

fn message(id: &str, model: &str) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("id".into(), message_id(id).into());
    out.insert("type".into(), "message".into());
    out.insert("role".into(), "assistant".into());
    out.insert("model".into(), model.into());
    out.insert("content".into(), Vec::<Value>::new().into());
    out.insert("stop_reason".into(), Value::Null);
    out.insert("stop_sequence".into(), Value::Null);
    out
}

/// Anthropic's ids begin with `msg_`.
fn message_id(id: &str) -> String {
    if id.starts_with("msg_") { id.to_owned() } else { format!("msg_{id}") }
}

/// `stop_reason` and `stop_sequence`. Some hosts say that the model was done when it calls tools; Anthropic's
/// clients go by the reason alone.
pub(super) fn stop_reason(finish: Option<&FinishReason>, calls: bool) -> (&'static str, Value) {
    match finish {
        None | Some(FinishReason::Stop | FinishReason::Other(_)) if calls => ("tool_use", Value::Null),
        None => ("end_turn", Value::Null),
        Some(FinishReason::StopSequence(Some(text))) => ("stop_sequence", text.as_str().into()),
        Some(reason) => (reason.anthropic(), Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use llmux_core::Dialect;
    use serde_json::json;

    use super::*;
    use crate::chat::{Part, ToolCall};

    fn write(parts: Vec<Part>, finish: FinishReason) -> Value {
        let choice = Choice { parts, finish: Some(finish), logprobs: None };
        let answer = ChatAnswer {
            id: "chatcmpl-1".into(),
            model: "m".into(),
            choices: vec![choice],
            ..ChatAnswer::default()
        };
        serde_json::from_slice(&write_answer(&answer)).unwrap()
    }

    #[test]
    fn an_answer_has_every_field_that_clients_expect() {
        let answer = write(vec![Part::text("a")], FinishReason::Length);
        assert_eq!(answer["id"], "msg_chatcmpl-1");
        assert_eq!(answer["content"], json!([{"type": "text", "text": "a"}]));
        assert_eq!((&answer["stop_reason"], &answer["stop_sequence"]), (&json!("max_tokens"), &Value::Null));
        assert_eq!(
            (&answer["usage"]["input_tokens"], &answer["usage"]["output_tokens"]),
            (&json!(0), &json!(0))
        );
        assert_eq!(
            (&answer["type"], &answer["role"], &answer["model"]),
            (&json!("message"), &json!("assistant"), &json!("m"))
        );
    }

    #[test]
    fn thinking_without_a_signature_has_an_empty_one() {
        let thought = Content::Reasoning { text: "t".into(), signature: None };
        let answer = write(vec![Part::new(thought)], FinishReason::Stop);
        assert_eq!(answer["content"], json!([{"type": "thinking", "thinking": "t", "signature": ""}]));
    }

    #[test]
    fn tool_calls_are_always_the_reason_to_stop() {
        let call = ToolCall { id: "call_1".into(), name: "f".into(), arguments: r#"{"a":1}"#.into() };
        let answer = write(vec![Part::new(Content::ToolCall(call))], FinishReason::Stop);
        assert_eq!(answer["stop_reason"], "tool_use");
        assert_eq!(
            answer["content"],
            json!([{"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}}])
        );
    }

    #[test]
    fn the_stop_text_is_named() {
        let answer = write(Vec::new(), FinishReason::StopSequence(Some("END".into())));
        assert_eq!(
            (&answer["stop_reason"], &answer["stop_sequence"]),
            (&json!("stop_sequence"), &json!("END"))
        );
    }

    #[test]
    fn parts_of_other_dialects_are_left_out() {
        let foreign = Content::Opaque { dialect: Dialect::OpenAi, value: json!({"type": "x"}) };
        assert_eq!(write(vec![Part::new(foreign)], FinishReason::Stop)["content"], json!([]));
    }
}
