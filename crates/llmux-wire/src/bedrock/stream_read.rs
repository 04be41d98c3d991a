//! A streamed answer, as the provider sends it.

use llmux_core::{Dialect, Result};
use serde_json::{Map, Value, json};

use super::{
    answer_read::{bad, stop_sequence},
    citation::read_citation,
    error::read_exception,
    finish::read_finish,
    redacted,
    usage::read_usage,
};
use crate::{
    chat::{Citation, Event},
    event_stream::{Decoder, Message},
    stream,
};

/// Reads a streamed answer. Events and deltas that are not known are skipped.
///
/// The reason to stop and the usage are the last two events, in either order; a stream that told the reason is
/// complete. Tool calls get the arguments `{}` when the provider streams none, as in a whole answer. What the provider
/// ran itself comes at the end of its block, when it is complete.
#[derive(Debug)]
pub struct StreamReader {
    decoder: Decoder,
    answer: Answer,
}

impl StreamReader {
    /// A reader at the start of a stream, which names neither itself nor the model: both are told.
    #[must_use]
    pub fn new(id: impl Into<String>, model: impl Into<String>) -> Self {
        let answer = Answer { id: id.into(), model: model.into(), ..Answer::default() };
        Self { decoder: Decoder::new(), answer }
    }
}

impl stream::StreamReader for StreamReader {
    fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<()> {
        let Self { decoder, answer } = self;
        decoder.push(bytes, |message| answer.message(&message, events))
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<()> {
        if self.decoder.is_mid_message() && !self.answer.stopped {
            return Err(bad("the stream breaks off"));
        }
        if self.answer.stopped && !std::mem::replace(&mut self.answer.ended, true) {
            events.push(Event::End);
        }
        Ok(())
    }
}

/// The answer so far.
#[derive(Debug, Default)]
struct Answer {
    id: String,
    model: String,
    started: bool,
    stopped: bool,
    metered: bool,
    ended: bool,
    /// The blocks of tools that are open, by index; nearly always one.
    open: Vec<(u64, Open)>,
    /// Tool calls so far.
    calls: u32,
    /// Characters of text so far, and where the last block of it began.
    length: u64,
    start: u64,
    block: Option<u64>,
}

#[derive(Debug)]
enum Open {
    /// A call of the client's, and whether its arguments began.
    Call(u32, bool),
    /// What the provider runs itself, and the text of its arguments.
    Server(Map<String, Value>, String),
}

/// What an event is about, by the name in its header. Of the service's own streams every event has one.
pub(super) fn event_type(message: &Message) -> &str {
    message.header(":event-type").unwrap_or_default()
}

impl Answer {
    fn message(&mut self, message: &Message, events: &mut Vec<Event>) -> Result<()> {
        if self.ended {
            return Ok(());
        }
        if let Some(error) = read_exception(message) {
            self.ended = true;
            events.push(Event::Error(error));
            return Ok(());
        }
        let value: Value =
            serde_json::from_slice(&message.payload).map_err(|error| bad(&error.to_string()))?;
        self.start(events);
        let index = value.get("contentBlockIndex").and_then(Value::as_u64).unwrap_or_default();
        match event_type(message) {
            "contentBlockStart" => self.begin(index, &value, events),
            "contentBlockDelta" => self.delta(index, value, events),
            "contentBlockStop" => self.close(index, events),
            "messageStop" => {
                while let Some((index, _)) = self.open.first() {
                    self.close(*index, events);
                }
                let word = value.get("stopReason").and_then(Value::as_str).unwrap_or("end_turn");
                let reason = read_finish(word, stop_sequence(&value));
                events.push(Event::Finish { choice: 0, reason });
                self.stopped = true;
            }
            "metadata" => {
                events.extend(value.get("usage").map(|usage| Event::Usage(read_usage(usage))));
                self.metered = true;
            }
            _ => {}
        }
        if self.stopped && self.metered {
            self.ended = true;
            events.push(Event::End);
        }
        Ok(())
    }

    fn start(&mut self, events: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.started, true) {
            let (id, model) = (std::mem::take(&mut self.id), std::mem::take(&mut self.model));
            events.push(Event::Start { id, model, created: None, service_tier: None });
        }
    }

    fn begin(&mut self, index: u64, value: &Value, events: &mut Vec<Event>) {
        let Some(tool) = value.pointer("/start/toolUse").and_then(Value::as_object) else { return };
        let text = |name: &str| tool.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let open = if text("type") == "server_tool_use" {
            Open::Server(tool.clone(), String::new())
        } else {
            let call = self.calls;
            self.calls = call.saturating_add(1);
            events.push(Event::ToolCall { choice: 0, call, id: text("toolUseId"), name: text("name") });
            Open::Call(call, false)
        };
        self.open.retain(|(known, _)| *known != index);
        self.open.push((index, open));
    }

    fn delta(&mut self, index: u64, mut value: Value, events: &mut Vec<Event>) {
        if self.block.replace(index) != Some(index) {
            self.start = self.length;
        }
        let Some(delta) = value.get_mut("delta") else { return };
        if let Some(text) = delta.get("text").and_then(Value::as_str) {
            self.length = self.length.saturating_add(text.chars().count() as u64);
            events.push(Event::Text { choice: 0, text: text.to_owned() });
        } else if let Some(json) = delta.pointer("/toolUse/input").and_then(Value::as_str) {
            self.arguments(index, json, events);
        } else if let Some(citation) = delta.get_mut("citation") {
            let span = Some((self.start, self.length));
            let citation = Citation { span, ..read_citation(citation.take()) };
            events.push(Event::Citation { choice: 0, citation });
        } else if let Some(reasoning) = delta.get("reasoningContent") {
            let text = |name: &str| reasoning.get(name).and_then(Value::as_str);
            let words = text("text").map(|text| Event::Reasoning { choice: 0, text: text.to_owned() });
            let signature = text("signature").map(str::to_owned);
            let signature = signature.map(|signature| Event::ReasoningSignature { choice: 0, signature });
            let blob = text("redactedContent").map(redacted::read);
            let blob = blob.map(|data| Event::RedactedReasoning { choice: 0, data });
            events.extend(words.into_iter().chain(signature).chain(blob));
        }
    }

    fn arguments(&mut self, index: u64, json: &str, events: &mut Vec<Event>) {
        match self.open.iter_mut().find(|(known, _)| *known == index) {
            Some((_, Open::Call(call, begun))) if !json.is_empty() => {
                *begun = true;
                events.push(Event::Arguments { choice: 0, call: *call, json: json.to_owned() });
            }
            Some((_, Open::Server(_, input))) => input.push_str(json),
            _ => {}
        }
    }

    fn close(&mut self, index: u64, events: &mut Vec<Event>) {
        for (_, open) in self.open.extract_if(.., |(known, _)| *known == index) {
            match open {
                Open::Call(call, false) => {
                    events.push(Event::Arguments { choice: 0, call, json: "{}".to_owned() });
                }
                Open::Call(..) => {}
                Open::Server(mut tool, input) => {
                    let input = serde_json::from_str(&input).unwrap_or_else(|_| json!({}));
                    tool.insert("input".into(), input);
                    let value = json!({ "toolUse": tool });
                    events.push(Event::Opaque { choice: 0, dialect: Dialect::BedrockConverse, value });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use llmux_core::ErrorKind;

    use super::*;
    use crate::{event_stream, stream::StreamReader as _};

    fn frame(kind: &str, payload: &Value) -> BytesMut {
        let mut out = BytesMut::new();
        let headers = [(":event-type", kind), (":message-type", "event")];
        event_stream::write(&mut out, &headers, payload.to_string().as_bytes());
        out
    }

    fn read(frames: &[BytesMut]) -> Vec<String> {
        let (mut reader, mut events) = (StreamReader::new("i", "m"), Vec::new());
        for frame in frames {
            reader.push(frame, &mut events).unwrap();
        }
        reader.finish(&mut events).unwrap();
        events.iter().map(|event| format!("{event:?}")).collect()
    }

    fn has(events: &[String], part: &str) -> bool {
        events.iter().any(|event| event.contains(part))
    }

    #[test]
    fn calls_without_arguments_have_an_empty_object() {
        let start = json!({"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "c", "name": "f"}}});
        let events = read(&[
            frame("messageStart", &json!({"role": "assistant"})),
            frame("contentBlockStart", &start),
            frame("contentBlockDelta", &json!({"contentBlockIndex": 1, "delta": {"toolUse": {"input": ""}}})),
            frame("contentBlockStop", &json!({"contentBlockIndex": 1})),
            frame("metadata", &json!({"usage": {"inputTokens": 1, "outputTokens": 2}})),
            frame("messageStop", &json!({"stopReason": "tool_use"})),
        ]);
        assert!(has(&events, "json: \"{}\"") && has(&events, "ToolCalls"), "{events:?}");
        assert_eq!(events.last().map(String::as_str), Some("End"));
    }

    #[test]
    fn what_the_provider_runs_itself_is_no_call_of_the_clients() {
        let tool = json!({"toolUseId": "c", "name": "nova_grounding", "type": "server_tool_use"});
        let delta = json!({"contentBlockIndex": 0, "delta": {"toolUse": {"input": "{\"q\":1}"}}});
        let events = read(&[
            frame("contentBlockStart", &json!({"contentBlockIndex": 0, "start": {"toolUse": tool}})),
            frame("contentBlockDelta", &delta),
            frame("messageStop", &json!({"stopReason": "end_turn"})),
        ]);
        assert!(has(&events, "Opaque") && !has(&events, "ToolCall"), "{events:?}");
        assert_eq!(events.last().map(String::as_str), Some("End"), "without usage it is complete too");
    }

    #[test]
    fn an_exception_is_an_error_of_its_kind() {
        let mut out = BytesMut::new();
        let headers = [(":message-type", "exception"), (":exception-type", "throttlingException")];
        event_stream::write(&mut out, &headers, br#"{"message": "slow down"}"#);
        let (mut reader, mut events) = (StreamReader::new("i", "m"), Vec::new());
        reader.push(&out, &mut events).unwrap();
        let [Event::Error(error)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((error.kind(), error.message()), (ErrorKind::RateLimited, "slow down"));
    }

    #[test]
    fn a_stream_that_breaks_off_has_no_end() {
        let events = read(&[frame("contentBlockDelta", &json!({"delta": {"text": "a"}}))]);
        assert!(!has(&events, "End"));
    }
}
