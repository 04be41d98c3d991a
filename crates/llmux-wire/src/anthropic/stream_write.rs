//! A streamed answer, for a client.

use bytes::BytesMut;
use llmux_core::{Dialect, Error, Usage};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    answer_write::{stop_reason, write_start},
    citation::write_citation,
    error::write_error,
    usage::write_usage,
};
use crate::{
    chat::{Event, FinishReason},
    sse, stream,
};

/// Writes a streamed answer. Anthropic knows one alternative only: events of others than the first are skipped.
///
/// A block ends when something of another kind begins. The reason to stop and the usage come in one event, so
/// both are held back until the stream ends: other dialects report usage last.
#[derive(Debug, Default)]
pub struct StreamWriter {
    id: String,
    model: String,
    service_tier: Option<String>,
    usage: Usage,
    finish: Option<FinishReason>,
    started: bool,
    ended: bool,
    /// The index of the next block.
    next: u64,
    open: Option<Open>,
    /// Where each tool call stands: its number and the index of its block.
    calls: Vec<(u32, u64)>,
}

/// The block that is being written.
#[derive(Debug)]
struct Open {
    index: u64,
    kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Text,
    /// With its signature so far: clients take the last `signature_delta` for the whole, so it is written once.
    Thinking {
        signature: String,
    },
    Call,
}

impl StreamWriter {
    /// A writer at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn start(&mut self, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.started, true) {
            let message = write_start(&self.id, &self.model, &self.usage, self.service_tier.as_deref());
            frame(out, &json!({ "type": "message_start", "message": message }));
        }
    }

    /// Begins a block.
    fn begin(&mut self, kind: Kind, block: &Value, out: &mut BytesMut) -> u64 {
        self.close(out);
        let index = self.next;
        self.next = index.saturating_add(1);
        frame(out, &json!({ "type": "content_block_start", "index": index, "content_block": block }));
        self.open = Some(Open { index, kind });
        index
    }

    /// Ends the open block, if there is one.
    fn close(&mut self, out: &mut BytesMut) {
        let Some(Open { index, kind }) = self.open.take() else { return };
        if let Kind::Thinking { signature } = kind
            && !signature.is_empty()
        {
            delta(out, index, Piece::Signature { signature: &signature });
        }
        frame(out, &json!({ "type": "content_block_stop", "index": index }));
    }

    /// The open text block; begins one if something else is open.
    fn text_block(&mut self, out: &mut BytesMut) -> u64 {
        match &self.open {
            Some(Open { index, kind: Kind::Text }) => *index,
            _ => self.begin(Kind::Text, &json!({ "type": "text", "text": "" }), out),
        }
    }

    /// The open thinking block; begins one if something else is open. More text after a signature is a block of
    /// its own, since the signature covers what came before.
    fn thinking_block(&mut self, more_text: bool, out: &mut BytesMut) -> u64 {
        match &self.open {
            Some(Open { index, kind: Kind::Thinking { signature } })
                if !more_text || signature.is_empty() =>
            {
                *index
            }
            _ => {
                let block = json!({ "type": "thinking", "thinking": "", "signature": "" });
                self.begin(Kind::Thinking { signature: String::new() }, &block, out)
            }
        }
    }

    /// A block in one piece.
    fn whole_block(&mut self, block: &Value, out: &mut BytesMut) {
        self.begin(Kind::Call, block, out);
        self.close(out);
    }

    fn content(&mut self, event: Event, out: &mut BytesMut) {
        match event {
            Event::Text { text, .. } | Event::Refusal { text, .. } => {
                let index = self.text_block(out);
                delta(out, index, Piece::Text { text: &text });
            }
            Event::Citation { citation, .. } => {
                let index = self.text_block(out);
                delta(out, index, Piece::Citations { citation: write_citation(&citation) });
            }
            Event::Reasoning { text, .. } => {
                let index = self.thinking_block(true, out);
                delta(out, index, Piece::Thinking { thinking: &text });
            }
            Event::ReasoningSignature { signature: piece, .. } => {
                self.thinking_block(false, out);
                if let Some(Open { kind: Kind::Thinking { signature }, .. }) = &mut self.open {
                    signature.push_str(&piece);
                }
            }
            Event::RedactedReasoning { data, .. } => {
                self.whole_block(&json!({ "type": "redacted_thinking", "data": data }), out);
            }
            Event::ToolCall { call, id, name, .. } => {
                let block = json!({ "type": "tool_use", "id": id, "name": name, "input": {} });
                let index = self.begin(Kind::Call, &block, out);
                self.calls.push((call, index));
            }
            // Late arguments of an earlier call go to its block, although that has ended: clients join by index.
            Event::Arguments { call, json: piece, .. } => {
                if let Some((_, index)) = self.calls.iter().rfind(|(number, _)| *number == call) {
                    delta(out, *index, Piece::InputJson { partial_json: &piece });
                }
            }
            Event::Opaque { dialect: Dialect::Anthropic, value, .. } => self.whole_block(&value, out),
            _ => {}
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.start(out);
        self.close(out);
        let (reason, sequence) = stop_reason(self.finish.as_ref(), !self.calls.is_empty());
        let usage = write_usage(&self.usage, None);
        let delta = json!({ "stop_reason": reason, "stop_sequence": sequence });
        frame(out, &json!({ "type": "message_delta", "delta": delta, "usage": usage }));
        frame(out, &json!({ "type": "message_stop" }));
        self.ended = true;
    }
}

impl stream::StreamWriter for StreamWriter {
    fn event(&mut self, event: Event, out: &mut BytesMut) {
        if self.ended {
            return;
        }
        match event {
            Event::Start { id, model, service_tier, .. } => {
                (self.id, self.model, self.service_tier) = (id, model, service_tier);
                self.start(out);
            }
            Event::Usage(usage) => self.usage.update(&usage),
            Event::Finish { choice: 0, reason } => self.finish = Some(reason),
            Event::Ping if self.started => frame(out, &json!({ "type": "ping" })),
            Event::Error(error) => self.error(&error, out),
            Event::End => self.end(out),
            // The dialect has no log probabilities.
            Event::Logprobs { .. } => {}
            content if content.is_first_choice() => {
                self.start(out);
                self.content(content, out);
            }
            _ => {}
        }
    }

    fn error(&mut self, error: &Error, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.ended, true) {
            sse::write(out, "error", &write_error(error));
        }
    }
}

/// What most of a stream consists of.
#[derive(Serialize)]
#[serde(tag = "type", rename = "content_block_delta")]
struct Delta<'a> {
    index: u64,
    delta: Piece<'a>,
}

/// More of a block.
#[derive(Serialize)]
#[serde(tag = "type")]
enum Piece<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
    #[serde(rename = "citations_delta")]
    Citations { citation: Value },
}

fn delta(out: &mut BytesMut, index: u64, delta: Piece<'_>) {
    sse::write_json(out, "content_block_delta", &Delta { index, delta });
}

/// Appends an event under the name that its `type` says.
fn frame(out: &mut BytesMut, data: &Value) {
    let name = data.get("type").and_then(Value::as_str).unwrap_or_default();
    sse::write_json(out, name, data);
}

#[cfg(test)]
mod tests;
