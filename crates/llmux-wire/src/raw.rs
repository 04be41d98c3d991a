//! Answers that are bytes, such as sound: they pass as they come.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use llmux_core::{Error, Reply, TransportBody};

use crate::tap::{Ending, OnEnd, OnWatch};

/// A provider's body, handed on untouched.
///
/// Nothing is read ahead and nothing is kept: it is polled only when the client takes more. Where the provider breaks
/// off so does this, with an error: there is no frame that could tell. Dropping it cancels the exchange.
pub struct Raw {
    upstream: Option<TransportBody>,
    reply: Box<dyn Reply>,
    watch: Option<OnWatch>,
    on_end: Option<OnEnd>,
}

impl Raw {
    /// A body that passes; `reply` knows what the request alone says was consumed, and sees none of it.
    #[must_use]
    pub fn new(upstream: TransportBody, reply: Box<dyn Reply>) -> Self {
        Self { upstream: Some(upstream), reply, watch: None, on_end: None }
    }

    /// Sets what is called when the answer is over; it replaces an earlier one.
    #[must_use]
    pub fn on_end(mut self, on_end: OnEnd) -> Self {
        self.on_end = Some(on_end);
        self
    }

    /// Sets who sees how the answer ended beside whoever is told by [`on_end`](Self::on_end).
    #[must_use]
    pub fn watched(mut self, watch: OnWatch) -> Self {
        self.watch = Some(watch);
        self
    }

    fn over(&mut self, ending: Ending) {
        self.upstream = None;
        if let Some(watch) = self.watch.take() {
            watch(&self.reply.report(), &ending);
        }
        if let Some(on_end) = self.on_end.take() {
            on_end(self.reply.report(), ending);
        }
    }
}

impl Body for Raw {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            let Some(upstream) = &mut self.upstream else { return Poll::Ready(None) };
            match std::task::ready!(upstream.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => {
                    // Whoever takes the last piece of a body of known length need not ask for more.
                    if upstream.is_end_stream() {
                        self.over(Ending::Complete);
                    }
                    // Trailers are between the provider and the gateway.
                    if frame.is_data() {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
                Some(Err(error)) => {
                    let told = Error::upstream(error.kind(), error.message());
                    self.over(Ending::Broken(error));
                    return Poll::Ready(Some(Err(told)));
                }
                None => self.over(Ending::Complete),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.upstream.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.upstream.as_ref().map_or_else(|| SizeHint::with_exact(0), |upstream| upstream.size_hint())
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.over(Ending::Dropped);
    }
}
