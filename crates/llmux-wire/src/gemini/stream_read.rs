//! A streamed answer, as the provider sends it: server-sent events that are answers in pieces.

use llmux_core::Result;
use serde_json::Value;

use super::{
    answer_read::{bad, block_reason, call_id, parse, pieces, read_piece, text},
    error::read_inner_error,
    finish::read_finish,
    grounding::read_citations,
    logprobs::read_logprobs,
    partial::Arguments,
    stream_write::MAX_TEXT,
    usage::read_reported,
};
use crate::{
    chat::{Content, Event, FinishReason},
    sse::{Decoder, SseEvent},
    stream,
};

/// Reads a streamed answer. There is no terminal event: a stream is complete when every candidate has said why
/// it ended, and its last word counts.
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
        decoder.push(bytes, |event| answer.frame(&event, events))
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<()> {
        let Self { decoder, answer } = self;
        decoder.finish(|event| answer.frame(&event, events))?;
        answer.end(events);
        Ok(())
    }
}

/// The answer so far.
#[derive(Debug, Default)]
struct Answer {
    id: String,
    started: bool,
    failed: bool,
    candidates: Vec<Candidate>,
}

#[derive(Debug, Default)]
struct Candidate {
    index: u64,
    text: String,
    calls: u32,
    /// The arguments of the last call, while more of them are to come.
    open: Option<Arguments>,
    finish: Option<FinishReason>,
}

impl Answer {
    fn frame(&mut self, event: &SseEvent, events: &mut Vec<Event>) -> Result<()> {
        if self.failed || &event.data[..] == b"[DONE]" {
            return Ok(());
        }
        let frame: Value = serde_json::from_slice(&event.data).map_err(|error| bad(&error.to_string()))?;
        if frame.get("error").is_some() {
            self.failed = true;
            events.push(Event::Error(read_inner_error(&frame)));
            return Ok(());
        }
        if !std::mem::replace(&mut self.started, true) {
            let frame = parse(&event.data)?;
            self.id = text(&frame, "responseId");
            let tier = frame.pointer("/usageMetadata/serviceTier").and_then(Value::as_str);
            events.push(Event::Start {
                id: self.id.clone(),
                model: text(&frame, "modelVersion"),
                created: None,
                service_tier: tier.map(str::to_owned),
            });
        }
        for candidate in frame.get("candidates").and_then(Value::as_array).into_iter().flatten() {
            self.candidate(candidate, events);
        }
        if let Some(reason) = block_reason(&frame) {
            self.of(0).finish = Some(reason);
        }
        events.extend(read_reported(&frame).map(Event::Usage));
        Ok(())
    }

    /// The candidate of this index.
    fn of(&mut self, index: u64) -> &mut Candidate {
        let known = self.candidates.iter().position(|candidate| candidate.index == index);
        let known = known.map(|at| self.candidates.swap_remove(at));
        self.candidates.push_mut(known.unwrap_or(Candidate { index, ..Candidate::default() }))
    }

    fn candidate(&mut self, value: &Value, events: &mut Vec<Event>) {
        let index = value.get("index").and_then(Value::as_u64).unwrap_or_default();
        let choice = u32::try_from(index).unwrap_or(u32::MAX);
        let id = self.id.clone();
        let candidate = self.of(index);
        for piece in pieces(value) {
            if candidate.continues(choice, piece, events) {
                continue;
            }
            for content in read_piece(piece, || call_id(&id, index, candidate.calls)) {
                candidate.content(choice, content, events);
            }
        }
        events.extend(read_logprobs(value).map(|value| Event::Logprobs { choice, value }));
        let citations = read_citations(value, &candidate.text).into_iter();
        events.extend(citations.map(|citation| Event::Citation { choice, citation }));
        if let Some(word) = value.get("finishReason").and_then(Value::as_str) {
            candidate.close(choice, events);
            candidate.finish = Some(read_finish(word, candidate.calls > 0));
        }
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        let complete = self.candidates.iter().all(|candidate| candidate.finish.is_some());
        if self.failed || self.candidates.is_empty() || !complete {
            return;
        }
        self.candidates.sort_by_key(|candidate| candidate.index);
        for candidate in &mut self.candidates {
            let choice = u32::try_from(candidate.index).unwrap_or(u32::MAX);
            events.extend(candidate.finish.take().map(|reason| Event::Finish { choice, reason }));
        }
        events.push(Event::End);
    }
}

impl Candidate {
    /// Takes the arguments of a call that come in pieces. Says whether the piece was nothing but these: the one that
    /// names the call opens it as any other.
    fn continues(&mut self, choice: u32, piece: &Value, events: &mut Vec<Event>) -> bool {
        let Some(call) = piece.get("functionCall") else { return false };
        let named = call.get("name").is_some();
        let more = call.get("willContinue").is_some_and(|more| *more == true);
        if named {
            self.close(choice, events);
            if more || call.get("partialArgs").is_some() {
                self.open = Some(Arguments::default());
            }
        }
        if let Some(arguments) = &mut self.open {
            arguments.add(call);
        }
        if !named && !more {
            self.close(choice, events);
        }
        !named
    }

    /// Tells the arguments that came in pieces: they are complete.
    fn close(&mut self, choice: u32, events: &mut Vec<Event>) {
        let call = self.calls.saturating_sub(1);
        let json = self.open.take().map(Arguments::into_json);
        events.extend(json.map(|json| Event::Arguments { choice, call, json }));
    }

    fn content(&mut self, choice: u32, content: Content, events: &mut Vec<Event>) {
        match content {
            Content::Text { text, .. } => {
                if self.text.len().saturating_add(text.len()) <= MAX_TEXT {
                    self.text.push_str(&text);
                }
                events.push(Event::Text { choice, text });
            }
            Content::Reasoning { text, signature } => {
                if !text.is_empty() {
                    events.push(Event::Reasoning { choice, text });
                }
                let signature = signature.map(|signature| Event::ReasoningSignature { choice, signature });
                events.extend(signature);
            }
            Content::ToolCall(tool) => {
                let call = self.calls;
                self.calls = call.saturating_add(1);
                events.push(Event::ToolCall { choice, call, id: tool.id, name: tool.name });
                if self.open.is_none() {
                    events.push(Event::Arguments { choice, call, json: tool.arguments });
                }
            }
            Content::Opaque { dialect, value } => events.push(Event::Opaque { choice, dialect, value }),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stream::StreamReader as _;

    fn read(frames: &[Value]) -> Vec<String> {
        let (mut reader, mut events) = (StreamReader::new(), Vec::new());
        for frame in frames {
            reader.push(format!("data: {frame}\r\n\r\n").as_bytes(), &mut events).unwrap();
        }
        reader.finish(&mut events).unwrap();
        let name = |event: &Event| format!("{event:?}").split([' ', '(']).next().unwrap().to_owned();
        events.iter().map(name).collect()
    }

    fn frame(parts: Value, finish: Value) -> Value {
        json!({"candidates": [{"content": {"parts": parts}, "finishReason": finish}], "responseId": "r"})
    }

    #[test]
    fn a_stream_ends_when_it_said_why() {
        let text = frame(json!([{"text": "a"}]), Value::Null);
        let call = frame(json!([{"functionCall": {"name": "f"}}]), json!("STOP"));
        assert_eq!(read(&[text.clone(), call]), ["Start", "Text", "ToolCall", "Arguments", "Finish", "End"]);
        assert_eq!(read(&[text]), ["Start", "Text"]);
    }

    #[test]
    fn arguments_in_pieces_come_together() {
        let call = |call: Value| frame(json!([{ "functionCall": call }]), Value::Null);
        let mut reader = StreamReader::new();
        let mut events = Vec::new();
        for frame in [
            call(json!({"name": "f", "willContinue": true})),
            call(json!({"partialArgs": [{"jsonPath": "$.a", "stringValue": "x", "willContinue": true}],
                "willContinue": true})),
            call(json!({"partialArgs": [{"jsonPath": "$.a", "stringValue": "y"}]})),
            call(json!({"name": "g", "partialArgs": [{"jsonPath": "$.b", "numberValue": 1}]})),
            frame(json!([]), json!("STOP")),
        ] {
            reader.push(format!("data: {frame}\n\n").as_bytes(), &mut events).unwrap();
        }
        reader.finish(&mut events).unwrap();
        let told: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                Event::ToolCall { call, name, .. } => Some((*call, name.as_str())),
                Event::Arguments { call, json, .. } => Some((*call, json.as_str())),
                _ => None,
            })
            .collect();
        assert_eq!(told, [(0, "f"), (0, r#"{"a":"xy"}"#), (1, "g"), (1, r#"{"b":1}"#)]);
    }

    #[test]
    fn a_reason_on_every_frame_ends_nothing_early() {
        let text = frame(json!([{"text": "a"}]), json!("STOP"));
        assert_eq!(read(&[text.clone(), text]), ["Start", "Text", "Text", "Finish", "End"]);
    }

    #[test]
    fn a_blocked_prompt_and_an_error_end_the_stream() {
        assert_eq!(read(&[json!({"promptFeedback": {"blockReason": "OTHER"}})]), ["Start", "Finish", "End"]);
        assert_eq!(read(&[json!({"error": {"code": 503, "message": "busy"}})]), ["Error"]);
    }
}
