//! Faults of a provider, as clients of either dialect see them.

use std::time::Duration;

use llmux_testkit::{Answer as Scripted, ClosedPort, ScriptedUpstream, answers};
use serde_json::Value;

use crate::proxy::{Answer, Proxy, Setup, chat, message, openai_config, streamed};

struct Fault {
    name: &'static str,
    answer: Scripted,
    status: u16,
    openai: &'static str,
    anthropic: &'static str,
}

fn fault(
    name: &'static str,
    answer: Scripted,
    status: u16,
    openai: &'static str,
    anthropic: &'static str,
) -> Fault {
    Fault { name, answer, status, openai, anthropic }
}

fn said(status: u16) -> Scripted {
    answers::openai_error(status, "whatever_error", "what the provider says")
}

fn table() -> Vec<Fault> {
    let whole = answers::openai_chat("hi");
    let same = |status, openai, anthropic| fault("status", said(status), status, openai, anthropic);
    let other = |name, answer, status, openai| fault(name, answer, status, openai, "api_error");
    vec![
        same(400, "invalid_request_error", "invalid_request_error"),
        same(401, "authentication_error", "authentication_error"),
        same(403, "permission_error", "permission_error"),
        same(404, "not_found_error", "not_found_error"),
        same(408, "timeout_error", "timeout_error"),
        same(413, "invalid_request_error", "request_too_large"),
        same(429, "rate_limit_error", "rate_limit_error"),
        same(500, "server_error", "api_error"),
        same(503, "service_unavailable_error", "overloaded_error"),
        same(529, "service_unavailable_error", "overloaded_error"),
        other("reset", Scripted::reset(), 502, "api_connection_error"),
        other("close", Scripted::close(), 502, "api_connection_error"),
        other("not HTTP", Scripted::not_http(), 502, "api_connection_error"),
        other("reset mid-body", whole.clone().reset_mid_body(20), 502, "api_connection_error"),
        other("close mid-body", whole.clone().close_mid_body(20), 502, "api_connection_error"),
        other("garbage", Scripted::garbage(), 502, "server_error"),
        other("web page", Scripted::html_error(502), 502, "server_error"),
        other("web page with 200", Scripted::html_error(200), 502, "server_error"),
        other("empty", Scripted::empty(), 502, "server_error"),
        other("oversized", Scripted::oversized(2 << 20), 502, "server_error"),
        fault("never", Scripted::never(), 408, "timeout_error", "timeout_error"),
        fault(
            "one byte a time",
            whole.drip(Duration::from_millis(20)),
            408,
            "timeout_error",
            "timeout_error",
        ),
    ]
}

/// One deployment, answers of at most a megabyte.
async fn limited(upstream: &ScriptedUpstream) -> Proxy {
    let config = openai_config(&upstream.url());
    Setup::config(format!("{config}general_settings: {{max_response_size_mb: 1}}\n")).start().await
}

fn hurried(mut body: Value) -> Value {
    body["timeout"] = 0.3.into();
    body
}

fn check_openai(fault: &Fault, answer: &Answer) {
    let (status, kind, code) = answer.openai_error();
    assert_eq!((status, kind.as_str()), (fault.status, fault.openai), "{}: {}", fault.name, answer.text);
    assert_eq!(code, fault.status.to_string(), "{}: {}", fault.name, answer.text);
    check(fault, answer);
}

fn check(fault: &Fault, answer: &Answer) {
    assert!(!answer.text.contains("sk-up"), "{}: {}", fault.name, answer.text);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-litellm-model-id"), Some("first"), "{}", fault.name);
    assert!(answer.header("x-litellm-call-id").is_some());
    if fault.name == "status" {
        assert!(answer.message().contains("what the provider says"), "{}", answer.text);
    }
}

#[tokio::test]
async fn each_fault_gives_openais_sdk_the_error_it_expects() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = limited(&upstream).await;
    for fault in table() {
        upstream.script([fault.answer.clone()]);
        let answer = Answer::of(proxy.post("/v1/chat/completions", &hurried(chat("model")))).await;
        check_openai(&fault, &answer);
    }
}

#[tokio::test]
async fn each_fault_gives_anthropics_sdk_the_error_it_expects() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = limited(&upstream).await;
    for fault in table() {
        upstream.script([fault.answer.clone()]);
        let answer = Answer::of(proxy.post("/v1/messages", &hurried(message("model")))).await;
        let expected = (fault.status, fault.anthropic.to_owned());
        assert_eq!(answer.anthropic_error(), expected, "{}: {}", fault.name, answer.text);
        check(&fault, &answer);
    }
}

/// A fault before the first event has its status, as without a stream.
#[tokio::test]
async fn pain_22_a_fault_in_place_of_a_stream_has_its_own_status() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = limited(&upstream).await;
    for fault in table().into_iter().filter(|fault| fault.name != "oversized") {
        upstream.script([fault.answer.clone()]);
        let answer = Answer::of(proxy.post("/v1/chat/completions", &hurried(streamed("model")))).await;
        check_openai(&fault, &answer);
    }
}

#[tokio::test]
async fn a_provider_that_refuses_connections_is_told_apart() {
    let closed = ClosedPort::new();
    let proxy = Proxy::openai(&closed.url()).await;
    let answer = proxy.chat("model").await;
    assert_eq!(answer.openai_error(), (502, "api_connection_error".into(), "502".into()));
    let answer = Answer::of(proxy.post("/v1/messages", &message("model"))).await;
    assert_eq!(answer.anthropic_error(), (502, "api_error".into()));
}

#[tokio::test]
async fn gzip_and_a_wrong_content_type_do_no_harm() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let whole = answers::openai_chat("hi");
    for answer in [whole.clone().gzip(), whole.wrong_content_type()] {
        upstream.script([answer]);
        assert_eq!(proxy.chat("model").await.json()["choices"][0]["message"]["content"], "hi");
    }
    let stream = answers::openai_stream(&["a", "b"]);
    for answer in [stream.clone().gzip(), stream] {
        upstream.script([answer]);
        let answer = Answer::of(proxy.post("/v1/chat/completions", &streamed("model"))).await;
        assert_eq!(answer.said(), "ab", "{}", answer.text);
    }
}

/// Two deployments: the first fails, the second answers.
async fn with_reserve(first: &ScriptedUpstream, second: &ScriptedUpstream) -> Proxy {
    let deployment = |url: String, id: &str, order: u8| {
        format!(
            "  - model_name: model\n    litellm_params: {{model: openai/m, api_key: k, api_base: '{url}/v1', \
             order: {order}}}\n    model_info: {{id: {id}}}\n"
        )
    };
    Setup::config(format!(
        "general_settings: {{max_response_size_mb: 1}}\nmodel_list:\n{}{}",
        deployment(first.url(), "first", 1),
        deployment(second.url(), "second", 2)
    ))
    .start()
    .await
}

#[tokio::test]
async fn pain_22_a_second_deployment_hides_a_fault_from_whole_answers_and_streams() {
    let (first, second) = (ScriptedUpstream::start().await, ScriptedUpstream::start().await);
    let proxy = with_reserve(&first, &second).await;
    for fault in table() {
        // These are the request's own fault, or would take the whole time of the call.
        if [400, 413].contains(&fault.status) || ["never", "one byte a time"].contains(&fault.name) {
            continue;
        }
        for (body, good) in [
            (chat("model"), answers::openai_chat("hi")),
            (streamed("model"), answers::openai_stream(&["hi"])),
        ] {
            first.script([fault.answer.clone()]);
            second.script([good]);
            let answer = Answer::of(proxy.post("/v1/chat/completions", &body)).await;
            assert_eq!(answer.status, 200, "{}: {}", fault.name, answer.text);
            assert_eq!(answer.header("x-litellm-model-id"), Some("second"), "{}", fault.name);
            assert!(answer.text.contains("\"hi\""), "{}: {}", fault.name, answer.text);
        }
    }
}

/// Some hosts begin a stream with success and then say that they cannot.
#[tokio::test]
async fn pain_22_an_error_in_place_of_the_first_event_is_tried_elsewhere() {
    let error = "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\",\"code\":503}}\n\n";
    let first = ScriptedUpstream::answering([Scripted::sse([error])]).await;
    let second = ScriptedUpstream::answering([answers::openai_stream(&["hi"])]).await;
    let proxy = with_reserve(&first, &second).await;
    let answer = Answer::of(proxy.post("/v1/chat/completions", &streamed("model"))).await;
    assert_eq!((answer.status.as_u16(), answer.said().as_str()), (200, "hi"), "{}", answer.text);
    let alone = Proxy::openai(&first.url()).await;
    let answer = Answer::of(alone.post("/v1/chat/completions", &streamed("model"))).await;
    assert_eq!(answer.openai_error().0, 503);
}

#[tokio::test]
async fn a_mistake_of_the_client_is_not_tried_elsewhere() {
    let (first, second) = (ScriptedUpstream::answering([said(400)]).await, ScriptedUpstream::start().await);
    let proxy = with_reserve(&first, &second).await;
    assert_eq!(proxy.chat("model").await.status, 400);
    assert_eq!((first.requests().len(), second.requests().len()), (1, 0));
}

/// After the first event nothing can be tried again: the stream ends with an error that the client's SDK raises.
#[tokio::test]
async fn pain_23_a_stream_that_breaks_off_ends_with_an_error() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let stream = answers::openai_stream(&["a", "b", "c"]);
    let length = stream.bytes().len();
    for broken in [stream.clone().reset_mid_stream(2), stream.clone().close_mid_body(length / 2)] {
        upstream.script([broken.clone()]);
        let answer = Answer::of(proxy.post("/v1/chat/completions", &streamed("model"))).await;
        assert_eq!(answer.status, 200);
        let events = answer.events();
        let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
        assert!(last["error"]["message"].is_string() && last["error"]["type"].is_string(), "{}", answer.text);
        assert!(!events.contains(&"[DONE]"), "{}", answer.text);
        upstream.script([broken]);
        let mut body = message("model");
        body["stream"] = true.into();
        let answer = Answer::of(proxy.post("/v1/messages", &body)).await;
        assert!(answer.text.contains("event: error\n"), "{}", answer.text);
        assert!(!answer.text.contains("message_stop"), "{}", answer.text);
    }
}

#[tokio::test]
async fn pain_23_a_stream_without_its_proper_end_is_no_success() {
    let stream = answers::openai_stream(&["a", "b"]);
    let text = String::from_utf8(stream.bytes().to_vec()).unwrap();
    // Neither a finish reason nor `[DONE]`, yet closed in good order.
    let cut: Vec<_> = text.split_inclusive("\n\n").take(2).map(str::to_owned).collect();
    let upstream = ScriptedUpstream::answering([Scripted::sse(cut)]).await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let answer = Answer::of(proxy.post("/v1/chat/completions", &streamed("model"))).await;
    assert!(answer.text.contains("\"error\""), "{}", answer.text);
    proxy.wait_for_log("request not completed").await;
}

#[tokio::test]
async fn pain_23_an_error_inside_a_stream_reaches_the_client_as_an_error() {
    let first = answers::openai_stream(&["a"]);
    let text = String::from_utf8(first.bytes().to_vec()).unwrap();
    let mut frames: Vec<_> = text.split_inclusive("\n\n").take(2).map(str::to_owned).collect();
    frames.push(
        "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\",\"code\":503}}\n\n".into(),
    );
    let upstream = ScriptedUpstream::answering([Scripted::sse(frames)]).await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let answer = Answer::of(proxy.post("/v1/chat/completions", &streamed("model"))).await;
    assert!(answer.text.contains("overloaded") && !answer.text.contains("[DONE]"), "{}", answer.text);
    let mut body = message("model");
    body["stream"] = true.into();
    let answer = Answer::of(proxy.post("/v1/messages", &body)).await;
    assert!(answer.text.contains("event: error\n") && answer.text.contains("overloaded"), "{}", answer.text);
}
