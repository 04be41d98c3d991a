//! What `invoke-with-response-stream` wraps around streams of other dialects: an event stream whose chunks hold the
//! data of one event each, in base64.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::{Bytes, BytesMut};
use llmux_core::{Error, ErrorKind, Frames, Reply, ReplyReport, Result};
use serde_json::{Value, json};

use super::{
    error::{read_exception, write_exception},
    stream_read::event_type,
};
use crate::{
    event_stream::{self, Decoder, Message},
    sse,
};

/// A provider's chunks, unwrapped into the server-sent events that the inner reply knows.
pub struct Unwrapped {
    inner: Box<dyn Reply>,
    /// Messages hold a part each of the inner stream as it stands.
    parts: bool,
    decoder: Decoder,
    started: bool,
    over: bool,
}

impl Unwrapped {
    /// A reply around one of the dialect that the model speaks.
    #[must_use]
    pub fn new(inner: Box<dyn Reply>) -> Self {
        Self { inner, parts: false, decoder: Decoder::new(), started: false, over: false }
    }

    /// A reply around one of the dialect that a container of SageMaker's speaks: its stream comes in `PayloadPart`s, cut
    /// anywhere.
    #[must_use]
    pub fn parts(inner: Box<dyn Reply>) -> Self {
        Self { parts: true, ..Self::new(inner) }
    }

    fn message(&mut self, message: &Message, out: &mut Frames) -> Result<()> {
        if self.over {
            return Ok(());
        }
        if let Some(error) = read_exception(message) {
            return Err(error);
        }
        if self.parts && event_type(message) == "PayloadPart" {
            return self.inward(|inner, frames| inner.push(message.payload.clone(), frames), out);
        }
        if self.parts || event_type(message) != "chunk" {
            return Ok(());
        }
        let data = chunk_data(message).ok_or_else(|| bad("a chunk holds no bytes"))?;
        let name = serde_json::from_slice::<Value>(&data).ok();
        let name = name.as_ref().and_then(|value| value.get("type")?.as_str()).unwrap_or_default();
        let mut frame = BytesMut::new();
        sse::write(&mut frame, name, &data);
        self.inward(|inner, frames| inner.push(frame.freeze(), frames), out)
    }

    /// Lets the inner reply work, and notices when it has put something out.
    fn inward(
        &mut self,
        work: impl FnOnce(&mut dyn Reply, &mut Frames) -> Result<()>,
        out: &mut Frames,
    ) -> Result<()> {
        let mut frames = Frames::default();
        let worked = work(&mut *self.inner, &mut frames);
        while let Some(frame) = frames.pop() {
            self.started = true;
            out.push(frame);
        }
        worked
    }
}

/// The event in a chunk, on one line.
fn chunk_data(message: &Message) -> Option<Vec<u8>> {
    let value: Value = serde_json::from_slice(&message.payload).ok()?;
    let mut data = BASE64_STANDARD.decode(value.get("bytes")?.as_str()?).ok()?;
    // JSON has line breaks between its words only.
    data.retain(|byte| !matches!(byte, b'\r' | b'\n'));
    Some(data)
}

fn bad(detail: &str) -> Error {
    Error::upstream(ErrorKind::BadReply, format!("the provider's stream is broken: {detail}"))
}

impl Reply for Unwrapped {
    fn whole(&mut self, body: Bytes) -> Result<Bytes> {
        self.inner.whole(body)
    }

    fn push(&mut self, piece: Bytes, out: &mut Frames) -> Result<()> {
        if self.over {
            return Ok(());
        }
        let mut decoder = std::mem::take(&mut self.decoder);
        let read = decoder.push(&piece, |message| self.message(&message, out));
        self.decoder = decoder;
        match read {
            Err(error) if self.started => {
                self.fail(&error, out);
                Ok(())
            }
            read => read,
        }
    }

    fn finish(&mut self, out: &mut Frames) -> Result<()> {
        if self.over {
            return Ok(());
        }
        self.inward(|inner, frames| inner.finish(frames), out)
    }

    fn fail(&mut self, error: &Error, out: &mut Frames) {
        if !std::mem::replace(&mut self.over, true) {
            self.inner.fail(error, out);
        }
    }

    fn has_failed(&self) -> bool {
        self.inner.has_failed()
    }

    fn report(&self) -> ReplyReport {
        self.inner.report()
    }
}

/// Wraps a stream of server-sent events, of Anthropic's dialect, into chunks for a client of `invoke`. Error events
/// become exceptions.
#[derive(Debug, Default)]
pub struct Chunks {
    decoder: sse::Decoder,
}

impl Chunks {
    /// A wrapper at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The chunks of the events that these bytes complete.
    pub fn push(&mut self, bytes: &[u8]) -> Bytes {
        let mut out = BytesMut::new();
        // Our own frames are never too long, and the sink does not fail.
        let _ = self.decoder.push(bytes, |event| {
            wrap(&event.name, &event.data, &mut out);
            Ok(())
        });
        out.freeze()
    }
}

fn wrap(name: &str, data: &[u8], out: &mut BytesMut) {
    if name == "error" {
        let value: Value = serde_json::from_slice(data).unwrap_or_default();
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let kind = match text("/error/type") {
            "rate_limit_error" => ErrorKind::RateLimited,
            "overloaded_error" => ErrorKind::Unavailable,
            "timeout_error" => ErrorKind::Timeout,
            "api_error" => ErrorKind::ProviderFault,
            _ => ErrorKind::InvalidRequest,
        };
        return write_exception(&Error::upstream(kind, text("/error/message")), out);
    }
    let payload = json!({ "bytes": BASE64_STANDARD.encode(data) }).to_string();
    let headers =
        [(":event-type", "chunk"), (":content-type", "application/json"), (":message-type", "event")];
    event_stream::write(out, &headers, payload.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{anthropic, passthrough::Passthrough};

    const STREAM: &str = concat!(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"m\"}}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\"}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    );

    fn unwrap(stream: &[u8]) -> (String, Option<ErrorKind>) {
        let inner = Box::new(Passthrough::new(anthropic::AnthropicWatch::new()));
        let (mut reply, mut frames) = (Unwrapped::new(inner), Frames::default());
        let read =
            stream.chunks(1).try_for_each(|piece| reply.push(Bytes::copy_from_slice(piece), &mut frames));
        let read = read.and_then(|()| reply.finish(&mut frames));
        let mut out = Vec::new();
        while let Some(frame) = frames.pop() {
            out.extend_from_slice(&frame);
        }
        (String::from_utf8(out).unwrap(), read.err().map(|error| error.kind()))
    }

    #[test]
    fn what_is_wrapped_is_unwrapped() {
        let mut chunks = Chunks::new();
        let wrapped: Vec<u8> = STREAM.as_bytes().chunks(7).flat_map(|piece| chunks.push(piece)).collect();
        assert_eq!(unwrap(&wrapped), (STREAM.to_owned(), None));
    }

    #[test]
    fn an_exception_is_told_before_the_answer_as_an_error_and_in_it_as_a_frame() {
        let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n";
        let wrapped = Chunks::new().push(error.as_bytes());
        assert_eq!(unwrap(&wrapped), (String::new(), Some(ErrorKind::Unavailable)));
        let begun = STREAM.split_inclusive("\n\n").take(2).collect::<String>();
        let mut chunks = Chunks::new();
        let wrapped = [chunks.push(begun.as_bytes()), chunks.push(error.as_bytes())].concat();
        let (out, failed) = unwrap(&wrapped);
        assert!(out.starts_with(&begun) && out.contains("busy") && failed.is_none(), "{out}");
    }
}
