//! A client's body on its way to a provider.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use llmux_core::{Error, ErrorKind, Result};
use tokio::time::{Instant, Sleep, sleep};

use crate::server::discard_body;

/// Hands the body on piece by piece: nothing is read that the provider does not take.
pub(super) struct Upload {
    body: Incoming,
    left: Option<u64>,
    patience: Duration,
    silence: Pin<Box<Sleep>>,
}

impl Upload {
    /// A body of at most `limit` bytes, from a client that may be silent for at most `patience`.
    ///
    /// # Errors
    /// 413 when its length is known to be too large.
    pub(super) fn new(body: Incoming, limit: Option<u64>, patience: Duration) -> Result<Self> {
        if limit.is_some_and(|limit| body.size_hint().lower() > limit) {
            discard_body(body);
            return Err(too_large());
        }
        Ok(Self { body, left: limit, patience, silence: Box::pin(sleep(patience)) })
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        loop {
            let Poll::Ready(next) = Pin::new(&mut self.body).poll_frame(cx) else {
                if self.silence.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                let patience = self.patience;
                let message =
                    format!("the body of the request did not arrive: nothing came for {patience:?}");
                return Poll::Ready(Some(Err(Error::client(ErrorKind::Timeout, message))));
            };
            let Some(frame) = next else { return Poll::Ready(None) };
            let frame = frame.map_err(|error| {
                Error::client(ErrorKind::InvalidRequest, "the body of the request broke off")
                    .with_source(error)
            })?;
            // Trailers mean nothing here.
            let Ok(piece) = frame.into_data() else { continue };
            if let Some(left) = &mut self.left {
                let Some(rest) = left.checked_sub(piece.len() as u64) else {
                    return Poll::Ready(Some(Err(too_large())));
                };
                *left = rest;
            }
            let deadline = Instant::now() + self.patience;
            self.silence.as_mut().reset(deadline);
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn too_large() -> Error {
    let message = "the body of the request is larger than `max_request_size_mb` allows";
    Error::client(ErrorKind::PayloadTooLarge, message)
}
