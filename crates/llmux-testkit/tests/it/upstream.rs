//! The scripted provider, seen through a bare socket.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use llmux_core::{ErrorKind, Timeouts, Transport};
use llmux_testkit::{Answer, ClosedPort, Gate, ScriptedTransport, ScriptedUpstream, answers, fixtures};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const REQUEST: &[u8] = b"POST /v1/x?q=1 HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n{}";

async fn connected(upstream: &ScriptedUpstream) -> TcpStream {
    let mut socket = TcpStream::connect(upstream.address()).await.unwrap();
    socket.write_all(REQUEST).await.unwrap();
    socket
}

/// Reads until `end` has come.
async fn read_to(socket: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        assert_ne!(socket.read_buf(&mut read).await.unwrap(), 0, "{}", String::from_utf8_lossy(&read));
    }
    String::from_utf8(read).unwrap()
}

#[tokio::test]
async fn answers_come_in_their_order_and_the_last_is_repeated() {
    let upstream =
        ScriptedUpstream::answering([Answer::html_error(503), Answer::json(serde_json::json!({"ok": true}))])
            .await;
    let mut socket = connected(&upstream).await;
    assert!(read_to(&mut socket, "</html>\n").await.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    for _ in 0..2 {
        socket.write_all(REQUEST).await.unwrap();
        assert!(read_to(&mut socket, r#"{"ok":true}"#).await.starts_with("HTTP/1.1 200 OK\r\n"));
    }
    let requests = upstream.wait_for_requests(3).await;
    assert_eq!(requests[2].path, "/v1/x?q=1");
    assert_eq!((requests[2].method.clone(), requests[2].json()), (Method::POST, serde_json::json!({})));
    assert_eq!((upstream.open_connections(), upstream.accepted_connections()), (1, 1));
}

#[tokio::test]
async fn a_script_for_a_path_comes_first() {
    let upstream = ScriptedUpstream::answering([Answer::body("any")]).await;
    upstream.script_at("/v1/x", [Answer::body("by path")]);
    read_to(&mut connected(&upstream).await, "by path").await;
}

#[tokio::test]
async fn frames_wait_for_the_gate() {
    let gate = Gate::new();
    let upstream = ScriptedUpstream::answering([Answer::sse(["a", "b"]).hold_after(1, &gate)]).await;
    let mut socket = connected(&upstream).await;
    let first = read_to(&mut socket, "1\r\na\r\n").await;
    assert!(first.contains("transfer-encoding: chunked\r\n"), "{first}");
    gate.open();
    assert_eq!(read_to(&mut socket, "0\r\n\r\n").await, "1\r\nb\r\n0\r\n\r\n");
}

#[tokio::test]
async fn a_client_that_goes_away_is_noticed_while_it_is_answered() {
    let upstream = ScriptedUpstream::answering([Answer::never()]).await;
    let socket = connected(&upstream).await;
    upstream.wait_for_requests(1).await;
    drop(socket);
    upstream.wait_for_disconnect().await;
    upstream.wait_for_open_connections(0).await;
}

#[tokio::test]
async fn a_reset_comes_after_the_promised_bytes() {
    let upstream = ScriptedUpstream::answering([Answer::body("hello").reset_mid_body(3)]).await;
    let mut socket = connected(&upstream).await;
    assert!(read_to(&mut socket, "hel").await.contains("content-length: 5\r\n"));
    let error = socket.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn nobody_listens_at_a_closed_port() {
    let port = ClosedPort::new();
    let address = port.url().trim_start_matches("http://").to_owned();
    let error = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn the_transport_without_a_socket_follows_the_same_script() {
    let transport = ScriptedTransport::answering([
        answers::openai_chat("hi"),
        Answer::sse(["data: 1\n\n", "data: 2\n\n"]).reset_mid_stream(1),
        Answer::never(),
    ]);
    let mut timeouts = Timeouts::default();
    timeouts.first_byte = Some(Duration::from_millis(1));
    let send = || transport.send(Request::post("http://h/v1/x").body(Bytes::new()).unwrap(), timeouts);

    let whole = send().await.unwrap();
    let body = http_body_util::BodyExt::collect(whole.body).await.unwrap().to_bytes();
    assert_eq!(body, answers::openai_chat("hi").bytes());

    let mut broken = send().await.unwrap();
    let frame = http_body_util::BodyExt::frame(&mut broken.body).await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "data: 1\n\n");
    let error = http_body_util::BodyExt::frame(&mut broken.body).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);

    let error = send().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(transport.requests()[2].header("host"), Some("h"));
}

#[test]
fn recorded_traffic_is_found_when_it_is_there() {
    let cases = fixtures::cases();
    for case in &cases {
        assert_eq!(case.stream.is_some(), case.streamed, "{}", case.name);
    }
    assert_eq!(cases.is_empty(), fixtures::root().is_none());
    assert_eq!(fixtures::client_requests("messages").is_empty(), cases.is_empty());
}
