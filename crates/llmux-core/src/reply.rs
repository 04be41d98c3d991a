//! Turning a provider's bytes into the client's.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{Error, Result, ServiceTier, Usage};

/// Output of a streaming [`Reply`]: pieces of the client's body, in order.
#[derive(Debug, Default)]
pub struct Frames(VecDeque<Bytes>);

impl Frames {
    /// Adds a piece; empty ones are left out.
    pub fn push(&mut self, piece: impl Into<Bytes>) {
        let piece = piece.into();
        if !piece.is_empty() {
            self.0.push_back(piece);
        }
    }

    /// Takes the oldest piece.
    pub fn pop(&mut self) -> Option<Bytes> {
        self.0.pop_front()
    }

    /// Whether nothing is waiting.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What was learnt from an answer while it passed.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ReplyReport {
    /// What was consumed, as far as the provider said.
    pub usage: Usage,
    /// Whether the provider reported usage at all.
    pub usage_reported: bool,
    /// The class of service that was given, as far as the provider said.
    pub service: ServiceTier,
    /// The model that answered, as the provider names it.
    pub model: Option<String>,
    /// Why the answer ended, in OpenAI's words.
    pub finish_reason: Option<String>,
    /// A stream ended without its terminal event.
    pub cut_short: bool,
    /// The provider reported an error inside a stream.
    pub stream_error: Option<String>,
}

/// Turns one answer of a provider into the client's dialect. One value serves one answer.
///
/// Behaviour that the router relies on:
/// - a whole answer goes through [`whole`](Self::whole) once; a stream through [`push`](Self::push) for each
///   piece and then [`finish`](Self::finish) or [`fail`](Self::fail) once;
/// - pieces may be split anywhere: one byte at a time gives the same output, joined, as all at once;
/// - `push` fails when the stream begins with an error, so that another deployment can be tried. Once a
///   frame has been produced an error becomes the client dialect's error frame instead;
/// - the output of a stream is only complete frames, so that an error frame can follow any of them;
/// - an error frame is the last piece of a stream, and no content shares that piece; from then on
///   [`has_failed`](Self::has_failed) is true;
/// - it never does I/O, never blocks, and what it keeps in memory is bounded.
pub trait Reply: Send {
    /// Turns a whole answer.
    ///
    /// # Errors
    /// [`ErrorKind::BadReply`](crate::ErrorKind::BadReply) when the bytes are no answer.
    fn whole(&mut self, body: Bytes) -> Result<Bytes>;

    /// Takes a piece of a stream and adds the client's frames that it completes.
    ///
    /// # Errors
    /// When the stream begins with an error, or with something that is no stream.
    fn push(&mut self, piece: Bytes, out: &mut Frames) -> Result<()>;

    /// The provider ended the stream: adds what is left. A stream without its terminal event is reported to
    /// the client as an error frame.
    ///
    /// # Errors
    /// When nothing at all was produced, so that another deployment can be tried.
    fn finish(&mut self, out: &mut Frames) -> Result<()>;

    /// The exchange broke off: adds the client dialect's error frame.
    fn fail(&mut self, error: &Error, out: &mut Frames);

    /// Whether the answer has ended in an error frame, the provider's or ours: nothing follows it, so the rest of the
    /// provider's body need not be read. A stream that ended well has not failed: its body is read to the end, so
    /// that the connection can be used again.
    fn has_failed(&self) -> bool;

    /// What has been learnt so far.
    fn report(&self) -> ReplyReport;
}
