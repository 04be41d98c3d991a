//! The limits of each phase, and that nothing else runs into them.

use std::time::Duration;

use llmux_core::{Error, ErrorKind, Origin, Timeouts, Transport};
use llmux_testkit::{Answer, ScriptedUpstream};
use tokio::net::TcpListener;

use crate::{failed, piece, request, shows_no_secret, transport, whole};

/// Passes soon.
const SHORT: Option<Duration> = Some(Duration::from_millis(20));
/// Never passes in a test.
const LONG: Option<Duration> = Some(Duration::from_secs(600));

fn limits(set: impl FnOnce(&mut Timeouts)) -> Timeouts {
    let mut timeouts = Timeouts::default();
    set(&mut timeouts);
    timeouts
}

fn is_timeout(error: &Error, phase: &str) {
    shows_no_secret(error);
    assert_eq!((error.kind(), error.origin()), (ErrorKind::Timeout, Origin::Upstream));
    assert!(error.message().starts_with(phase), "{error}");
}

#[tokio::test]
async fn connecting_has_its_own_limit() {
    // The kernel takes the connection, but nobody answers the TLS handshake.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let timeouts = limits(|limit| (limit.connect, limit.first_byte) = (SHORT, LONG));
    let reply = transport().send(request(&format!("https://{address}")), timeouts).await;
    is_timeout(&failed(reply), "connect timeout");
}

#[tokio::test]
async fn a_provider_that_never_answers_is_given_up() {
    let upstream = ScriptedUpstream::answering([Answer::never()]).await;
    let timeouts = limits(|limit| limit.first_byte = SHORT);
    is_timeout(&failed(transport().send(request(&upstream.url()), timeouts).await), "first-byte timeout");
    upstream.wait_for_disconnect().await;
}

#[tokio::test]
async fn a_head_without_a_first_frame_is_given_up() {
    let upstream = ScriptedUpstream::answering([Answer::sse(["a"]).stall_after(0)]).await;
    let timeouts = limits(|limit| (limit.first_byte, limit.between_bytes) = (SHORT, LONG));
    let reply = transport().send(request(&upstream.url()), timeouts).await.unwrap();
    is_timeout(&whole(reply).await.unwrap_err(), "first-byte timeout");
    upstream.wait_for_disconnect().await;
}

#[tokio::test]
async fn a_stream_that_stalls_is_given_up() {
    let upstream = ScriptedUpstream::answering([Answer::sse(["a", "b"]).stall_after(1)]).await;
    let timeouts = limits(|limit| (limit.first_byte, limit.between_bytes) = (LONG, SHORT));
    let mut reply = transport().send(request(&upstream.url()), timeouts).await.unwrap();
    assert_eq!(piece(&mut reply).await.unwrap(), "a");
    is_timeout(&whole(reply).await.unwrap_err(), "stall timeout");
    upstream.wait_for_disconnect().await;
}

#[tokio::test]
async fn an_answer_that_drips_is_ended_by_the_total_limit_only() {
    let drip = || Answer::body("x".repeat(500)).drip(Duration::from_millis(2));
    let upstream = ScriptedUpstream::answering([drip()]).await;
    let timeouts = limits(|limit| {
        (limit.total, limit.first_byte, limit.between_bytes) = (Some(Duration::from_millis(150)), LONG, LONG);
    });
    let reply = transport().send(request(&upstream.url()), timeouts).await.unwrap();
    is_timeout(&whole(reply).await.unwrap_err(), "total timeout");
    upstream.wait_for_disconnect().await;
}

#[tokio::test]
async fn the_total_limit_counts_before_the_head_too() {
    let upstream = ScriptedUpstream::answering([Answer::never()]).await;
    let timeouts = limits(|limit| (limit.total, limit.first_byte) = (SHORT, LONG));
    is_timeout(&failed(transport().send(request(&upstream.url()), timeouts).await), "total timeout");
}

#[tokio::test]
async fn limits_that_are_kept_change_nothing() {
    let upstream = ScriptedUpstream::answering([Answer::sse(["a", "b", "c"])]).await;
    let timeouts = limits(|limit| {
        (limit.connect, limit.first_byte, limit.between_bytes, limit.total) = (LONG, LONG, LONG, LONG);
    });
    let transport = transport();
    for _ in 0..2 {
        let reply = transport.send(request(&upstream.url()), timeouts).await.unwrap();
        assert_eq!(whole(reply).await.unwrap(), "abc");
    }
    assert_eq!(upstream.accepted_connections(), 1);
}
