//! Bedrock's framing of other dialects' streams: each event's data as a chunk in an event stream of Amazon's.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame};
use llmux_wire::bedrock::Chunks;

/// A stream of server-sent events, wrapped on its way out.
pub(crate) struct Chunked<B> {
    events: B,
    chunks: Chunks,
}

impl<B> Chunked<B> {
    pub(crate) fn new(events: B) -> Self {
        Self { events, chunks: Chunks::new() }
    }
}

impl<B: Body<Data = Bytes, Error = Infallible> + Unpin> Body for Chunked<B> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            let Some(Ok(frame)) = ready!(Pin::new(&mut self.events).poll_frame(cx)) else {
                return Poll::Ready(None);
            };
            let chunks = self.chunks.push(&frame.into_data().unwrap_or_default());
            if !chunks.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(chunks))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.events.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, StreamBody};
    use llmux_wire::event_stream::Decoder;

    use super::*;

    #[tokio::test]
    async fn every_event_is_a_chunk() {
        let pieces = ["event: a\ndata: {\"type\":\"a\"}\n\nevent: b\nda", "ta: {}\n\n"];
        let frames = pieces.map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes()))));
        let events = StreamBody::new(futures::stream::iter(frames));
        let stream = Chunked::new(events).collect().await.unwrap().to_bytes();
        let mut payloads = Vec::new();
        let read = Decoder::new().push(&stream, |message| {
            assert_eq!(message.header(":event-type"), Some("chunk"));
            payloads.push(message.payload);
            Ok(())
        });
        read.unwrap();
        assert_eq!(payloads, [r#"{"bytes":"eyJ0eXBlIjoiYSJ9"}"#, r#"{"bytes":"e30="}"#]);
    }
}
