//! What a scripted provider does with one request.

use std::{io::Write, time::Duration};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::Gate;

/// One answer, faults included: a head, the steps of the body, and how it ends.
///
/// Made by one of the constructors and then changed by the `with_` methods and those that name a fault:
///
/// ```
/// use llmux_testkit::Answer;
/// use serde_json::json;
///
/// let busy = Answer::json(json!({"error": {"message": "slow down"}}))
///     .with_status(429)
///     .with_header("retry-after", "2");
/// let broken = Answer::sse(["data: 1\n\n", "data: 2\n\n"]).reset_mid_stream(1);
/// ```
#[derive(Clone, Debug)]
pub struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) before_head: Vec<Step>,
    pub(crate) steps: Vec<Step>,
    pub(crate) framing: Framing,
    pub(crate) ending: Ending,
}

/// One step of sending a body.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Sends these bytes, flushed at once.
    Send(Bytes),
    /// Waits so long.
    Wait(Duration),
    /// Waits for the test.
    Hold(Gate),
}

/// How the end of the body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// `content-length` with the sum of all bytes.
    Length(usize),
    /// Chunked transfer coding, one chunk for each step.
    Chunked,
    /// The steps are all there is: neither head nor framing.
    Raw,
}

/// What follows the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The proper end.
    Complete,
    /// The connection is reset.
    Reset,
    /// The connection is closed in good order, whatever was promised.
    Close,
    /// Nothing at all; the connection stays open.
    Stall,
}

impl Answer {
    fn new(status: StatusCode, steps: Vec<Step>, framing: Framing) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            before_head: Vec::new(),
            steps,
            framing,
            ending: Ending::Complete,
        }
    }

    /// A whole body in one piece, status 200, without a content type.
    #[must_use]
    pub fn body(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self::new(StatusCode::OK, vec![Step::Send(body.clone())], Framing::Length(body.len()))
    }

    /// A JSON document, status 200.
    #[must_use]
    pub fn json(document: impl Into<Value>) -> Self {
        Self::body(document.into().to_string()).with_header("content-type", "application/json")
    }

    /// Server-sent events, status 200: each frame is sent as it is, in a chunk of its own.
    #[must_use]
    pub fn sse<F: Into<Bytes>>(frames: impl IntoIterator<Item = F>) -> Self {
        Self::chunks(frames).with_header("content-type", "text/event-stream")
    }

    /// A chunked body, status 200, without a content type.
    #[must_use]
    pub fn chunks<F: Into<Bytes>>(chunks: impl IntoIterator<Item = F>) -> Self {
        let steps = chunks.into_iter().map(|chunk| Step::Send(chunk.into())).collect();
        Self::new(StatusCode::OK, steps, Framing::Chunked)
    }

    /// A status with an empty body.
    #[must_use]
    pub fn status(status: StatusCode) -> Self {
        Self::empty().with_status(status.as_u16())
    }

    /// Status 200 and no body where there should be one.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(StatusCode::OK, Vec::new(), Framing::Length(0))
    }

    /// The page that proxies and load balancers put in place of an API's error.
    #[must_use]
    pub fn html_error(status: u16) -> Self {
        let page = format!(
            "<html>\n<head><title>{status}</title></head>\n<body><h1>{status}</h1></body>\n</html>\n"
        );
        Self::body(page).with_status(status).with_header("content-type", "text/html")
    }

    /// Something that calls itself JSON and is none.
    #[must_use]
    pub fn garbage() -> Self {
        Self::body("{\"id\": \"x\", \"choices\": [{\"mess\u{0}")
            .with_header("content-type", "application/json")
    }

    /// Bytes that are no HTTP at all.
    #[must_use]
    pub fn not_http() -> Self {
        let bytes = Bytes::from_static(b"SSH-2.0-nothing_to_see_here\r\n");
        Self::new(StatusCode::OK, vec![Step::Send(bytes)], Framing::Raw).with_ending(Ending::Close)
    }

    /// The request is taken and nothing comes back, not even a head.
    #[must_use]
    pub fn never() -> Self {
        Self::new(StatusCode::OK, Vec::new(), Framing::Raw).with_ending(Ending::Stall)
    }

    /// The connection is reset in place of an answer.
    #[must_use]
    pub fn reset() -> Self {
        Self::new(StatusCode::OK, Vec::new(), Framing::Raw).with_ending(Ending::Reset)
    }

    /// The connection is closed in good order in place of an answer.
    #[must_use]
    pub fn close() -> Self {
        Self::new(StatusCode::OK, Vec::new(), Framing::Raw).with_ending(Ending::Close)
    }

    /// A chunked JSON string with `bytes` bytes of text, sent in pieces of 64 KB.
    #[must_use]
    pub fn oversized(bytes: usize) -> Self {
        let piece = Bytes::from(vec![b'a'; 64 * 1024]);
        let pieces = std::iter::repeat_n(piece.clone(), bytes / piece.len());
        let rest = piece.slice(..bytes % piece.len());
        let quote = || Bytes::from_static(b"\"");
        let chunks = [quote()].into_iter().chain(pieces).chain([rest, quote()]);
        Self::chunks(chunks).with_header("content-type", "application/json")
    }

    /// Sets the status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status).expect("a status has three digits");
        self
    }

    /// Sets a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("a header's name");
        self.headers.insert(name, HeaderValue::from_str(value).expect("a header's value"));
        self
    }

    /// Replaces the body by plain text.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        let text = Bytes::from(text.into());
        self.framing = Framing::Length(text.len());
        self.steps = vec![Step::Send(text)];
        self.with_header("content-type", "text/plain")
    }

    /// Claims another content type than the body has.
    #[must_use]
    pub fn wrong_content_type(self) -> Self {
        self.with_header("content-type", "application/octet-stream")
    }

    /// Compresses the body with gzip, each piece flushed so that it can be read at once.
    #[must_use]
    pub fn gzip(mut self) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        for step in &mut self.steps {
            if let Step::Send(bytes) = step {
                encoder.write_all(bytes).unwrap();
                encoder.flush().unwrap();
                *bytes = Bytes::from(std::mem::take(encoder.get_mut()));
            }
        }
        self.steps.push(Step::Send(encoder.finish().unwrap().into()));
        if let Framing::Length(length) = &mut self.framing {
            *length = sent(&self.steps);
        }
        self.with_header("content-encoding", "gzip")
    }

    /// Waits so long before each piece of the body.
    #[must_use]
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.steps = self.steps.into_iter().flat_map(|step| [Step::Wait(delay), step]).collect();
        self
    }

    /// Waits so long before the head.
    #[must_use]
    pub fn with_head_delay(mut self, delay: Duration) -> Self {
        self.before_head.push(Step::Wait(delay));
        self
    }

    /// Sends the body one byte at a time, with a pause before each.
    #[must_use]
    pub fn drip(mut self, interval: Duration) -> Self {
        let bytes = self.steps.into_iter().flat_map(|step| match step {
            Step::Send(bytes) => (0..bytes.len()).map(|at| Step::Send(bytes.slice(at..=at))).collect(),
            other => vec![other],
        });
        self.steps = bytes.collect();
        self.with_delay(interval)
    }

    /// Sends nothing, not even the head, until the gate opens.
    #[must_use]
    pub fn hold_until(mut self, gate: &Gate) -> Self {
        self.before_head.push(Step::Hold(gate.clone()));
        self
    }

    /// Sends `pieces` pieces of the body and the rest once the gate opens.
    #[must_use]
    pub fn hold_after(mut self, pieces: usize, gate: &Gate) -> Self {
        let at = self.after_pieces(pieces);
        self.steps.insert(at, Step::Hold(gate.clone()));
        self
    }

    /// Sends the head and `bytes` bytes of the body, then resets the connection.
    #[must_use]
    pub fn reset_mid_body(self, bytes: usize) -> Self {
        self.cut_to(bytes).with_ending(Ending::Reset)
    }

    /// Sends the head and `bytes` bytes of the body, then closes the connection in good order.
    #[must_use]
    pub fn close_mid_body(self, bytes: usize) -> Self {
        self.cut_to(bytes).with_ending(Ending::Close)
    }

    /// Closes the connection in good order after the whole answer.
    #[must_use]
    pub fn then_close(self) -> Self {
        self.with_ending(Ending::Close)
    }

    /// Sends `frames` pieces of the body, then resets the connection.
    #[must_use]
    pub fn reset_mid_stream(mut self, frames: usize) -> Self {
        let at = self.after_pieces(frames);
        self.steps.truncate(at);
        self.with_ending(Ending::Reset)
    }

    /// Sends `frames` pieces of the body, then nothing more, with the connection left open.
    #[must_use]
    pub fn stall_after(mut self, frames: usize) -> Self {
        let at = self.after_pieces(frames);
        self.steps.truncate(at);
        self.with_ending(Ending::Stall)
    }

    /// The bytes of the whole body, waits left out.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        let pieces = self
            .steps
            .iter()
            .filter_map(|step| if let Step::Send(bytes) = step { Some(bytes) } else { None });
        pieces
            .fold(Vec::new(), |mut all, piece| {
                all.extend_from_slice(piece);
                all
            })
            .into()
    }

    fn with_ending(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }

    /// The index of the step after that many pieces.
    fn after_pieces(&self, pieces: usize) -> usize {
        let sends = self.steps.iter().enumerate().filter(|(_, step)| matches!(step, Step::Send(_)));
        sends.map(|(index, _)| index + 1).take(pieces).last().unwrap_or(0)
    }

    fn cut_to(mut self, bytes: usize) -> Self {
        let mut left = bytes;
        for step in &mut self.steps {
            if let Step::Send(piece) = step {
                piece.truncate(left);
                left -= piece.len();
            }
        }
        self.steps.retain(|step| !matches!(step, Step::Send(piece) if piece.is_empty()));
        self
    }

    /// Whether nothing that could pass for an answer is sent.
    pub(crate) fn is_headless(&self) -> bool {
        self.framing == Framing::Raw
    }

    /// Headers as sent, the framing's own included.
    pub(crate) fn framed_headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        match self.framing {
            Framing::Length(length) => {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            }
            Framing::Chunked => {
                headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            }
            Framing::Raw => {}
        }
        headers
    }
}

fn sent(steps: &[Step]) -> usize {
    steps.iter().map(|step| if let Step::Send(bytes) = step { bytes.len() } else { 0 }).sum()
}
