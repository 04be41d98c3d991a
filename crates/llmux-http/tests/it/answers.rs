//! What arrives when all is well.

use http::StatusCode;
use llmux_core::{Timeouts, Transport};
use llmux_testkit::{Answer, Gate, ScriptedUpstream, answers};
use serde_json::json;

use crate::{piece, request, send, transport, whole};

#[tokio::test]
async fn every_status_is_an_answer() {
    let upstream = ScriptedUpstream::start().await;
    let transport = transport();
    for status in [200, 301, 400, 401, 403, 404, 408, 413, 429, 500, 503, 529] {
        upstream
            .script([Answer::json(json!({"s": status})).with_status(status).with_header("retry-after", "2")]);
        let reply = send(&transport, &upstream.url()).await.unwrap();
        assert_eq!((reply.status.as_u16(), &reply.headers["retry-after"]), (status, &"2".parse().unwrap()));
        assert_eq!(whole(reply).await.unwrap(), json!({"s": status}).to_string());
    }
}

#[tokio::test]
async fn the_request_arrives_as_it_was_made() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("hi")]).await;
    whole(send(&transport(), &upstream.url()).await.unwrap()).await.unwrap();
    let seen = &upstream.requests()[0];
    assert_eq!(seen.path, "/v1/chat/completions?key=query-secret");
    assert_eq!(seen.body, "{}");
    let mut names: Vec<_> = seen.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept-encoding", "authorization", "content-length", "content-type", "host"]);
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
    assert_eq!(seen.header("host"), Some(upstream.address().to_string().as_str()));
}

#[tokio::test]
async fn frames_arrive_one_by_one_as_they_are_sent() {
    let gate = Gate::new();
    let upstream = ScriptedUpstream::answering([Answer::sse(["a", "b", "c"]).hold_after(1, &gate)]).await;
    let mut reply = send(&transport(), &upstream.url()).await.unwrap();
    assert_eq!(piece(&mut reply).await.unwrap(), "a");
    gate.open();
    assert_eq!(whole(reply).await.unwrap(), "bc");
}

#[tokio::test]
async fn one_connection_serves_one_request_after_the_other() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("hi")]).await;
    let transport = transport();
    for _ in 0..3 {
        whole(send(&transport, &upstream.url()).await.unwrap()).await.unwrap();
    }
    assert_eq!(upstream.accepted_connections(), 1);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_unused_is_replaced() {
    let upstream =
        ScriptedUpstream::answering([Answer::body("first").then_close(), Answer::body("second")]).await;
    let transport = transport();
    assert_eq!(whole(send(&transport, &upstream.url()).await.unwrap()).await.unwrap(), "first");
    upstream.wait_for_open_connections(0).await;
    assert_eq!(whole(send(&transport, &upstream.url()).await.unwrap()).await.unwrap(), "second");
    assert_eq!(upstream.accepted_connections(), 2);
}

#[tokio::test]
async fn gzip_that_nobody_asked_for_is_undone() {
    let answer = answers::openai_chat("hello hello hello");
    let upstream = ScriptedUpstream::answering([answer.clone().gzip()]).await;
    let reply = send(&transport(), &upstream.url()).await.unwrap();
    assert_eq!(reply.status, StatusCode::OK);
    assert!(!reply.headers.contains_key("content-encoding") && !reply.headers.contains_key("content-length"));
    assert_eq!(whole(reply).await.unwrap(), answer.bytes());
}

#[tokio::test]
async fn a_compressed_stream_still_streams() {
    let gate = Gate::new();
    let answer = Answer::sse(["data: 1\n\n", "data: 2\n\n"]).gzip().hold_after(1, &gate);
    let upstream = ScriptedUpstream::answering([answer]).await;
    let mut reply = send(&transport(), &upstream.url()).await.unwrap();
    assert_eq!(piece(&mut reply).await.unwrap(), "data: 1\n\n");
    gate.open();
    assert_eq!(whole(reply).await.unwrap(), "data: 2\n\n");
}

#[tokio::test]
async fn bodies_pass_whatever_they_claim_to_be() {
    let upstream = ScriptedUpstream::start().await;
    let transport = transport();
    for answer in [
        Answer::empty(),
        Answer::garbage(),
        Answer::html_error(503),
        answers::openai_chat("hi").wrong_content_type(),
        Answer::oversized(3_000_000),
    ] {
        upstream.script([answer.clone()]);
        let reply = send(&transport, &upstream.url()).await.unwrap();
        assert_eq!(whole(reply).await.unwrap(), answer.bytes());
    }
}

#[tokio::test]
async fn a_reader_that_is_slow_holds_the_provider_back() {
    let size = 64 << 20;
    let upstream = ScriptedUpstream::answering([Answer::oversized(size)]).await;
    let transport = transport();
    let mut reply = transport.send(request(&upstream.url()), Timeouts::default()).await.unwrap();
    assert!(!piece(&mut reply).await.unwrap().is_empty());
    // The provider is still sending: what it could send before it was held back is far less than all.
    drop(reply);
    upstream.wait_for_disconnect().await;
}
