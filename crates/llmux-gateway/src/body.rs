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
use llmux_core::Error;
use llmux_telemetry::Scrubber;
use llmux_wire::{event_stream::Message, raw::Raw, tap::Tap};

use crate::{
    array::JsonArray,
    bill::Biller,
    chunks::Chunked,
    costed,
    relay::Passing,
    responses::{Labelled, Turn},
    tenancy::Held,
};

/// What goes to the client.
pub enum Body {
    /// All of it at once; empty bytes for no body.
    Full(Bytes),
    /// A stream.
    Stream(Box<Events>),
    /// A stream as the items of one JSON array.
    Array(Box<Items>),
    /// A stream of a response that is named and kept on its way out.
    Response(Box<Response>),
    /// A stream as chunks in one of Amazon's.
    Chunks(Box<Wrapped>),
    /// A provider's answer as it is.
    Passing(Box<Passing>),
    /// An answer whose end waits until what it cost is written down.
    Held(Box<Held>),
    /// Bytes as the provider sends them; the connection breaks off where his does.
    Raw(Box<Raw>),
}

/// A stream whose responses are named as the client knows them.
pub struct Response(Labelled<Events>);

/// The events of a stream as items of a JSON array.
pub struct Items(JsonArray<Events>);

/// A stream whose error frame, if it ends in one, repeats no keys, and whose usage may tell its cost.
pub struct Events {
    tap: Tap,
    scrubber: Arc<Scrubber>,
    biller: Option<Box<Biller>>,
    /// The frames are messages of an event stream of Amazon's.
    binary: bool,
}

impl Events {
    fn new(tap: Tap, scrubber: &Arc<Scrubber>) -> Self {
        Self { tap, scrubber: Arc::clone(scrubber), biller: None, binary: false }
    }

    /// The error frame without keys.
    fn scrubbed(&self, frame: Bytes) -> Bytes {
        let message = if self.binary { Message::parse(&frame).ok() } else { None };
        let text = message.as_ref().map_or(&frame, |message| &message.payload);
        match (self.scrubber.scrub(text), &message) {
            (Cow::Borrowed(_), _) => frame,
            (Cow::Owned(scrubbed), Some(message)) => message.with_payload(&scrubbed),
            (Cow::Owned(scrubbed), None) => scrubbed.into(),
        }
    }
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
            let Some(biller) = &self.biller else { return next };
            let told = |piece: Bytes| costed::told(piece, &self.tap, biller);
            return next.map(|piece| piece.map(|frame| frame.map(|frame| frame.map_data(told))));
        }
        next.map(|piece| piece.map(|frame| frame.map(|frame| frame.map_data(|frame| self.scrubbed(frame)))))
    }

    fn is_end_stream(&self) -> bool {
        self.tap.is_end_stream()
    }
}

/// The events of a stream as chunks in an event stream of Amazon's.
pub struct Wrapped(Chunked<Events>);

impl Body {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::Full(Bytes::new())
    }

    /// A stream; its error frame, if it ends in one, is scrubbed. With a biller its usage, which must be in OpenAI's
    /// dialect, tells the cost.
    pub(crate) fn stream(tap: Tap, scrubber: &Arc<Scrubber>, biller: Option<Biller>) -> Self {
        Self::Stream(Box::new(Events { biller: biller.map(Box::new), ..Events::new(tap, scrubber) }))
    }

    /// A stream of messages as Amazon frames them; the last is scrubbed if it tells of a failure.
    pub(crate) fn messages(tap: Tap, scrubber: &Arc<Scrubber>) -> Self {
        Self::Stream(Box::new(Events { binary: true, ..Events::new(tap, scrubber) }))
    }

    /// A stream of a response that this deployment made.
    pub(crate) fn response(tap: Tap, scrubber: &Arc<Scrubber>, turn: Turn, deployment: &str) -> Self {
        let labelled = Labelled::new(Events::new(tap, scrubber), turn, deployment);
        Self::Response(Box::new(Response(labelled)))
    }

    /// A stream's events as items of one JSON array.
    pub(crate) fn array(tap: Tap, scrubber: &Arc<Scrubber>) -> Self {
        Self::Array(Box::new(Items(JsonArray::new(Events::new(tap, scrubber)))))
    }

    /// A stream's events as chunks in an event stream of Amazon's.
    pub(crate) fn chunks(tap: Tap, scrubber: &Arc<Scrubber>) -> Self {
        Self::Chunks(Box::new(Wrapped(Chunked::new(Events::new(tap, scrubber)))))
    }
}

impl Body {
    /// A provider's answer as it is.
    pub(crate) fn passing(passing: Passing) -> Self {
        Self::Passing(Box::new(passing))
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::Full(bytes.into())
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut *self {
            Self::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(events) => Pin::new(&mut **events).poll_frame(cx).map_err(|never| match never {}),
            Self::Array(items) => Pin::new(&mut items.0).poll_frame(cx).map_err(|never| match never {}),
            Self::Response(response) => {
                Pin::new(&mut response.0).poll_frame(cx).map_err(|never| match never {})
            }
            Self::Chunks(wrapped) => Pin::new(&mut wrapped.0).poll_frame(cx).map_err(|never| match never {}),
            Self::Passing(passing) => Pin::new(&mut **passing).poll_frame(cx),
            Self::Held(held) => Pin::new(&mut **held).poll_frame(cx),
            Self::Raw(raw) => Pin::new(&mut **raw).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_empty(),
            Self::Stream(events) => events.is_end_stream(),
            Self::Array(items) => items.0.is_end_stream(),
            Self::Response(response) => response.0.is_end_stream(),
            Self::Chunks(wrapped) => wrapped.0.is_end_stream(),
            Self::Passing(passing) => passing.is_end_stream(),
            Self::Held(held) => held.is_end_stream(),
            Self::Raw(raw) => raw.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Passing(passing) => passing.size_hint(),
            Self::Stream(_) | Self::Array(_) | Self::Response(_) | Self::Chunks(_) => SizeHint::default(),
            Self::Held(held) => held.size_hint(),
            Self::Raw(raw) => raw.size_hint(),
        }
    }
}
