//! A body whose pieces are there already.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use llmux_core::{Error, Result, TransportBody};

/// The pieces that are still to be sent.
pub(crate) struct Pieces(VecDeque<Bytes>);

impl Pieces {
    /// `first`, and then `more`.
    pub(crate) fn body(first: Bytes, more: Vec<Bytes>) -> TransportBody {
        let pieces = std::iter::once(first).chain(more);
        Box::pin(Self(pieces.filter(|piece| !piece.is_empty()).collect()))
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        Poll::Ready(self.get_mut().0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn pieces_come_in_order_and_their_length_is_known() {
        let more = vec![Bytes::new(), Bytes::from_static(b"bc"), Bytes::from_static(b"d")];
        let body = Pieces::body(Bytes::from_static(b"a"), more);
        assert_eq!(body.size_hint().exact(), Some(4));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abcd");
    }
}
