//! A streamed answer, as the provider sends it.

mod block;

use std::borrow::Cow;

use llmux_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::Value;

use self::block::Block;
use super::{
    answer_read::{bad, read_finish},
    error::read_stream_error,
    usage::Report,
};
use crate::{
    chat::Event,
    sse::{Decoder, SseEvent},
    stream,
};

/// Reads a streamed answer. Events and deltas that are not known are skipped.
///
/// Tool calls get the arguments `{}` when the provider streams none, as in a whole answer. Blocks with no neutral
/// form and citations come at the end of their block, when they are complete.
#[derive(Debug, Default)]
pub struct StreamReader {
    decoder: Decoder,
    message: Message,
}

impl StreamReader {
    /// A reader at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl stream::StreamReader for StreamReader {
    fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<()> {
        let Self { decoder, message } = self;
        decoder.push(bytes, |event| message.event(&event, events))
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<()> {
        let Self { decoder, message } = self;
        decoder.finish(|event| message.event(&event, events))
    }
}

/// One event's data. Its fields depend on its kind.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(rename = "type", default, borrow)]
    kind: Cow<'a, str>,
    #[serde(default)]
    index: u64,
    message: Option<Value>,
    content_block: Option<Value>,
    #[serde(borrow)]
    delta: Option<Delta<'a>>,
    usage: Option<Value>,
    error: Option<Value>,
}

/// A piece of a block or of the message.
#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(rename = "type", default, borrow)]
    kind: Cow<'a, str>,
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    partial_json: Option<String>,
    citation: Option<Value>,
    content: Option<Value>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
}

/// The message so far.
#[derive(Debug, Default)]
struct Message {
    started: bool,
    /// Something of its content was passed on.
    has_content: bool,
    ended: bool,
    report: Report,
    /// The blocks that are open, by index; nearly always one.
    open: Vec<(u64, Block)>,
    /// Tool calls so far.
    calls: u32,
    /// Characters of text so far.
    length: u64,
}

impl Message {
    fn event(&mut self, event: &SseEvent, events: &mut Vec<Event>) -> Result<()> {
        // OpenAI's way to end a stream, which hosts of both dialects add.
        if self.ended || &event.data[..] == b"[DONE]" {
            return Ok(());
        }
        let frame: Frame<'_> =
            serde_json::from_slice(&event.data).map_err(|error| bad(&error.to_string()))?;
        let kind = if frame.kind.is_empty() { event.name.as_str() } else { &*frame.kind };
        match kind {
            "message_start" => self.start(&frame.message.unwrap_or_default(), events),
            "content_block_start" => {
                self.has_content = true;
                let value = frame.content_block.ok_or_else(|| bad("a block without content"))?;
                let block = Block::start(value, &mut self.calls, &mut self.length, events)?;
                self.open.retain(|(index, _)| *index != frame.index);
                self.open.push((frame.index, block));
            }
            "content_block_delta" => {
                let block = self.open.iter_mut().find(|(index, _)| *index == frame.index);
                if let (Some((_, block)), Some(delta)) = (block, frame.delta) {
                    block.delta(delta, &mut self.length, events)?;
                }
            }
            "content_block_stop" => {
                for (_, block) in self.open.extract_if(.., |(index, _)| *index == frame.index) {
                    block.stop(self.length, events);
                }
            }
            "message_delta" => self.delta(&frame, events),
            "message_stop" => {
                self.ended = true;
                events.push(Event::End);
            }
            "ping" => events.push(Event::Ping),
            _ if frame.error.is_some() => {
                self.ended = true;
                let value = Value::from_iter([("error", frame.error.unwrap_or_default())]);
                events.push(Event::Error(read_stream_error(&value)));
            }
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, message: &Value, events: &mut Vec<Event>) {
        if self.has_content {
            // What was passed on cannot be taken back.
            let text = "the provider began its answer anew in the middle of it";
            self.ended = true;
            events.push(Event::Error(Error::upstream(ErrorKind::BadReply, text)));
            return;
        }
        let usage = message.get("usage");
        if !std::mem::replace(&mut self.started, true) {
            let text = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let tier = usage.and_then(|usage| usage.get("service_tier")?.as_str()).map(str::to_owned);
            events.push(Event::Start {
                id: text("id"),
                model: text("model"),
                created: None,
                service_tier: tier,
            });
        }
        self.usage(usage, events);
    }

    fn delta(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) {
        self.usage(frame.usage.as_ref(), events);
        let Some(delta) = &frame.delta else { return };
        if let Some(reason) = delta.stop_reason.clone() {
            let reason = read_finish(reason, delta.stop_sequence.clone());
            events.push(Event::Finish { choice: 0, reason });
        }
    }

    fn usage(&mut self, usage: Option<&Value>, events: &mut Vec<Event>) {
        if let Some(usage) = usage.filter(|usage| usage.is_object()) {
            self.report.update(usage);
            events.push(Event::Usage(self.report.usage()));
        }
    }
}

#[cfg(test)]
mod tests;
