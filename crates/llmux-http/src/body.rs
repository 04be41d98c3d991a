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
};

/// A body under the limits of its exchange. Dropping it before the end closes the connection.
pub(crate) struct LimitedBody {
    inner: Incoming,
    deadlines: Deadlines,
    target: Target,
}

impl LimitedBody {
    pub(crate) fn new(inner: Incoming, deadlines: Deadlines, target: Target) -> Self {
        Self { inner, deadlines, target }
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
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(failure::broke_off(&this.target, error)))),
            Poll::Ready(None) => Poll::Ready(None),
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
