//! The body of an answer, as it arrives.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use llmux_core::Error;

use crate::{
    deadline::Deadlines,
    failure::{self, Target},
    pool::Lease,
};

/// A body under the limits of its exchange. Read to its end it frees the connection for the next request; dropped
/// before, it closes it.
pub(crate) struct LimitedBody {
    inner: Incoming,
    lease: Option<Lease>,
    deadlines: Deadlines,
    target: Target,
}

impl LimitedBody {
    pub(crate) fn new(inner: Incoming, lease: Lease, deadlines: Deadlines, target: Target) -> Self {
        let mut body = Self { inner, lease: Some(lease), deadlines, target };
        body.release_at_end();
        body
    }

    fn release_at_end(&mut self) {
        if self.inner.is_end_stream()
            && let Some(lease) = self.lease.take()
        {
            lease.give_back();
        }
    }
}

impl Body for LimitedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.deadlines.progressed();
                this.release_at_end();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(failure::broke_off(&this.target, error)))),
            Poll::Ready(None) => {
                this.lease.take().into_iter().for_each(Lease::give_back);
                Poll::Ready(None)
            }
            Poll::Pending => this.deadlines.poll(cx, &this.target).map(|error| Some(Err(error))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
