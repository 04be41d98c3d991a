//! Which connection a request goes out on.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame};
use llmux_core::{Error, ErrorKind, Timeouts, Transport};
use llmux_http::HttpTransport;
use llmux_testkit::{Answer, Gate, ScriptedUpstream, answers};

use crate::{failed, request, send, transport, whole};

/// A body that comes in pieces, as an upload does.
struct Upload(VecDeque<Result<&'static str, ErrorKind>>);

impl Body for Upload {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let next = self.0.pop_front().map(|piece| match piece {
            Ok(text) => Ok(Frame::data(Bytes::from_static(text.as_bytes()))),
            Err(kind) => Err(Error::client(kind, "the upload broke off")),
        });
        Poll::Ready(next)
    }
}

#[tokio::test]
async fn requests_at_the_same_time_have_connections_of_their_own_and_leave_them_to_later_ones() {
    let gate = Gate::new();
    let upstream = ScriptedUpstream::start().await;
    upstream.script([answers::openai_chat("hi").hold_until(&gate)]);
    let (transport, url) = (transport(), upstream.url());
    let both = async { tokio::join!(send(&transport, &url), send(&transport, &url)) };
    let opened = async {
        upstream.wait_for_requests(2).await;
        gate.open();
    };
    let ((first, second), ()) = tokio::join!(both, opened);
    whole(first.unwrap()).await.unwrap();
    whole(second.unwrap()).await.unwrap();
    for _ in 0..3 {
        whole(send(&transport, &url).await.unwrap()).await.unwrap();
    }
    assert_eq!(upstream.accepted_connections(), 2);
}

#[tokio::test]
async fn no_more_connections_wait_than_are_allowed() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("hi")]).await;
    let transport = HttpTransport::builder().max_idle_per_host(0).build().unwrap();
    for _ in 0..2 {
        whole(send(&transport, &upstream.url()).await.unwrap()).await.unwrap();
    }
    upstream.wait_for_open_connections(0).await;
    assert_eq!(upstream.accepted_connections(), 2);
}

#[tokio::test]
async fn a_connection_that_waits_too_long_is_closed_without_another_request() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("hi")]).await;
    let transport = HttpTransport::builder().idle_timeout(Duration::from_millis(5)).build().unwrap();
    whole(send(&transport, &upstream.url()).await.unwrap()).await.unwrap();
    upstream.wait_for_open_connections(0).await;
}

#[tokio::test]
async fn a_body_is_handed_on_as_it_arrives() {
    let upstream = ScriptedUpstream::answering([Answer::body("done")]).await;
    let upload = Upload(VecDeque::from([Ok("one "), Ok("two")]));
    let request = request(&upstream.url()).map(|_| Box::pin(upload) as _);
    let reply = transport().send_stream(request, Timeouts::default()).await.unwrap();
    assert_eq!(whole(reply).await.unwrap(), "done");
    let seen = &upstream.requests()[0];
    assert_eq!((seen.body.as_ref(), seen.header("transfer-encoding")), (&b"one two"[..], Some("chunked")));
}

#[tokio::test]
async fn a_body_that_fails_on_its_way_is_told_with_its_own_error() {
    let upstream = ScriptedUpstream::answering([Answer::body("done")]).await;
    let upload = Upload(VecDeque::from([Ok("one "), Err(ErrorKind::Timeout)]));
    let request = request(&upstream.url()).map(|_| Box::pin(upload) as _);
    let error = failed(transport().send_stream(request, Timeouts::default()).await);
    assert_eq!((error.kind(), error.message()), (ErrorKind::Timeout, "the upload broke off"));
}
