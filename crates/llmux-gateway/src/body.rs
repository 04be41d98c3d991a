//! The body of an answer to a client.

use std::{
    borrow::Cow,
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use llmux_telemetry::Scrubber;
use llmux_wire::tap::Tap;

use crate::array::JsonArray;

/// What goes to the client.
pub enum Body {
    /// All of it at once; empty bytes for no body.
    Full(Bytes),
    /// A stream.
    Stream(Box<Events>),
    /// A stream as the items of one JSON array.
    Array(Box<Items>),
}

/// The events of a stream as items of a JSON array.
pub struct Items(JsonArray<Events>);

/// A stream whose error frame, if it ends in one, repeats no keys.
pub struct Events {
    tap: Tap,
    scrubber: Arc<Scrubber>,
}

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = Pin::new(&mut self.tap).poll_frame(cx);
        if !self.tap.has_failed() || !self.tap.is_end_stream() {
            return next;
        }
        let scrubbed = |piece: Bytes| match self.scrubber.scrub(&piece) {
            Cow::Borrowed(_) => piece,
            Cow::Owned(scrubbed) => scrubbed.into(),
        };
        next.map(|piece| piece.map(|frame| frame.map(|frame| frame.map_data(scrubbed))))
    }

    fn is_end_stream(&self) -> bool {
        self.tap.is_end_stream()
    }
}

impl Body {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::Full(Bytes::new())
    }

    /// A stream; its error frame, if it ends in one, is scrubbed.
    pub(crate) fn stream(tap: Tap, scrubber: &Arc<Scrubber>) -> Self {
        Self::Stream(Box::new(Events { tap, scrubber: Arc::clone(scrubber) }))
    }

    /// A stream's events as items of one JSON array.
    pub(crate) fn array(tap: Tap, scrubber: &Arc<Scrubber>) -> Self {
        Self::Array(Box::new(Items(JsonArray::new(Events { tap, scrubber: Arc::clone(scrubber) }))))
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::Full(bytes.into())
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(events) => Pin::new(&mut **events).poll_frame(cx),
            Self::Array(items) => Pin::new(&mut items.0).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_empty(),
            Self::Stream(events) => events.is_end_stream(),
            Self::Array(items) => items.0.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(_) | Self::Array(_) => SizeHint::default(),
        }
    }
}
