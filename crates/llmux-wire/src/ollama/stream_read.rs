//! A streamed answer, as the provider sends it: lines that are answers in pieces, the last of which is done.

use llmux_core::Result;
use serde_json::Value;

use super::{
    answer_read::{bad, id, parse, read_finish, read_parts, text},
    error::read_inner_error,
    logprobs::read_logprobs,
    usage::read_usage,
};
use crate::{
    chat::{Content, Event},
    ndjson::Decoder,
    stream,
};

/// Reads a streamed answer.
#[derive(Debug, Default)]
pub struct StreamReader {
    decoder: Decoder,
    answer: Answer,
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
        let Self { decoder, answer } = self;
        decoder.push(bytes, |line| answer.line(line, events))
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<()> {
        let Self { decoder, answer } = self;
        decoder.finish(|line| answer.line(line, events))
    }
}

/// The answer so far.
#[derive(Debug, Default)]
struct Answer {
    /// Its identifier, once it has begun.
    id: Option<String>,
    calls: u32,
    over: bool,
}

impl Answer {
    fn line(&mut self, line: &[u8], events: &mut Vec<Event>) -> Result<()> {
        if self.over {
            return Ok(());
        }
        let value: Value = serde_json::from_slice(line).map_err(|error| bad(&error.to_string()))?;
        if value.get("error").is_some_and(|error| !error.is_null()) {
            self.over = true;
            events.push(Event::Error(read_inner_error(&value)));
            return Ok(());
        }
        let value = parse(line)?;
        let id = self.id.get_or_insert_with(|| {
            let id = id(&value);
            let model = text(&value, "model");
            events.push(Event::Start { id: id.clone(), model, created: None, service_tier: None });
            id
        });
        for part in read_parts(&value, id, self.calls) {
            match part.content {
                Content::Text { text, .. } => events.push(Event::Text { choice: 0, text }),
                Content::Reasoning { text, .. } => events.push(Event::Reasoning { choice: 0, text }),
                Content::ToolCall(tool) => {
                    let call = self.calls;
                    self.calls = call.saturating_add(1);
                    events.push(Event::ToolCall { choice: 0, call, id: tool.id, name: tool.name });
                    events.push(Event::Arguments { choice: 0, call, json: tool.arguments });
                }
                _ => {}
            }
        }
        events.extend(read_logprobs(&value).map(|value| Event::Logprobs { choice: 0, value }));
        if value.get("done").is_some_and(|done| *done == true) {
            self.over = true;
            let word = value.get("done_reason").and_then(Value::as_str).unwrap_or("stop");
            events.push(Event::Finish { choice: 0, reason: read_finish(word, self.calls > 0) });
            events.push(Event::Usage(read_usage(&value)));
            events.push(Event::End);
        }
        Ok(())
    }
}
