//! What the fuzz targets reach beyond the public interface. It exists in their builds only.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
    vec,
};

use bytes::Bytes;
use http::Uri;
use http_body::{Body, Frame};
use llmux_core::{Error, Result};

use crate::{
    UrlPolicy,
    decode::{Coding, DecodedBody},
};

/// Undoes gzip, or deflate, on a body that arrives in these pieces.
///
/// # Errors
/// When the body cannot be decoded.
pub fn decode(gzip: bool, pieces: Vec<Bytes>) -> Result<Vec<Bytes>> {
    let coding = if gzip { Coding::Gzip } else { Coding::Deflate };
    let mut body = DecodedBody::new(Pieces(pieces.into_iter()), coding);
    let mut decoded = Vec::new();
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(frame)) = Pin::new(&mut body).poll_frame(&mut cx) {
        decoded.extend(frame?.into_data());
    }
    Ok(decoded)
}

/// Whether a policy lets requests go to this URL, as far as the URL itself shows.
#[must_use]
pub fn permits(policy: UrlPolicy, uri: &Uri) -> bool {
    policy.check(uri).is_ok()
}

struct Pieces(vec::IntoIter<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        Poll::Ready(self.0.next().map(|piece| Ok(Frame::data(piece))))
    }
}
