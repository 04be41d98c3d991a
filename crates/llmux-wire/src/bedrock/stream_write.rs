//! A streamed answer, for a client.

use bytes::BytesMut;
use llmux_core::{Dialect, Error, Usage};
use serde_json::{Map, Value, json};

use super::{
    answer_write::write_tier, citation::write_citation, error::write_exception, finish::write_finish,
    redacted, usage::write_usage,
};
use crate::{
    chat::{Event, FinishReason},
    event_stream, stream,
};

/// Writes a streamed answer. Converse knows one alternative only: events of others than the first are skipped.
///
/// A block ends when something of another kind begins; only those of tools are announced. The reason to stop and the
/// usage are held back until the stream ends: other dialects report usage last.
#[derive(Debug, Default)]
pub struct StreamWriter {
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
    /// With its signature so far, which is written once, at the end.
    Reasoning {
        signature: String,
    },
    Whole,
}

impl StreamWriter {
    /// A writer at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn start(&mut self, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.started, true) {
            frame(out, "messageStart", &json!({ "role": "assistant" }));
        }
    }

    /// Begins a block.
    fn begin(&mut self, kind: Kind, out: &mut BytesMut) -> u64 {
        self.close(out);
        let index = self.next;
        self.next = index.saturating_add(1);
        self.open = Some(Open { index, kind });
        index
    }

    /// Ends the open block, if there is one.
    fn close(&mut self, out: &mut BytesMut) {
        let Some(Open { index, kind }) = self.open.take() else { return };
        if let Kind::Reasoning { signature } = kind
            && !signature.is_empty()
        {
            delta(out, index, &json!({ "reasoningContent": { "signature": signature } }));
        }
        frame(out, "contentBlockStop", &json!({ "contentBlockIndex": index }));
    }

    fn text_block(&mut self, out: &mut BytesMut) -> u64 {
        match &self.open {
            Some(Open { index, kind: Kind::Text }) => *index,
            _ => self.begin(Kind::Text, out),
        }
    }

    /// The open block of reasoning. More text after a signature is a block of its own, since the signature covers
    /// what came before.
    fn reasoning_block(&mut self, more_text: bool, out: &mut BytesMut) -> u64 {
        match &self.open {
            Some(Open { index, kind: Kind::Reasoning { signature } })
                if !more_text || signature.is_empty() =>
            {
                *index
            }
            _ => self.begin(Kind::Reasoning { signature: String::new() }, out),
        }
    }

    fn tool_block(&mut self, tool: &Value, out: &mut BytesMut) -> u64 {
        let index = self.begin(Kind::Whole, out);
        let start = json!({ "contentBlockIndex": index, "start": { "toolUse": tool } });
        frame(out, "contentBlockStart", &start);
        index
    }

    fn content(&mut self, event: Event, out: &mut BytesMut) {
        match event {
            Event::Text { text, .. } | Event::Refusal { text, .. } => {
                let index = self.text_block(out);
                delta(out, index, &json!({ "text": text }));
            }
            Event::Citation { citation, .. } => {
                let index = self.text_block(out);
                delta(out, index, &json!({ "citation": write_citation(&citation) }));
            }
            Event::Reasoning { text, .. } => {
                let index = self.reasoning_block(true, out);
                delta(out, index, &json!({ "reasoningContent": { "text": text } }));
            }
            Event::ReasoningSignature { signature: piece, .. } => {
                self.reasoning_block(false, out);
                if let Some(Open { kind: Kind::Reasoning { signature }, .. }) = &mut self.open {
                    signature.push_str(&piece);
                }
            }
            Event::RedactedReasoning { data, .. } => {
                let index = self.begin(Kind::Whole, out);
                let blob = redacted::write(&data);
                delta(out, index, &json!({ "reasoningContent": { "redactedContent": blob } }));
            }
            Event::ToolCall { call, id, name, .. } => {
                let index = self.tool_block(&json!({ "toolUseId": id, "name": name }), out);
                self.calls.push((call, index));
            }
            // Late arguments of an earlier call go to its block, although that has ended: clients join by index.
            Event::Arguments { call, json: piece, .. } => {
                if let Some((_, index)) = self.calls.iter().rfind(|(number, _)| *number == call) {
                    delta(out, *index, &json!({ "toolUse": { "input": piece } }));
                }
            }
            Event::Opaque { dialect: Dialect::BedrockConverse, value, .. } => self.server_tool(value, out),
            _ => {}
        }
    }

    /// What the provider ran itself, in the pieces that a stream has it in.
    fn server_tool(&mut self, mut value: Value, out: &mut BytesMut) {
        let Some(tool) = value.get_mut("toolUse").and_then(Value::as_object_mut) else { return };
        let input = tool.shift_remove("input").unwrap_or_default();
        let tool = Value::Object(std::mem::take(tool));
        let index = self.tool_block(&tool, out);
        delta(out, index, &json!({ "toolUse": { "input": input.to_string() } }));
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.start(out);
        self.close(out);
        let reason = write_finish(self.finish.as_ref(), !self.calls.is_empty());
        frame(out, "messageStop", &json!({ "stopReason": reason }));
        let mut metadata = Map::new();
        metadata.insert("usage".into(), write_usage(&self.usage));
        metadata.insert("metrics".into(), json!({ "latencyMs": 0 }));
        let tier = self.service_tier.as_deref().and_then(write_tier);
        metadata.extend(tier.map(|tier| ("serviceTier".to_owned(), tier)));
        frame(out, "metadata", &metadata.into());
        self.ended = true;
    }
}

impl stream::StreamWriter for StreamWriter {
    fn event(&mut self, event: Event, out: &mut BytesMut) {
        if self.ended {
            return;
        }
        match event {
            Event::Start { service_tier, .. } => {
                self.service_tier = service_tier;
                self.start(out);
            }
            Event::Usage(usage) => self.usage.update(&usage),
            Event::Finish { choice: 0, reason } => self.finish = Some(reason),
            Event::Error(error) => self.error(&error, out),
            Event::End => self.end(out),
            content if content.is_first_choice() => {
                self.start(out);
                self.content(content, out);
            }
            _ => {}
        }
    }

    fn error(&mut self, error: &Error, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.ended, true) {
            write_exception(error, out);
        }
    }
}

fn delta(out: &mut BytesMut, index: u64, delta: &Value) {
    frame(out, "contentBlockDelta", &json!({ "contentBlockIndex": index, "delta": delta }));
}

/// Appends an event.
fn frame(out: &mut BytesMut, kind: &str, payload: &Value) {
    let headers = [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")];
    event_stream::write(out, &headers, payload.to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use llmux_core::ErrorKind;

    use super::*;
    use crate::{
        bedrock::StreamReader,
        event_stream::Decoder,
        stream::{StreamReader as _, StreamWriter as _},
    };

    fn write(events: Vec<Event>) -> Vec<(String, Value)> {
        let (mut writer, mut out) = (StreamWriter::new(), BytesMut::new());
        events.into_iter().for_each(|event| writer.event(event, &mut out));
        let mut frames = Vec::new();
        let read = Decoder::new().push(&out, |message| {
            let kind = message.header(":event-type").or(message.header(":exception-type"));
            frames.push((kind.unwrap().to_owned(), serde_json::from_slice(&message.payload).unwrap()));
            Ok(())
        });
        read.unwrap();
        frames
    }

    fn text(text: &str) -> Event {
        Event::Text { choice: 0, text: text.into() }
    }

    #[test]
    fn blocks_end_where_others_begin_and_usage_comes_last() {
        let frames = write(vec![
            Event::Reasoning { choice: 0, text: "hm".into() },
            Event::ReasoningSignature { choice: 0, signature: "s".into() },
            text("a"),
            text("b"),
            Event::ToolCall { choice: 0, call: 0, id: "c".into(), name: "f".into() },
            Event::Arguments { choice: 0, call: 0, json: "{}".into() },
            Event::Finish { choice: 0, reason: FinishReason::ToolCalls },
            Event::End,
        ]);
        let names: Vec<_> = frames.iter().map(|(name, _)| name.as_str()).collect();
        let (delta, stop) = ("contentBlockDelta", "contentBlockStop");
        let expected = [
            "messageStart",
            delta,
            delta,
            stop,
            delta,
            delta,
            stop,
            "contentBlockStart",
            delta,
            stop,
            "messageStop",
            "metadata",
        ];
        assert_eq!(names, expected);
        assert_eq!(frames[2].1["delta"]["reasoningContent"]["signature"], "s");
        assert_eq!(
            (&frames[8].1["contentBlockIndex"], &frames[10].1["stopReason"]),
            (&json!(2), &json!("tool_use"))
        );
    }

    #[test]
    fn an_error_is_an_exception_and_the_last_word() {
        let error = Error::upstream(ErrorKind::RateLimited, "slow down");
        let frames = write(vec![text("a"), Event::Error(error), text("b")]);
        let last = ("throttlingException".to_owned(), json!({"message": "slow down"}));
        assert_eq!((frames.len(), frames.last()), (3, Some(&last)));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let tool =
            json!({"toolUse": {"toolUseId": "s", "name": "n", "type": "server_tool_use", "input": {"q": 1}}});
        let (mut writer, mut out) = (StreamWriter::new(), BytesMut::new());
        let events = [
            Event::RedactedReasoning { choice: 0, data: "EtkE".into() },
            Event::Opaque { choice: 0, dialect: Dialect::BedrockConverse, value: tool },
            Event::Finish { choice: 0, reason: FinishReason::Stop },
            Event::End,
        ];
        let shown = |events: &[Event]| events.iter().map(|event| format!("{event:?}")).collect::<Vec<_>>();
        let sent = shown(&events);
        events.into_iter().for_each(|event| writer.event(event, &mut out));
        let mut read = Vec::new();
        StreamReader::new("", "").push(&out, &mut read).unwrap();
        let read = shown(&read);
        for event in &sent {
            assert!(
                read.iter().any(|one| one.contains(event.split("toolUseId").next().unwrap())),
                "{event} {read:?}"
            );
        }
    }
}
