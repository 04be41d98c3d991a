//! A whole answer, for a client.

use bytes::Bytes;
use llmux_core::Dialect;
use serde_json::{Map, Value, json};

use super::{
    finish::write_finish, grounding::write_grounding, logprobs::write_logprobs, signature, usage::write_usage,
};
use crate::chat::{ChatAnswer, Choice, Citation, Content, ToolCall};

/// Writes a whole answer.
#[must_use]
pub fn write_answer(answer: &ChatAnswer) -> Bytes {
    let candidates: Vec<_> =
        answer.choices.iter().enumerate().map(|(at, choice)| write_choice(at, choice)).collect();
    let mut out = Map::new();
    out.insert("candidates".into(), candidates.into());
    if let Some(usage) = &answer.usage {
        out.insert("usageMetadata".into(), write_usage(usage));
    }
    out.insert("modelVersion".into(), answer.model.as_str().into());
    out.insert("responseId".into(), answer.id.as_str().into());
    Value::Object(out).to_string().into()
}

fn write_choice(at: usize, choice: &Choice) -> Value {
    let parts: Vec<_> = choice.parts.iter().filter_map(|part| write_piece(&part.content)).collect();
    let mut text = String::new();
    let mut citations: Vec<Citation> = Vec::new();
    for part in &choice.parts {
        if let Content::Text { text: words, citations: cited } = &part.content {
            text.push_str(words);
            citations.extend(cited.iter().cloned());
        }
    }
    let mut out = Map::new();
    out.insert("content".into(), json!({ "parts": parts, "role": "model" }));
    out.insert("finishReason".into(), choice.finish.as_ref().map_or("STOP", write_finish).into());
    out.insert("index".into(), at.into());
    let figures = choice.logprobs.as_ref().and_then(write_logprobs);
    out.extend(figures.map(|figures| ("logprobsResult".to_owned(), figures)));
    if let Some(grounding) = write_grounding(&citations, &text) {
        out.insert("groundingMetadata".into(), grounding);
    }
    out.into()
}

/// Writes one part of an answer; `None` for what Gemini's answers cannot hold.
pub(super) fn write_piece(content: &Content) -> Option<Value> {
    match content {
        Content::Text { text, .. } | Content::Refusal(text) => Some(json!({ "text": text })),
        Content::Reasoning { text, signature } => Some(write_thought(text, signature.as_deref())),
        Content::RedactedReasoning(data) => Some(write_thought("", Some(&signature::from_redacted(data)))),
        Content::ToolCall(call) => Some(write_call(call)),
        Content::Opaque { dialect: Dialect::Gemini, value } => Some(value.clone()),
        _ => None,
    }
}

/// A thought, signed where its maker signed it.
pub(super) fn write_thought(text: &str, signature: Option<&str>) -> Value {
    match signature.filter(|signature| !signature.is_empty()) {
        Some(signature) => json!({ "text": text, "thought": true, "thoughtSignature": signature }),
        None => json!({ "text": text, "thought": true }),
    }
}

/// A call, as an answer has it.
pub(super) fn write_call(call: &ToolCall) -> Value {
    json!({ "functionCall": { "id": call.id, "name": call.name, "args": call.arguments_object() } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{FinishReason, Part};

    #[test]
    fn an_answer_has_every_field_that_clients_expect() {
        let call = ToolCall { id: "c".into(), name: "f".into(), arguments: r#"{"x":1}"#.into() };
        let parts = vec![
            Part::new(Content::Reasoning { text: "hm".into(), signature: Some("s".into()) }),
            Part::text("hi"),
            Part::new(Content::ToolCall(call)),
        ];
        let choice = Choice { parts, finish: Some(FinishReason::ToolCalls), logprobs: None };
        let answer =
            ChatAnswer { id: "r".into(), model: "m".into(), choices: vec![choice], ..ChatAnswer::default() };
        let written: Value = serde_json::from_slice(&write_answer(&answer)).unwrap();
        let parts = json!([
            {"text": "hm", "thought": true, "thoughtSignature": "s"}, {"text": "hi"},
            {"functionCall": {"id": "c", "name": "f", "args": {"x": 1}}},
        ]);
        let candidate =
            json!({"content": {"parts": parts, "role": "model"}, "finishReason": "STOP", "index": 0});
        assert_eq!(written, json!({"candidates": [candidate], "modelVersion": "m", "responseId": "r"}));
    }
}
