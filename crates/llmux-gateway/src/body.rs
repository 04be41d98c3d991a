//! The body of an answer to a client.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use llmux_wire::tap::Tap;

use crate::{array::JsonArray, chunks::Chunked};

/// What goes to the client.
pub enum Body {
    /// All of it at once; empty bytes for no body.
    Full(Bytes),
    /// A stream.
    Stream(Box<Tap>),
    /// A stream as the items of one JSON array.
    Array(Box<Items>),
    /// A stream as chunks in one of Amazon's.
    Chunks(Box<Wrapped>),
}

/// The events of a stream as items of a JSON array.
pub struct Items(JsonArray<Tap>);

/// The events of a stream as chunks in an event stream of Amazon's.
pub struct Wrapped(Chunked<Tap>);

impl Body {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::Full(Bytes::new())
    }

    /// A stream's events as items of one JSON array.
    pub(crate) fn array(tap: Tap) -> Self {
        Self::Array(Box::new(Items(JsonArray::new(tap))))
    }

    /// A stream's events as chunks in an event stream of Amazon's.
    pub(crate) fn chunks(tap: Tap) -> Self {
        Self::Chunks(Box::new(Wrapped(Chunked::new(tap))))
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
            Self::Stream(tap) => Pin::new(&mut **tap).poll_frame(cx),
            Self::Array(items) => Pin::new(&mut items.0).poll_frame(cx),
            Self::Chunks(wrapped) => Pin::new(&mut wrapped.0).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_empty(),
            Self::Stream(tap) => tap.is_end_stream(),
            Self::Array(items) => items.0.is_end_stream(),
            Self::Chunks(wrapped) => wrapped.0.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(_) | Self::Array(_) | Self::Chunks(_) => SizeHint::default(),
        }
    }
}
