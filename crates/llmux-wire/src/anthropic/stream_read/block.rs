//! One content block of a stream.

use llmux_core::{Dialect, Error, ErrorKind, Result};
use serde_json::{Map, Value};

use super::Delta;
use crate::{
    anthropic::{
        answer_read::{length, read_whole_block},
        citation::read_citation,
    },
    chat::{Citation, Content, Event},
    sse::MAX_EVENT,
};

/// A block that has begun and not ended.
#[derive(Debug)]
pub(super) enum Block {
    /// Text, from which character on, with what it cites.
    Text { start: u64, citations: Vec<Citation> },
    /// Reasoning.
    Thinking,
    /// A tool call: which one, the arguments it began with, and whether more of them came.
    Call { call: u32, input: String, streamed: bool },
    /// Something with no neutral form, as far as it came: the block, and the text of its `input`.
    Opaque { value: Map<String, Value>, input: String },
    /// Something that came whole.
    Done,
}

impl Block {
    /// Begins a block. `calls` counts the tool calls and `text` the characters of the answer.
    pub(super) fn start(
        value: Value,
        calls: &mut u32,
        text: &mut u64,
        events: &mut Vec<Event>,
    ) -> Result<Self> {
        Ok(match read_whole_block(value)?.content {
            Content::Text { text: first, citations } => {
                let start = *text;
                push_text(first, text, events);
                Self::Text { start, citations }
            }
            Content::Reasoning { text, signature } => {
                push_reasoning(text, signature, events);
                Self::Thinking
            }
            Content::RedactedReasoning(data) => {
                events.push(Event::RedactedReasoning { choice: 0, data });
                Self::Done
            }
            Content::ToolCall(tool) => {
                let call = *calls;
                *calls = calls.saturating_add(1);
                events.push(Event::ToolCall { choice: 0, call, id: tool.id, name: tool.name });
                let input = if tool.arguments.is_empty() { "{}".to_owned() } else { tool.arguments };
                Self::Call { call, input, streamed: false }
            }
            Content::Opaque { value: Value::Object(value), .. } => {
                Self::Opaque { value, input: String::new() }
            }
            _ => Self::Done,
        })
    }

    /// Takes a piece. One that does not belong to the kind of block is skipped.
    pub(super) fn delta(&mut self, delta: Delta<'_>, text: &mut u64, events: &mut Vec<Event>) -> Result<()> {
        match self {
            Self::Text { citations, .. } => {
                push_text(delta.text.unwrap_or_default(), text, events);
                citations.extend(delta.citation.map(read_citation));
            }
            Self::Thinking => push_reasoning(delta.thinking.unwrap_or_default(), delta.signature, events),
            Self::Call { call, streamed, .. } => {
                if let Some(json) = delta.partial_json.filter(|json| !json.is_empty()) {
                    *streamed = true;
                    events.push(Event::Arguments { choice: 0, call: *call, json });
                }
            }
            Self::Opaque { value, input } => {
                input.push_str(delta.partial_json.as_deref().unwrap_or_default());
                if input.len() > MAX_EVENT {
                    return Err(Error::upstream(
                        ErrorKind::BadReply,
                        "the provider sent a block that is too long",
                    ));
                }
                // Such as a summary, which comes in one `compaction_delta`.
                if let Some(content) = delta.content.filter(|_| delta.kind.ends_with("_delta")) {
                    value.insert("content".into(), content);
                }
            }
            Self::Done => {}
        }
        Ok(())
    }

    /// Ends the block. `text` counts the characters of the answer so far.
    pub(super) fn stop(self, text: u64, events: &mut Vec<Event>) {
        match self {
            Self::Text { start, citations } => {
                events.extend(citations.into_iter().map(|mut citation| {
                    citation.span = Some((start, text));
                    Event::Citation { choice: 0, citation }
                }));
            }
            Self::Call { call, input, streamed: false } => {
                events.push(Event::Arguments { choice: 0, call, json: input });
            }
            Self::Opaque { mut value, input } => {
                if let Ok(input) = serde_json::from_str(&input) {
                    value.insert("input".into(), input);
                }
                events.push(Event::Opaque { choice: 0, dialect: Dialect::Anthropic, value: value.into() });
            }
            Self::Call { .. } | Self::Thinking | Self::Done => {}
        }
    }
}

fn push_text(text: String, total: &mut u64, events: &mut Vec<Event>) {
    if !text.is_empty() {
        *total = total.saturating_add(length(&text));
        events.push(Event::Text { choice: 0, text });
    }
}

fn push_reasoning(text: String, signature: Option<String>, events: &mut Vec<Event>) {
    if !text.is_empty() {
        events.push(Event::Reasoning { choice: 0, text });
    }
    if let Some(signature) = signature.filter(|signature| !signature.is_empty()) {
        events.push(Event::ReasoningSignature { choice: 0, signature });
    }
}
