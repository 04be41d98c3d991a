//! HTTP/1.1, HTTP/2 and TLS.

use llmux_testkit::{ScriptedUpstream, answers};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::{Certificate, Client, Version};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::proxy::{Answer, Proxy, Setup, chat, streamed};

const CONFIG: &str = "model_list: [{model_name: echo, litellm_params: {model: llmux/echo}}]\n";

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let proxy = Setup::config(CONFIG).start().await;
    let mut stream = TcpStream::connect(proxy.authority()).await.unwrap();
    let body = chat("echo").to_string();
    let post = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let last = "GET /health/liveness HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    // All at once: answers keep the order of the requests.
    stream.write_all(format!("{post}{post}{last}").as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 3, "{text}");
    assert_eq!(text.matches("chat.completion").count(), 2, "{text}");
    assert!(text.ends_with("\"I'm alive!\""), "{text}");
}

#[tokio::test]
async fn http_1_0_is_answered_too() {
    let proxy = Setup::config(CONFIG).start().await;
    let mut stream = TcpStream::connect(proxy.authority()).await.unwrap();
    stream.write_all(b"GET /health/liveness HTTP/1.0\r\n\r\n").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.0 200 OK"), "{text}");
}

/// Many requests at once, streams among them, over whatever the client speaks.
async fn many_at_once(proxy: &Proxy, version: Version) {
    let requests = (0..40).map(|at| async move {
        let body = if at % 2 == 0 { chat("echo") } else { streamed("echo") };
        let response = proxy.post("/v1/chat/completions", &body).send().await.unwrap();
        assert_eq!(response.version(), version);
        let answer = Answer::read(response).await;
        assert_eq!(answer.status, 200);
        assert!(answer.text.contains("Hello") || answer.said().contains("Hello"), "{}", answer.text);
    });
    futures::future::join_all(requests).await;
}

#[tokio::test]
async fn http_2_in_clear_text_carries_many_requests_at_once() {
    let mut proxy = Setup::config(CONFIG).start().await;
    proxy.client = Client::builder().http2_prior_knowledge().build().unwrap();
    many_at_once(&proxy, Version::HTTP_2).await;
}

#[tokio::test]
async fn http_1_1_carries_many_requests_at_once() {
    let proxy = Setup::config(CONFIG).start().await;
    many_at_once(&proxy, Version::HTTP_11).await;
}

/// A certificate for 127.0.0.1 in PEM, and its key.
fn certificate() -> (String, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    (cert.pem(), signing_key.serialize_pem())
}

fn trusting(pem: &str) -> reqwest::ClientBuilder {
    Client::builder().tls_certs_only([Certificate::from_pem(pem.as_bytes()).unwrap()])
}

#[tokio::test]
async fn tls_serves_http_2_and_http_1_1() {
    let (cert, key) = certificate();
    let config = format!("{CONFIG}server: {{tls: {{cert_file: cert.pem, key_file: key.pem}}}}\n");
    let mut proxy = Setup::config(config).file("cert.pem", cert.clone()).file("key.pem", key).start().await;
    assert!(proxy.url.starts_with("https://"), "{}", proxy.url);
    proxy.client = trusting(&cert).build().unwrap();
    many_at_once(&proxy, Version::HTTP_2).await;
    proxy.client = trusting(&cert).http1_only().build().unwrap();
    many_at_once(&proxy, Version::HTTP_11).await;
}

#[tokio::test]
async fn a_renewed_certificate_is_used_after_sighup() {
    let ((old, old_key), (new, new_key)) = (certificate(), certificate());
    let mut proxy = Setup::config(CONFIG)
        .file("cert.pem", old)
        .file("key.pem", old_key)
        .args(["--tls-cert", "cert.pem", "--tls-key", "key.pem"])
        .start()
        .await;
    proxy.write("cert.pem", "no certificate");
    proxy.signal("HUP").await;
    proxy.wait_for_log("the certificate was not reloaded").await;
    proxy.write("cert.pem", &new);
    proxy.write("key.pem", &new_key);
    proxy.signal("HUP").await;
    proxy.wait_for_log_times("configuration reloaded", 2).await;
    proxy.client = trusting(&new).build().unwrap();
    assert_eq!(Answer::of(proxy.get("/health/liveness")).await.status, 200);
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_ends_the_start_with_the_file_named() {
    let (cert, _) = certificate();
    let (_, other_key) = certificate();
    let tls = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    let refused =
        Setup::config(CONFIG).args(tls).file("cert.pem", cert).file("key.pem", other_key).run().await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.err.contains("key.pem") && !refused.err.contains("BEGIN"), "{}", refused.err);
}

#[tokio::test]
async fn the_way_to_the_provider_is_kept_open_between_requests() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("hi")]).await;
    let proxy = Proxy::openai(&upstream.url()).await;
    for _ in 0..5 {
        assert_eq!(proxy.chat("model").await.status, 200);
    }
    assert_eq!(upstream.accepted_connections(), 1);
}
