//! A whole answer, for a client: of a chat, or of a prompt.

use bytes::Bytes;
use llmux_core::Usage;
use serde_json::{Map, Value};

use super::{logprobs::write_logprobs, message_write::write_call, time::write_time, usage::put_usage};
use crate::chat::{ChatAnswer, Choice, Content, FinishReason};

/// Writes a whole answer to a chat. `created` (seconds since 1970) is used where the provider gave no time. There is
/// one message in it, the first alternative. How long things took is not known and left out.
#[must_use]
pub fn write_answer(answer: &ChatAnswer, created: u64) -> Bytes {
    write(answer, created, Form::Chat)
}

/// Writes a whole answer to a prompt, see [`write_answer`].
#[must_use]
pub fn write_generated(answer: &ChatAnswer, created: u64) -> Bytes {
    write(answer, created, Form::Generate)
}

/// Where an answer's words stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In a message, as for `/api/chat`.
    Chat,
    /// At the top, as for `/api/generate`.
    Generate,
}

/// What an answer, or a line of one, says.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) thinking: String,
    pub(super) calls: Vec<Value>,
}

impl Form {
    /// An answer, or a line of one.
    pub(super) fn object(self, model: &str, created: u64, said: Said) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert("model".into(), model.into());
        out.insert("created_at".into(), write_time(created).into());
        let mut words = Map::new();
        let name = match self {
            Self::Chat => {
                words.insert("role".into(), "assistant".into());
                "content"
            }
            Self::Generate => "response",
        };
        words.insert(name.into(), said.text.into());
        if !said.thinking.is_empty() {
            words.insert("thinking".into(), said.thinking.into());
        }
        if !said.calls.is_empty() {
            words.insert("tool_calls".into(), said.calls.into());
        }
        match self {
            Self::Chat => _ = out.insert("message".into(), words.into()),
            Self::Generate => out.extend(words),
        }
        out
    }
}

/// Adds what ends an answer.
pub(super) fn put_end(finish: Option<&FinishReason>, usage: &Usage, out: &mut Map<String, Value>) {
    out.insert("done".into(), true.into());
    let reason = match finish {
        Some(FinishReason::Length | FinishReason::ContextWindow) => "length",
        _ => "stop",
    };
    out.insert("done_reason".into(), reason.into());
    put_usage(usage, out);
}

fn write(answer: &ChatAnswer, created: u64, form: Form) -> Bytes {
    let empty = Choice::default();
    let choice = answer.choices.first().unwrap_or(&empty);
    let mut said = Said::default();
    for part in &choice.parts {
        match &part.content {
            Content::Text { text, .. } | Content::Refusal(text) => said.text.push_str(text),
            Content::Reasoning { text, .. } => said.thinking.push_str(text),
            Content::ToolCall(call) => said.calls.push(write_call(call)),
            _ => {}
        }
    }
    let mut out = form.object(&answer.model, answer.created.unwrap_or(created), said);
    put_end(choice.finish.as_ref(), &answer.usage.unwrap_or_default(), &mut out);
    if let Some(logprobs) = choice.logprobs.as_ref().and_then(write_logprobs) {
        out.insert("logprobs".into(), logprobs);
    }
    Value::Object(out).to_string().into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chat::{Part, ToolCall};

    fn answer() -> ChatAnswer {
        let call = ToolCall { id: "c".into(), name: "f".into(), arguments: r#"{"x":1}"#.into() };
        let parts = vec![
            Part::new(Content::Reasoning { text: "hm".into(), signature: Some("s".into()) }),
            Part::text("hi"),
            Part::new(Content::ToolCall(call)),
        ];
        let choice = Choice { parts, finish: Some(FinishReason::ToolCalls), logprobs: None };
        let mut usage = Usage::default();
        (usage.input, usage.output) = (2, 3);
        ChatAnswer { model: "m".into(), choices: vec![choice], usage: Some(usage), ..ChatAnswer::default() }
    }

    #[test]
    fn a_chat_and_a_prompt_are_answered_in_their_forms() {
        let call = json!({"id": "c", "function": {"name": "f", "arguments": {"x": 1}}});
        let message = json!({"role": "assistant", "content": "hi", "thinking": "hm", "tool_calls": [call]});
        let written: Value = serde_json::from_slice(&write_answer(&answer(), 0)).unwrap();
        let expected = json!({
            "model": "m", "created_at": "1970-01-01T00:00:00Z", "message": message,
            "done": true, "done_reason": "stop", "prompt_eval_count": 2, "eval_count": 3,
        });
        assert_eq!(written, expected);
        let written: Value = serde_json::from_slice(&write_generated(&answer(), 0)).unwrap();
        assert_eq!((&written["response"], &written["thinking"]), (&json!("hi"), &json!("hm")));
    }
}
