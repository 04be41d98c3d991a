//! What a client may send, and how fast.

use bytes::Bytes;
use futures::stream;
use llmux_testkit::ScriptedUpstream;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::proxy::{Answer, Proxy, Setup, chat, message};

const ECHO: &str = "model_list: [{model_name: echo-large, litellm_params: {model: llmux/echo}}]\n";

async fn with_server(settings: &str) -> Proxy {
    Setup::config(format!("{ECHO}server: {{{settings}}}\n")).start().await
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_with_413() {
    let proxy = with_server("max_body_size: 1KiB").await;
    let long = "x".repeat(4096);
    let answer = proxy.post_text("/v1/chat/completions", long.clone()).await;
    assert_eq!(answer.openai_error(), (413, "invalid_request_error".into(), "413".into()));
    assert!(answer.message().contains("1024"), "{}", answer.text);
    let answer = proxy.post_text("/v1/messages", long).await;
    assert_eq!(answer.anthropic_error(), (413, "request_too_large".into()));
}

#[tokio::test]
async fn a_body_of_unknown_length_is_refused_as_soon_as_it_is_too_long() {
    let proxy = with_server("max_body_size: 1KiB").await;
    let pieces = stream::iter((0..64).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 512]))));
    let answer = proxy.post_text("/v1/chat/completions", reqwest::Body::wrap_stream(pieces)).await;
    assert_eq!(answer.openai_error().0, 413);
}

#[tokio::test]
async fn litellms_limit_in_megabytes_counts_too() {
    let proxy =
        Setup::config(format!("{ECHO}general_settings: {{max_request_size_mb: 0.001}}\n")).start().await;
    assert_eq!(proxy.post_text("/v1/chat/completions", "x".repeat(2048)).await.status, 413);
    assert_eq!(proxy.chat("echo-large").await.status, 200);
}

#[tokio::test]
async fn malformed_json_names_line_and_column() {
    let proxy = with_server("").await;
    let answer = proxy.post_text("/v1/chat/completions", "{\n  \"model\": \"echo-large\",\n  oops\n}").await;
    assert_eq!(answer.openai_error(), (400, "invalid_request_error".into(), "invalid_json".into()));
    assert!(answer.message().contains("line 3 column 3"), "{}", answer.text);
    let answer = proxy.post_text("/v1/messages", "{\"model\": }").await;
    assert_eq!(answer.anthropic_error(), (400, "invalid_request_error".into()));
    assert!(answer.message().contains("line 1 column"), "{}", answer.text);
    for odd in ["", "[]", "\"text\"", "{} {}", "{\"a\": NaN}", "null"] {
        assert_eq!(proxy.post_text("/v1/chat/completions", odd).await.openai_error().0, 400, "{odd}");
    }
}

#[tokio::test]
async fn wrong_types_name_the_field() {
    let proxy = with_server("").await;
    for (field, value) in [
        ("model", "1"),
        ("stream", "\"yes\""),
        ("timeout", "\"soon\""),
        ("num_retries", "-1"),
        ("drop_params", "\"false\""),
        ("messages", "\"hello\""),
        ("temperature", "\"warm\""),
        ("tools", "{}"),
    ] {
        let mut body = chat("echo-large");
        body[field] = serde_json::from_str(value).unwrap();
        let answer = Answer::of(proxy.post("/v1/chat/completions", &body)).await;
        assert_eq!(answer.openai_error().0, 400, "{field}");
        let error = answer.json();
        let param = error["error"]["param"].as_str().unwrap_or_default();
        assert!(param.starts_with(field), "{field}: {error}");
    }
    let mut body = message("echo-large");
    body["max_tokens"] = "many".into();
    let answer = Answer::of(proxy.post("/v1/messages", &body)).await;
    assert_eq!(answer.anthropic_error().0, 400);
    assert!(answer.message().contains("max_tokens"), "{}", answer.text);
}

#[tokio::test]
async fn a_missing_model_is_named() {
    let proxy = with_server("").await;
    for body in
        ["{\"messages\": []}", "{\"model\": null, \"messages\": []}", "{\"model\": \"\", \"messages\": []}"]
    {
        let answer = proxy.post_text("/v1/chat/completions", body).await;
        assert_eq!(answer.openai_error().2, "missing_required_parameter", "{body}");
        assert_eq!(answer.json()["error"]["param"], "model");
        assert_eq!(proxy.post_text("/v1/messages", body).await.anthropic_error().0, 400, "{body}");
    }
}

#[tokio::test]
async fn an_unknown_model_lists_close_names() {
    let proxy = with_server("").await;
    let answer = proxy.chat("echo-lagre").await;
    assert_eq!(answer.openai_error(), (404, "not_found_error".into(), "model_not_found".into()));
    assert!(answer.message().contains("echo-large"), "{}", answer.text);
    let answer = Answer::of(proxy.post("/v1/messages", &message("echo-lagre"))).await;
    assert_eq!(answer.anthropic_error(), (404, "not_found_error".into()));
    assert!(answer.message().contains("echo-large"), "{}", answer.text);
}

#[tokio::test]
async fn a_client_cannot_choose_where_its_request_goes_or_with_what_key() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = with_server("").await;
    for name in ["api_base", "base_url", "api_key", "api_version"] {
        let mut body = chat("echo-large");
        body[name] = upstream.url().into();
        let answer = Answer::of(proxy.post("/v1/chat/completions", &body)).await;
        assert_eq!(answer.openai_error().0, 400, "{name}");
        assert_eq!(answer.json()["error"]["param"], name);
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn a_body_that_stops_coming_gets_408() {
    let proxy = with_server("body_timeout: 50ms").await;
    let mut stream = TcpStream::connect(proxy.authority()).await.unwrap();
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{\"model\":";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("timeout_error"), "{answer}");
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let proxy = with_server("header_timeout: 50ms").await;
    for start in ["", "GET /health/liv", "GET / HTTP/1.1\r\nx-slow: "] {
        let mut stream = TcpStream::connect(proxy.authority()).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // Closed or reset; either way it ends.
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty(), "{start}: {}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(Answer::of(proxy.get("/health/liveness")).await.status, 200);
}

#[tokio::test]
async fn an_unused_connection_is_closed() {
    let proxy = with_server("idle_timeout: 50ms").await;
    let mut stream = TcpStream::connect(proxy.authority()).await.unwrap();
    stream.write_all(b"GET /health/liveness HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let proxy = with_server("max_connections: 1").await;
    let mut first = TcpStream::connect(proxy.authority()).await.unwrap();
    first.write_all(b"GET /health/liveness HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut start = [0; 12];
    first.read_exact(&mut start).await.unwrap();
    let mut second = TcpStream::connect(proxy.authority()).await.unwrap();
    second.write_all(b"GET /health/liveness HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    drop(first);
    let mut answer = Vec::new();
    second.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
}
