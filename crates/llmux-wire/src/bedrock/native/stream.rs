//! Streams of makers' own chunks, unwrapped into events.

use bytes::BytesMut;
use llmux_core::Result;
use serde_json::Value;

use super::{super::stream_read, Native, finish, text, usage};
use crate::{
    chat::{Event, FinishReason},
    event_stream,
    sse::{Decoder, SseEvent},
    stream::StreamReader,
};

/// Reads the chunks of a maker's stream.
pub struct NativeReader {
    decoder: Decoder,
    state: State,
}

enum State {
    /// Nova's chunks are Converse's events.
    Nova(Box<stream_read::StreamReader>),
    Text(TextState),
}

struct TextState {
    id: String,
    model: String,
    started: bool,
    finish: Option<FinishReason>,
}

impl NativeReader {
    /// A reader at the start of a stream, which names neither itself nor the model: both are told.
    #[must_use]
    pub fn new(maker: Native, id: String, model: String) -> Self {
        let state = match maker {
            Native::Nova => State::Nova(Box::new(stream_read::StreamReader::new(id, model))),
            _ => State::Text(TextState { id, model, started: false, finish: None }),
        };
        Self { decoder: Decoder::new(), state }
    }
}

impl State {
    fn read(&mut self, event: &SseEvent, events: &mut Vec<Event>) -> Result<()> {
        let Ok(chunk) = serde_json::from_slice::<Value>(&event.data) else { return Ok(()) };
        match self {
            Self::Nova(inner) => nova(inner, &chunk, events),
            Self::Text(state) => {
                state.read(&chunk, events);
                Ok(())
            }
        }
    }
}

/// A chunk is an object with the event under its name.
fn nova(inner: &mut stream_read::StreamReader, chunk: &Value, events: &mut Vec<Event>) -> Result<()> {
    let named = chunk.as_object().into_iter().flatten();
    for (name, payload) in named.filter(|(name, _)| !name.starts_with("amazon-bedrock")) {
        let mut message = BytesMut::new();
        let headers = [(":event-type", name.as_str()), (":message-type", "event")];
        event_stream::write(&mut message, &headers, payload.to_string().as_bytes());
        inner.push(&message, events)?;
    }
    Ok(())
}

impl TextState {
    fn read(&mut self, chunk: &Value, events: &mut Vec<Event>) {
        if !self.started {
            self.started = true;
            let (id, model) = (self.id.clone(), self.model.clone());
            events.push(Event::Start { id, model, created: None, service_tier: None });
        }
        // Command's last chunk repeats the whole text inside, not at the top.
        if let Some(text) = text(chunk).filter(|text| !text.is_empty()) {
            events.push(Event::Text { choice: 0, text: text.to_owned() });
        }
        if let Some(reason) = finish(chunk).filter(|_| self.finish.is_none()) {
            self.finish = Some(reason.clone());
            events.push(Event::Finish { choice: 0, reason });
        }
        events.extend(usage(chunk).map(Event::Usage));
    }
}

impl StreamReader for NativeReader {
    fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<()> {
        let Self { decoder, state } = self;
        decoder.push(bytes, |event| state.read(&event, events))
    }

    /// The figures follow the reason to end, so the stream is only over with the connection.
    fn finish(&mut self, events: &mut Vec<Event>) -> Result<()> {
        let Self { decoder, state } = self;
        decoder.finish(|event| state.read(&event, events))?;
        match state {
            State::Nova(inner) => inner.finish(events)?,
            State::Text(state) if state.finish.is_some() => events.push(Event::End),
            State::Text(_) => {}
        }
        Ok(())
    }
}
