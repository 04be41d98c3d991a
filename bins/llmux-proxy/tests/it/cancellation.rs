//! Clients that go away.

use llmux_testkit::{Answer as Scripted, ScriptedUpstream, answers};
use serde_json::Value;

use crate::proxy::{Proxy, chat, message, streamed};

/// Asks, and goes away once the provider has the request.
async fn leave_early(proxy: &Proxy, upstream: &ScriptedUpstream, path: &str, body: &Value) {
    let count = upstream.requests().len();
    let request = tokio::spawn(proxy.post(path, body).send());
    upstream.wait_for_requests(count + 1).await;
    request.abort();
}

#[tokio::test]
async fn a_client_that_leaves_before_the_first_byte_ends_the_upstream_request() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let cases = [
        ("/v1/chat/completions", chat("model"), Scripted::never()),
        ("/v1/chat/completions", streamed("model"), Scripted::never()),
        ("/v1/messages", message("model"), Scripted::never()),
        ("/v1/chat/completions", chat("model"), answers::openai_chat("hi").stall_after(0)),
        ("/v1/chat/completions", streamed("model"), answers::openai_stream(&["a"]).stall_after(0)),
    ];
    for (at, (path, body, answer)) in cases.into_iter().enumerate() {
        upstream.script([answer]);
        leave_early(&proxy, &upstream, path, &body).await;
        upstream.wait_for_disconnects(at + 1).await;
    }
    proxy.wait_for_log_times("client_closed", 5).await;
}

#[tokio::test]
async fn a_client_that_leaves_during_a_stream_ends_the_upstream_request() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let mut anthropic = message("model");
    anthropic["stream"] = true.into();
    let cases = [("/v1/chat/completions", streamed("model")), ("/v1/messages", anthropic)];
    for (at, (path, body)) in cases.into_iter().enumerate() {
        upstream.script([answers::openai_stream(&["a", "b"]).stall_after(2)]);
        let mut response = proxy.post(path, &body).send().await.unwrap();
        assert!(response.chunk().await.unwrap().is_some());
        drop(response);
        upstream.wait_for_disconnects(at + 1).await;
    }
    proxy.wait_for_log_times("client_closed", 2).await;
}

#[tokio::test]
async fn over_http2_leaving_ends_only_the_one_request() {
    let upstream = ScriptedUpstream::answering([answers::openai_stream(&["a", "b"]).stall_after(1)]).await;
    let mut proxy = Proxy::openai(&upstream.url()).await;
    proxy.client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let body = streamed("model");
    let ask = || proxy.post("/v1/chat/completions", &body).send();
    let (mut stays, leaves) = (ask().await.unwrap(), ask().await.unwrap());
    assert!(stays.chunk().await.unwrap().is_some());
    drop(leaves);
    upstream.wait_for_disconnect().await;
    assert_eq!(upstream.open_connections(), 1);
    drop(stays);
    upstream.wait_for_disconnects(2).await;
}

/// Whatever ends a request, one line accounts for it: no more, no less.
#[tokio::test]
async fn pain_09_18_each_request_is_settled_exactly_once() {
    let upstream = ScriptedUpstream::start().await;
    let config = crate::proxy::openai_config(&upstream.url());
    let proxy = crate::proxy::Setup::config(config).arg("--debug").start().await;
    let ask = |id: &str, body: &Value| {
        proxy.post("/v1/chat/completions", body).header("x-litellm-call-id", id.to_owned())
    };
    upstream.script([answers::openai_chat("hi")]);
    ask("settle-whole", &chat("model")).send().await.unwrap().bytes().await.unwrap();
    upstream.script([answers::openai_stream(&["a"])]);
    ask("settle-stream", &streamed("model")).send().await.unwrap().bytes().await.unwrap();
    upstream.script([answers::openai_error(500, "e", "m")]);
    ask("settle-error", &chat("model")).send().await.unwrap().bytes().await.unwrap();
    upstream.script([answers::openai_stream(&["a", "b"]).reset_mid_stream(2)]);
    ask("settle-broken", &streamed("model")).send().await.unwrap().bytes().await.unwrap();
    upstream.script([answers::openai_stream(&["a", "b"]).stall_after(2)]);
    let mut response = ask("settle-left", &streamed("model")).send().await.unwrap();
    response.chunk().await.unwrap();
    drop(response);
    upstream.wait_for_disconnect().await;
    proxy.signal("TERM").await;
    let log = proxy.ended().await.err;
    for (id, outcome) in [
        ("settle-whole", "ok"),
        ("settle-stream", "ok"),
        ("settle-error", "refused"),
        ("settle-broken", "broken"),
        ("settle-left", "client_closed"),
    ] {
        let lines: Vec<_> =
            log.lines().filter(|line| line.contains(id) && line.contains("outcome=")).collect();
        assert_eq!(lines.len(), 1, "{id}: {lines:#?}");
        assert!(lines[0].contains(&format!("outcome=\"{outcome}\"")), "{}", lines[0]);
    }
    let usage = log.lines().find(|line| line.contains("settle-stream") && line.contains("outcome=")).unwrap();
    assert!(usage.contains("input=11") && usage.contains("output=7"), "{usage}");
}
