//! Paths that lead to servers of the operator's choice: `general_settings.pass_through_endpoints`.

use bytes::Bytes;
use llmux_testkit::{Answer as Scripted, ScriptedUpstream, answers};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::proxy::{Answer, Proxy, Setup};

const KEY: &str = "sk-gateway-key";

/// A proxy whose own paths are these entries.
async fn serving(entries: &[String]) -> Proxy {
    let entries: Vec<String> = entries.iter().map(|entry| format!("    - {{{entry}}}\n")).collect();
    let config =
        format!("general_settings:\n  master_key: {KEY}\n  pass_through_endpoints:\n{}", entries.concat());
    Setup::config(config).arg("--debug").env("TARGET_KEY", "sk-target").start().await
}

fn bearer(request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
    request.header("authorization", format!("Bearer {KEY}"))
}

#[tokio::test]
async fn a_path_leads_to_its_target_with_the_targets_own_headers() {
    let upstream = ScriptedUpstream::answering([Scripted::body("ok").with_header("x-own", "1")]).await;
    let url = upstream.url();
    let proxy = serving(&[
        format!(
            "path: /search, target: '{url}/v2/find?fixed=1', include_subpath: true, headers: {{authorization: Bearer \
             os.environ/TARGET_KEY, content-type: application/json}}, default_query_params: {{limit: 5}}"
        ),
        format!("path: /search/special, target: '{url}/special'"),
    ])
    .await;
    for (path, expected) in [
        ("/search", "/v2/find?fixed=1&limit=5"),
        ("/search/a/b?limit=7&fixed=2&key=sk-gateway-key", "/v2/find/a/b?fixed=1&limit=7"),
        ("/search/special", "/special"),
    ] {
        let request = bearer(proxy.client.post(format!("{}{path}", proxy.url)));
        let request = request.header("x-mine", "no").header("x-pass-x-wanted", "yes").body("\u{0}raw");
        let answer = Answer::of(request).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "ok"), "{path}");
        assert_eq!((answer.header("x-own"), answer.header("x-llmux-usage")), (Some("1"), Some("unknown")));
        let sent = upstream.requests().pop().unwrap();
        assert_eq!((sent.path.as_str(), sent.body.clone()), (expected, Bytes::from_static(b"\0raw")));
        assert_eq!(sent.headers["x-wanted"], "yes");
        assert!(!sent.headers.contains_key("x-mine") && !format!("{:?}", sent.headers).contains(KEY));
        if path != "/search/special" {
            assert_eq!(sent.headers["authorization"], "Bearer sk-target");
            assert_eq!(sent.headers["content-type"], "application/json");
        }
    }
    for path in ["/searching", "/search/%2e%2e/x", "/search//x"] {
        let answer = Answer::of(bearer(proxy.get(path))).await;
        assert!(answer.status.is_client_error(), "{path}");
    }
    assert_eq!(Answer::of(proxy.get("/search")).await.status, 401, "the gateway's key is asked for");
}

#[tokio::test]
async fn an_open_path_hands_the_clients_own_key_on_but_never_the_gateways() {
    let upstream = ScriptedUpstream::answering([Scripted::body("ok")]).await;
    let proxy = serving(&[format!(
        "path: /open, target: '{}', auth: false, forward_headers: true, methods: [get]",
        upstream.url()
    )])
    .await;
    let own = proxy.get("/open").header("authorization", "Bearer sk-clients-own").header("x-mine", "1");
    assert_eq!(Answer::of(own.header("cookie", "c")).await.status, 200);
    let sent = upstream.requests().pop().unwrap();
    assert_eq!(
        (&sent.headers["authorization"], &sent.headers["x-mine"]),
        (&"Bearer sk-clients-own".parse().unwrap(), &"1".parse().unwrap())
    );
    assert!(!sent.headers.contains_key("cookie"));
    assert_eq!(Answer::of(bearer(proxy.get("/open"))).await.status, 200);
    assert!(!upstream.requests().pop().unwrap().headers.contains_key("authorization"));
    let wrong = Answer::of(proxy.post("/open", &json!({}))).await;
    assert_eq!((wrong.status.as_u16(), wrong.header("allow")), (405, Some("GET")));
}

#[tokio::test]
async fn a_price_of_each_request_is_told_and_billed_for_successes_only() {
    let upstream = ScriptedUpstream::start().await;
    let url = upstream.url();
    let proxy = serving(&[
        format!("path: /fixed, target: '{url}', cost_per_request: 0.25"),
        format!("path: /wire, target: '{url}/v1/chat/completions', custom_llm_provider: openai"),
    ])
    .await;
    upstream.script([Scripted::body("ok")]);
    let fixed = Answer::of(bearer(proxy.get("/fixed")).header("x-litellm-call-id", "fixed-price")).await;
    assert_eq!(fixed.header("x-litellm-response-cost"), Some("0.25"));
    let log = proxy.wait_for_log("fixed-price").await;
    assert!(log.lines().any(|line| line.contains("fixed-price") && line.contains("cost=0.25")), "{log}");
    upstream.script([Scripted::body("no").with_status(500)]);
    assert_eq!(Answer::of(bearer(proxy.get("/fixed"))).await.header("x-litellm-response-cost"), None);
    upstream.script([Scripted::body("ok")
        .with_header("x-litellm-response-cost", "0.000415")
        .with_header("x-litellm-total-tokens", "1874")]);
    let told = Answer::of(bearer(proxy.get("/fixed")).header("x-litellm-call-id", "told-price")).await;
    assert_eq!(told.header("x-litellm-response-cost"), Some("0.000415"), "the target knows better");
    let log = proxy.wait_for_log("told-price").await;
    assert!(log.lines().any(|line| line.contains("told-price") && line.contains("input=1874")), "{log}");
    let usage = json!({"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18});
    upstream.script([Scripted::json(json!({"model": "gpt-4o-mini", "choices": [], "usage": usage}))]);
    let wire = Answer::of(bearer(proxy.post("/wire", &json!({})))).await;
    assert_eq!(wire.header("x-litellm-response-cost"), Some("0.00000585"));
    assert_eq!(
        (wire.header("x-llmux-usage"), wire.header("x-llmux-provider")),
        (Some("tracked"), Some("openai"))
    );
}

#[tokio::test]
async fn streams_pass_both_ways_and_time_is_limited() {
    let provider = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = provider.local_addr().unwrap();
    let proxy = serving(&[
        format!("path: /up, target: 'http://{target}/in', timeout: 100ms"),
        format!("path: /flow, target: 'http://{target}/in'"),
    ])
    .await;
    let slow = Answer::of(bearer(proxy.get("/up"))).await;
    assert_eq!(slow.status, 408, "{}", slow.text);
    drop(provider.accept().await.unwrap());
    let mut client = TcpStream::connect(proxy.authority()).await.unwrap();
    let head = format!(
        "POST /flow HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {KEY}\r\n\
         content-type: multipart/form-data; boundary=b\r\ncontent-length: 10\r\n\r\nfirst"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let (mut upstream, _) = provider.accept().await.unwrap();
    let seen = read_until(&mut upstream, "first").await;
    assert!(seen.starts_with("POST /in ") && seen.contains("multipart/form-data; boundary=b"), "{seen}");
    client.write_all(b"later").await.unwrap();
    read_until(&mut upstream, "later").await;
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 6\r\n\r\none";
    upstream.write_all(head).await.unwrap();
    read_until(&mut client, "one").await;
    upstream.write_all(b"two").await.unwrap();
    read_until(&mut client, "two").await;
}

async fn read_until(socket: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.ends_with(end) {
        let count = socket.read(&mut buffer).await.unwrap();
        assert!(count > 0, "the connection closed after: {text}");
        text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
    }
    text
}

#[tokio::test]
async fn langfuses_keys_become_what_langfuse_wants() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("x")]).await;
    let proxy = serving(&[format!(
        "path: /api/public/ingestion, target: '{}', headers: {{LANGFUSE_PUBLIC_KEY: pk, LANGFUSE_SECRET_KEY: sk}}",
        upstream.url()
    )])
    .await;
    Answer::of(bearer(proxy.post("/api/public/ingestion", &json!({})))).await;
    let sent = upstream.requests().pop().unwrap();
    assert_eq!(sent.headers["authorization"], "Basic cGs6c2s=");
    assert!(!sent.headers.contains_key("langfuse_public_key"));
}

#[tokio::test]
async fn a_path_that_the_gateway_serves_itself_is_doubted_at_the_start() {
    let proxy = serving(&["path: /v1/rerank, target: 'http://127.0.0.1:9'".to_owned()]).await;
    let log = proxy.wait_for_log("pass_through_endpoints[0]").await;
    assert!(log.contains("the gateway serves `/v1/rerank` itself"), "{log}");
}
