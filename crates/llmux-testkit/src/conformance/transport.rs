//! The rules of [`Transport`].

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use llmux_core::{Error, ErrorKind, Origin, Result, Timeouts, Transport, TransportReply};

use crate::{Answer, ClosedPort, ScriptedUpstream};

/// Passes soon.
const SHORT: Duration = Duration::from_millis(20);

/// Checks a transport that speaks over sockets, without a proxy:
///
/// - every status is an answer and its body arrives whole;
/// - connections that fail and bodies that break off are connection errors, limits that pass are timeouts, and
///   neither shows a query or a header;
/// - a request that reached the provider is sent once;
/// - dropping an exchange at any time closes it.
///
/// # Panics
/// When a rule is broken.
pub async fn transport(transport: &dyn Transport) {
    let upstream = ScriptedUpstream::start().await;
    answers(transport, &upstream).await;
    failures(transport).await;
    limits(transport).await;
    cancellation(transport).await;
}

async fn answers(transport: &dyn Transport, upstream: &ScriptedUpstream) {
    for status in [200, 204, 302, 400, 401, 404, 429, 500, 503] {
        let answer = Answer::chunks(["a", "b"]).with_status(status);
        upstream.script([if status == 204 { Answer::empty().with_status(status) } else { answer.clone() }]);
        let reply =
            send(transport, &upstream.url(), Timeouts::default()).await.expect("a status is an answer");
        assert_eq!(reply.status.as_u16(), status);
        let body = whole(reply).await.expect("the body arrives");
        assert!(status == 204 || body == answer.bytes(), "{status}: {body:?}");
    }
}

async fn failures(transport: &dyn Transport) {
    let port = ClosedPort::new();
    let refused = send(transport, &port.url(), Timeouts::default()).await;
    is(&refused.err().expect("nobody listens"), ErrorKind::Connection);
    for answer in [Answer::reset(), Answer::close(), Answer::not_http()] {
        let upstream = ScriptedUpstream::answering([answer]).await;
        let failed = send(transport, &upstream.url(), Timeouts::default()).await;
        is(&failed.err().expect("there was no answer"), ErrorKind::Connection);
        assert_eq!(upstream.requests().len(), 1, "a request that reached the provider is sent once");
    }
    for answer in [
        Answer::body("0123456789").reset_mid_body(5),
        Answer::body("0123456789").close_mid_body(5),
        Answer::sse(["a", "b"]).reset_mid_stream(1),
    ] {
        let upstream = ScriptedUpstream::answering([answer]).await;
        let reply = send(transport, &upstream.url(), Timeouts::default()).await.expect("the head arrives");
        is(&whole(reply).await.expect_err("the body breaks off"), ErrorKind::Connection);
    }
}

async fn limits(transport: &dyn Transport) {
    let upstream = ScriptedUpstream::start().await;
    let mut timeouts = Timeouts::default();
    (timeouts.first_byte, timeouts.between_bytes) = (Some(SHORT), Some(SHORT));

    upstream.script([Answer::never()]);
    let late = send(transport, &upstream.url(), timeouts).await;
    is(&late.err().expect("there is never an answer"), ErrorKind::Timeout);

    timeouts.first_byte = None;
    upstream.script([Answer::sse(["a"]).stall_after(1)]);
    let reply = send(transport, &upstream.url(), timeouts).await.expect("the head arrives");
    is(&whole(reply).await.expect_err("the stream stalls"), ErrorKind::Timeout);

    let mut timeouts = Timeouts::default();
    timeouts.total = Some(SHORT);
    let late = match send(transport, &upstream.url(), timeouts).await {
        Ok(reply) => whole(reply).await.err(),
        Err(error) => Some(error),
    };
    is(&late.expect("the exchange never ends"), ErrorKind::Timeout);
    upstream.wait_for_disconnects(3).await;
}

async fn cancellation(transport: &dyn Transport) {
    let upstream = ScriptedUpstream::answering([Answer::never()]).await;
    let url = upstream.url();
    tokio::select! {
        _ = send(transport, &url, Timeouts::default()) => panic!("there is never an answer"),
        _ = upstream.wait_for_requests(1) => {}
    }
    upstream.wait_for_disconnects(1).await;

    for sent in [0, 1] {
        let upstream = ScriptedUpstream::answering([Answer::sse(["a"]).stall_after(sent)]).await;
        let mut reply =
            send(transport, &upstream.url(), Timeouts::default()).await.expect("the head arrives");
        if sent > 0 {
            reply.body.frame().await.expect("a frame arrives").expect("without an error");
        }
        drop(reply);
        upstream.wait_for_disconnects(1).await;
    }
}

async fn send(transport: &dyn Transport, url: &str, timeouts: Timeouts) -> Result<TransportReply> {
    let request = Request::post(format!("{url}/conformance?key=query-secret"))
        .header("authorization", "Bearer header-secret")
        .body(Bytes::from_static(b"{}"))
        .expect("a request");
    transport.send(request, timeouts).await
}

async fn whole(reply: TransportReply) -> Result<Bytes> {
    Ok(reply.body.collect().await?.to_bytes())
}

fn is(error: &Error, kind: ErrorKind) {
    assert_eq!((error.kind(), error.origin()), (kind, Origin::Upstream), "{error}");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("secret"), "a secret is shown: {shown}");
}
