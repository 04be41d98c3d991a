//! A streamed answer as values.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::mpsc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::Stream;
use http::{HeaderMap, StatusCode};
use http_body::Body;
use llmux_core::{Error, ErrorKind, Result};
use llmux_wire::{
    openai,
    sse::Decoder,
    tap::{Ending, Tap},
};
use serde_json::Value;

/// The chunks of a streamed chat completion, each an object of OpenAI's `chat.completion.chunk`.
///
/// An answer that breaks off or is cut short ends with an error, never as if it were complete; nothing follows
/// an error. Chunks are read as they are asked for, so a slow reader holds the provider back.
pub struct ChatStream {
    tap: Pin<Box<Tap>>,
    ending: mpsc::Receiver<Ending>,
    decoder: Decoder,
    /// Data of complete events that have not been asked for yet.
    events: VecDeque<Bytes>,
    over: bool,
}

impl ChatStream {
    pub(super) fn new(tap: Tap) -> Self {
        let (tell, ending) = mpsc::channel();
        let tap = tap.on_end(Box::new(move |_, ending| {
            // Nobody listens when the stream itself was dropped.
            let _ = tell.send(ending);
        }));
        Self { tap: Box::pin(tap), ending, decoder: Decoder::new(), events: VecDeque::new(), over: false }
    }

    /// The next chunk; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Value>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// What one event says; `None` when it marks the end.
    fn chunk(&self, data: &[u8]) -> Option<Result<Value>> {
        if data == b"[DONE]" {
            return None;
        }
        let chunk: Value = match serde_json::from_slice(data) {
            Ok(chunk) => chunk,
            Err(error) => {
                let message = "the provider sent a chunk that is no JSON";
                return Some(Err(Error::upstream(ErrorKind::BadReply, message).with_source(error)));
            }
        };
        Some(if chunk.get("error").is_some_and(|error| !error.is_null()) {
            Err(self.error(&chunk, data))
        } else {
            Ok(chunk)
        })
    }

    /// The error behind an error frame: the one that broke the exchange, else what the frame says.
    fn error(&self, frame: &Value, data: &[u8]) -> Error {
        if let Ok(Ending::Broken(error)) = self.ending.try_recv() {
            return error;
        }
        // The gateway's own frames have the status as text, a provider's may have it as a number.
        let code = frame.pointer("/error/code");
        let status = code.and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
        let status = status.or_else(|| code.and_then(Value::as_str)?.parse().ok());
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.filter(|status| status.as_u16() >= 400);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        openai::read_error(status, &HeaderMap::new(), data, "the provider")
    }

    fn read(&mut self, bytes: &[u8]) -> Result<()> {
        let events = &mut self.events;
        self.decoder.push(bytes, |event| {
            events.push_back(event.data);
            Ok(())
        })
    }
}

impl Stream for ChatStream {
    type Item = Result<Value>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Value>>> {
        let this = self.get_mut();
        while !this.over {
            if let Some(data) = this.events.pop_front() {
                let chunk = this.chunk(&data);
                this.over = !matches!(chunk, Some(Ok(_)));
                return Poll::Ready(chunk);
            }
            match ready!(this.tap.as_mut().poll_frame(cx)) {
                Some(frame) => {
                    let piece = frame.unwrap_or_else(|never| match never {}).into_data().unwrap_or_default();
                    if let Err(error) = this.read(&piece) {
                        this.over = true;
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                None => this.over = true,
            }
        }
        Poll::Ready(None)
    }
}
