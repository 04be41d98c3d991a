//! What a client is still sending, handed on as it comes.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use llmux_core::{Error, Result};
use tokio::time::Sleep;

use crate::{
    server::{broke_off, discard_body, silent, too_large},
    snapshot::Limits,
};

/// The rest of a body, within its limits. What nobody takes of it is thrown away for a while, so that the client gets
/// to see why.
pub(super) struct Rest {
    body: Option<Incoming>,
    left: usize,
    limits: Limits,
    /// Runs while nothing comes.
    silence: Option<Pin<Box<Sleep>>>,
}

impl Rest {
    /// At most `left` bytes more.
    pub(super) fn new(body: Incoming, left: usize, limits: Limits) -> Self {
        Self { body: Some(body), left, limits, silence: None }
    }

    fn patience(&self) -> Duration {
        self.limits.body_time
    }
}

impl Body for Rest {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        match Pin::new(body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.silence = None;
                let size = frame.data_ref().map_or(0, Bytes::len);
                match this.left.checked_sub(size) {
                    Some(left) => {
                        this.left = left;
                        Poll::Ready(Some(Ok(frame)))
                    }
                    None => Poll::Ready(Some(Err(too_large(this.limits.body_size)))),
                }
            }
            Poll::Ready(Some(Err(error))) => {
                this.body = None;
                Poll::Ready(Some(Err(broke_off(error))))
            }
            Poll::Ready(None) => {
                this.body = None;
                Poll::Ready(None)
            }
            Poll::Pending => {
                let patience = this.patience();
                let silence = this.silence.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
                silence.as_mut().poll(cx).map(|()| Some(Err(silent(patience))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        self.body.take().into_iter().for_each(discard_body);
    }
}
