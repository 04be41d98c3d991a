//! The two halves of a stream translation: a reader of a provider's bytes and a writer of a client's frames.

use bytes::BytesMut;
use llmux_core::{Error, Result};

use crate::chat::Event;

/// Reads a provider's streamed answer into [`Event`]s, however the bytes are split.
pub trait StreamReader: Send {
    /// Takes more bytes and adds the events that they complete.
    ///
    /// # Errors
    /// [`ErrorKind::BadReply`](llmux_core::ErrorKind::BadReply) when the bytes are no such stream.
    fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<()>;

    /// The provider ended the stream: adds what was still held back. An [`Event::End`] is added only if the
    /// provider's terminal event came.
    ///
    /// # Errors
    /// As for [`push`](Self::push).
    fn finish(&mut self, events: &mut Vec<Event>) -> Result<()>;
}

/// Writes [`Event`]s as frames of a client's dialect.
pub trait StreamWriter: Send {
    /// Appends the frames of one event: complete ones, or none.
    fn event(&mut self, event: Event, out: &mut BytesMut);

    /// Appends the dialect's error frame. Nothing follows it.
    fn error(&mut self, error: &Error, out: &mut BytesMut);
}
