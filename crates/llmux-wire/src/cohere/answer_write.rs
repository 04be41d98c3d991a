//! A whole answer, for a client.

use bytes::Bytes;
use llmux_core::Dialect;
use serde_json::{Map, Value, json};

use super::{
    citation::write_citation, finish::write_finish, logprobs::write_logprobs, message_write::write_call,
    usage::write_usage,
};
use crate::chat::{ChatAnswer, Choice, Content};

/// Writes a whole answer. There is one message in it, the first alternative.
#[must_use]
pub fn write_answer(answer: &ChatAnswer) -> Bytes {
    let empty = Choice::default();
    let choice = answer.choices.first().unwrap_or(&empty);
    let mut out = Map::new();
    out.insert("id".into(), answer.id.as_str().into());
    out.insert("finish_reason".into(), choice.finish.as_ref().map_or("COMPLETE", write_finish).into());
    out.insert("message".into(), write_message(choice));
    if let Some(usage) = &answer.usage {
        out.insert("usage".into(), write_usage(usage));
    }
    if let Some(logprobs) = &choice.logprobs {
        out.insert("logprobs".into(), write_logprobs(logprobs).into());
    }
    Value::Object(out).to_string().into()
}

fn write_message(choice: &Choice) -> Value {
    let (mut content, mut calls, mut citations) = (Vec::new(), Vec::new(), Vec::new());
    let mut out = Map::new();
    out.insert("role".into(), "assistant".into());
    for part in &choice.parts {
        match &part.content {
            Content::Text { text, citations: cited } => {
                content.push(json!({ "type": "text", "text": text }));
                citations.extend(cited.iter().map(|citation| write_citation(citation, text)));
            }
            Content::Refusal(text) => content.push(json!({ "type": "text", "text": text })),
            Content::Reasoning { text, .. } if !text.is_empty() => {
                content.push(json!({ "type": "thinking", "thinking": text }));
            }
            Content::ToolCall(call) => calls.push(write_call(call)),
            Content::Opaque { dialect: Dialect::Cohere, value } => {
                out.extend(value.as_object().cloned().unwrap_or_default());
            }
            _ => {}
        }
    }
    for (name, list) in [("content", content), ("tool_calls", calls), ("citations", citations)] {
        if !list.is_empty() {
            out.insert(name.into(), list.into());
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chat::{FinishReason, Part, ToolCall},
        cohere::read_answer,
    };

    #[test]
    fn what_is_written_is_read_back() {
        let call = ToolCall { id: "c".into(), name: "f".into(), arguments: r#"{"x":1}"#.into() };
        let parts = vec![
            Part::new(Content::Reasoning { text: "hm".into(), signature: None }),
            Part::text("hi"),
            Part::new(Content::ToolCall(call)),
        ];
        let choice = Choice { parts, finish: Some(FinishReason::ToolCalls), logprobs: None };
        let mut usage = llmux_core::Usage::default();
        (usage.input, usage.output) = (2, 3);
        let answer =
            ChatAnswer { id: "r".into(), choices: vec![choice], usage: Some(usage), ..ChatAnswer::default() };
        assert_eq!(read_answer(&write_answer(&answer)).unwrap(), answer);
    }
}
