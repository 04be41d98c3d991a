//! Parameters and headers that are for the gateway, and headers that it answers with.

use std::time::Duration;

use llmux_testkit::{Answer as Scripted, ScriptedUpstream, answers};
use serde_json::json;

use crate::proxy::{Answer, Proxy, Setup, chat, message, streamed};

/// Two deployments of `model` at one provider, the first one always first; no pause between attempts.
async fn two(upstream: &ScriptedUpstream) -> Proxy {
    let url = upstream.url();
    Setup::config(format!(
        "model_list:
  - model_name: model
    litellm_params: {{model: openai/one, api_key: k, api_base: '{url}/v1', weight: 1}}
    model_info: {{id: first}}
  - model_name: model
    litellm_params: {{model: openai/two, api_key: k, api_base: '{url}/v1', weight: 0}}
    model_info: {{id: second}}
"
    ))
    .start()
    .await
}

#[tokio::test]
async fn a_request_may_set_its_own_timeout_by_body_and_by_header() {
    let upstream = ScriptedUpstream::answering([Scripted::never()]).await;
    let proxy = Proxy::openai(&upstream.url()).await;
    for field in ["timeout", "request_timeout"] {
        let mut body = chat("model");
        body[field] = 0.05.into();
        let answer = Answer::of(proxy.post("/v1/chat/completions", &body)).await;
        assert_eq!(answer.openai_error().1, "timeout_error", "{field}");
        let sent = upstream.requests().pop().unwrap().json();
        assert!(sent.get(field).is_none(), "{field} is none of the provider's business");
    }
    let request = proxy.post("/v1/chat/completions", &chat("model")).header("x-litellm-timeout", "0.05");
    assert_eq!(Answer::of(request).await.openai_error().0, 408);
    let request =
        proxy.post("/v1/chat/completions", &streamed("model")).header("x-litellm-stream-timeout", "0.05");
    assert_eq!(Answer::of(request).await.openai_error().0, 408);
    for wrong in ["soon", "-1", "0", "nan", "inf"] {
        let request = proxy.post("/v1/chat/completions", &chat("model")).header("x-litellm-timeout", wrong);
        assert_eq!(Answer::of(request).await.openai_error().0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_request_may_set_its_own_number_of_retries_by_body_and_by_header() {
    let upstream = ScriptedUpstream::answering([answers::openai_error(503, "server_error", "busy")]).await;
    let proxy = two(&upstream).await;
    let mut body = chat("model");
    body["num_retries"] = 0.into();
    let answer = Answer::of(proxy.post("/v1/chat/completions", &body)).await;
    assert_eq!(answer.header("x-litellm-attempted-retries"), Some("0"));
    assert_eq!(upstream.requests().len(), 1);
    assert!(upstream.requests()[0].json().get("num_retries").is_none());
    let request = proxy.post("/v1/chat/completions", &body).header("x-litellm-num-retries", "1");
    let answer = Answer::of(request).await;
    assert_eq!(answer.header("x-litellm-attempted-retries"), Some("1"));
    assert_eq!(answer.header("x-litellm-model-id"), Some("second"));
    assert_eq!(upstream.requests().len(), 3);
}

#[tokio::test]
async fn pain_29_what_a_provider_cannot_carry_is_refused_by_name_or_dropped_and_listed() {
    let upstream = ScriptedUpstream::answering([answers::anthropic_message("hi")]).await;
    let config = format!(
        "model_list:
  - {{model_name: claude, litellm_params: {{model: anthropic/c, api_key: k, api_base: '{}'}}}}\n",
        upstream.url()
    );
    let proxy = Setup::config(config).start().await;
    let mut body = chat("claude");
    body["logit_bias"] = json!({"50256": -100});
    let refused = Answer::of(proxy.post("/v1/chat/completions", &body)).await;
    assert_eq!(refused.openai_error(), (400, "invalid_request_error".into(), "unsupported_parameter".into()));
    assert_eq!(refused.json()["error"]["param"], "logit_bias");
    assert!(upstream.requests().is_empty());
    body["drop_params"] = true.into();
    let dropped = Answer::of(proxy.post("/v1/chat/completions", &body)).await;
    assert_eq!(dropped.status, 200, "{}", dropped.text);
    assert_eq!(dropped.header("x-llmux-dropped-params"), Some("logit_bias"));
    body["drop_params"] = "false".into();
    let strict = Answer::of(proxy.post("/v1/chat/completions", &body)).await;
    assert_eq!(strict.json()["error"]["param"], "drop_params", "a word is no truth value");
}

#[tokio::test]
async fn the_callers_own_identifier_is_echoed_and_another_one_is_made_up() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("hi")]).await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let request = proxy.post("/v1/chat/completions", &chat("model")).header("x-litellm-call-id", "my-call-1");
    let answer = Answer::of(request).await;
    assert_eq!(answer.header("x-litellm-call-id"), Some("my-call-1"));
    assert_eq!(answer.header("x-request-id"), Some("my-call-1"));
    let long = "x".repeat(257);
    for odd in [long.as_str(), "two words", ""] {
        let request = proxy.post("/v1/chat/completions", &chat("model")).header("x-litellm-call-id", odd);
        let answer = Answer::of(request).await;
        assert_eq!(answer.header("x-litellm-call-id").map(str::len), Some(36), "{odd}");
    }
    let refused =
        Answer::of(proxy.post("/v1/messages", &message("none")).header("x-litellm-call-id", "my-2")).await;
    assert_eq!((refused.status.as_u16(), refused.header("request-id")), (404, Some("my-2")));
}

#[tokio::test]
async fn an_answer_says_who_gave_it_after_how_many_attempts_and_keeps_the_providers_headers() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = two(&upstream).await;
    for body in [chat("model"), streamed("model")] {
        let good = if body.get("stream").is_some() {
            answers::openai_stream(&["a"])
        } else {
            answers::openai_chat("a")
        };
        let good = good.with_header("x-ratelimit-remaining-tokens", "7").with_header("set-cookie", "a=b");
        upstream.script([answers::openai_error(500, "server_error", "broken"), good]);
        let answer = Answer::of(proxy.post("/v1/chat/completions", &body)).await;
        assert_eq!(answer.status, 200);
        for (name, value) in [
            ("x-litellm-model-id", "second"),
            ("x-litellm-model-group", "model"),
            ("x-litellm-attempted-retries", "1"),
            ("x-llmux-provider", "openai"),
            ("x-litellm-model-api-base", &format!("{}/v1", upstream.url())),
            ("llm_provider-x-ratelimit-remaining-tokens", "7"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name}");
        }
        assert!(answer.header("x-litellm-response-duration-ms").unwrap().parse::<u64>().is_ok());
        assert!(answer.header("x-litellm-version").is_some());
        assert!(answer.header("llm_provider-set-cookie").is_none() && answer.header("set-cookie").is_none());
        assert!(answer.header("llm_provider-content-length").is_none());
    }
}

#[tokio::test]
async fn a_rate_limit_says_how_long_to_wait_in_both_dialects() {
    let limit =
        answers::openai_error(429, "rate_limit_error", "slow down").with_header("retry-after", "1200");
    let upstream = ScriptedUpstream::answering([limit]).await;
    let proxy = Proxy::openai(&upstream.url()).await;
    for (path, body) in [("/v1/chat/completions", chat("model")), ("/v1/messages", message("model"))] {
        let answer = Answer::of(proxy.post(path, &body)).await;
        assert_eq!(answer.status, 429);
        assert_eq!(answer.header("retry-after"), Some("1200"));
        assert!(answer.message().contains("slow down"));
        assert_eq!(answer.header("x-litellm-model-id"), Some("first"));
    }
    let soon = answers::openai_error(429, "rate_limit_error", "x").with_header("retry-after-ms", "1500");
    upstream.script([soon]);
    assert_eq!(proxy.chat("model").await.header("retry-after"), Some("2"), "never earlier than asked");
}

#[tokio::test]
async fn a_deployments_own_timeouts_hold() {
    let upstream = ScriptedUpstream::answering([answers::openai_stream(&["a", "b"]).stall_after(1)]).await;
    let url = upstream.url();
    let config = format!(
        "model_list:
  - {{model_name: model, litellm_params: {{model: openai/m, api_key: k, api_base: '{url}/v1', idle_timeout: 50ms}}}}
router_settings: {{num_retries: 0}}
"
    );
    let proxy = Setup::config(config).start().await;
    let answer =
        Answer::of(proxy.post("/v1/chat/completions", &streamed("model")).timeout(Duration::from_secs(20)))
            .await;
    let last = answer.events().pop().unwrap();
    assert!(last.contains("\"error\"") && last.contains("timeout"), "{}", answer.text);
}
