//! Google's older framing of a stream: one JSON array, whose items arrive one by one.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{BufMut, Bytes, BytesMut};
use http_body::{Body, Frame};
use llmux_wire::sse::Decoder;

/// The data of a stream's events as items of an array. What it holds of an event is bounded by the decoder.
pub(crate) struct JsonArray<B> {
    events: B,
    decoder: Decoder,
    begun: bool,
    over: bool,
}

impl<B> JsonArray<B> {
    pub(crate) fn new(events: B) -> Self {
        Self { events, decoder: Decoder::new(), begun: false, over: false }
    }

    fn take(&mut self, piece: &[u8]) -> Bytes {
        let mut out = BytesMut::new();
        let begun = &mut self.begun;
        let item = |event: llmux_wire::sse::SseEvent| {
            put(&event.data, begun, &mut out);
            Ok(())
        };
        // Frames of our own are well-formed and far below the limit.
        let _ = self.decoder.push(piece, item);
        out.freeze()
    }

    fn close(&mut self) -> Bytes {
        let mut out = BytesMut::new();
        let begun = &mut self.begun;
        let _ = self.decoder.finish(|event| {
            put(&event.data, begun, &mut out);
            Ok(())
        });
        out.put_slice(if self.begun { b"]" } else { b"[]" });
        self.over = true;
        out.freeze()
    }
}

fn put(item: &[u8], begun: &mut bool, out: &mut BytesMut) {
    out.put_slice(if std::mem::replace(begun, true) { b",\r\n" } else { b"[" });
    out.put_slice(item);
}

impl<B: Body<Data = Bytes, Error = Infallible> + Unpin> Body for JsonArray<B> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        while !self.over {
            let next = ready!(Pin::new(&mut self.events).poll_frame(cx));
            let piece = match next {
                Some(Ok(frame)) => self.take(&frame.into_data().unwrap_or_default()),
                None => self.close(),
            };
            if !piece.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.over
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    async fn array(pieces: &[&'static str]) -> Bytes {
        let frames: Vec<_> =
            pieces.iter().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))).collect();
        let events = StreamBody::new(futures::stream::iter(frames));
        JsonArray::new(events).collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn events_become_items_however_they_come() {
        let whole = array(&["data: {\"a\":1}\n\ndata: {\"b\":2}\n\n"]).await;
        assert_eq!(whole, "[{\"a\":1},\r\n{\"b\":2}]");
        assert_eq!(array(&["data: {\"a\":1}\r\n\r\n", "data: {\"b\"", ":2}\n\n"]).await, whole);
    }

    #[tokio::test]
    async fn a_stream_of_nothing_is_an_empty_array() {
        assert_eq!(array(&[]).await, "[]");
    }
}
