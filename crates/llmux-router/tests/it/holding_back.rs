//! A client that reads slowly holds the provider back: nothing is read ahead of it, so memory is bounded.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use llmux_core::{Error, Result, Timeouts, Transport, TransportReply};
use llmux_router::AnswerBody;

use crate::{
    asking::{DIALECTS, Request},
    hosts::{Host, router},
};

/// A provider that streams without end, one word a piece, as fast as it is read.
#[derive(Clone)]
struct Endless {
    opening: Vec<Bytes>,
    word: Bytes,
    read: Arc<AtomicUsize>,
}

impl Endless {
    fn new(host: Host) -> Self {
        let all = String::from_utf8(host.stream(&["word"]).bytes().to_vec()).unwrap();
        let mut frames = all.split_inclusive("\n\n").map(|frame| Bytes::from(frame.to_owned()));
        let opening = frames.by_ref().take(host.pieces_to_first_word() - 1).collect();
        Self { opening, word: frames.next().unwrap(), read: Arc::default() }
    }
}

impl Body for Endless {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let at = self.read.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(self.opening.get(at).unwrap_or(&self.word).clone()))))
    }
}

#[async_trait]
impl Transport for Endless {
    async fn send(&self, _: http::Request<Bytes>, _: Timeouts) -> Result<TransportReply> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        Ok(TransportReply::new(StatusCode::OK, headers, Box::pin(self.clone())))
    }
}

#[tokio::test]
async fn pain_2_and_25_nothing_is_read_ahead_of_the_client_and_each_piece_is_handed_on_alone() {
    for host in Host::ALL {
        for dialect in DIALECTS {
            let endless = Endless::new(host);
            let router =
                router(endless.clone()).deployment(host.deployment("a", "m", "up", "http://a")).build();
            let answer = Request::new(dialect, "m").streamed().ask(&router.unwrap()).await.unwrap();
            let AnswerBody::Stream(mut tap) = answer.body else { panic!("a stream was asked for") };
            for taken in 1..=100 {
                let piece = tap.frame().await.unwrap().unwrap_or_else(|never| match never {});
                assert!(piece.into_data().unwrap().len() < 1_000, "pieces are not gathered");
                let ahead = endless.read.load(Ordering::Relaxed).saturating_sub(taken);
                assert!(ahead <= endless.opening.len(), "{dialect} from {host:?}: {ahead} pieces ahead");
            }
        }
    }
}
