//! Nobody waits for an answer that nobody wants.

use std::time::Duration;

use llmux_testkit::{Answer, Gate, ScriptedUpstream};

use crate::{piece, send, transport, whole};

#[tokio::test]
async fn dropping_the_request_before_the_head_closes_the_connection() {
    let upstream = ScriptedUpstream::answering([Answer::never()]).await;
    let (transport, url) = (transport(), upstream.url());
    let sending = tokio::spawn(async move { send(&transport, &url).await.map(drop) });
    upstream.wait_for_requests(1).await;
    sending.abort();
    upstream.wait_for_disconnect().await;
}

#[tokio::test]
async fn dropping_the_body_before_its_first_byte_closes_the_connection() {
    let upstream = ScriptedUpstream::answering([Answer::sse(["a"]).stall_after(0)]).await;
    let transport = transport();
    drop(send(&transport, &upstream.url()).await.unwrap());
    upstream.wait_for_disconnect().await;
}

#[tokio::test]
async fn dropping_the_body_in_its_middle_closes_the_connection() {
    let gate = Gate::new();
    let upstream = ScriptedUpstream::answering([Answer::sse(["a", "b"]).hold_after(1, &gate)]).await;
    let transport = transport();
    let mut reply = send(&transport, &upstream.url()).await.unwrap();
    assert_eq!(piece(&mut reply).await.unwrap(), "a");
    drop(reply);
    upstream.wait_for_disconnect().await;
    upstream.wait_for_open_connections(0).await;
}

#[tokio::test]
async fn a_compressed_body_is_cancelled_as_well() {
    let answer = Answer::sse(["data: 1\n\n", "data: 2\n\n"]).with_delay(Duration::from_millis(1)).gzip();
    let upstream = ScriptedUpstream::answering([answer.stall_after(1)]).await;
    let transport = transport();
    let mut reply = send(&transport, &upstream.url()).await.unwrap();
    assert_eq!(piece(&mut reply).await.unwrap(), "data: 1\n\n");
    drop(reply);
    upstream.wait_for_disconnect().await;
}

#[tokio::test]
async fn a_cancelled_request_does_not_disturb_the_next() {
    let upstream = ScriptedUpstream::answering([Answer::sse(["a"]).stall_after(1), Answer::body("ok")]).await;
    let transport = transport();
    drop(send(&transport, &upstream.url()).await.unwrap());
    upstream.wait_for_disconnect().await;
    assert_eq!(whole(send(&transport, &upstream.url()).await.unwrap()).await.unwrap(), "ok");
}
