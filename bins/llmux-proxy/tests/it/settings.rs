//! Settings of the whole gateway.

use llmux_testkit::{ScriptedUpstream, answers};
use serde_json::json;

use crate::proxy::{Answer, Proxy, Setup, chat, message, openai_config, streamed};

async fn with_general(upstream: &ScriptedUpstream, settings: &str) -> Proxy {
    Setup::config(format!("{}general_settings: {{{settings}}}\n", openai_config(&upstream.url())))
        .start()
        .await
}

#[tokio::test]
async fn one_model_may_serve_every_chat() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("hi")]).await;
    let proxy = with_general(&upstream, "completion_model: model").await;
    assert_eq!(proxy.chat("anything").await.status, 200);
    assert_eq!(Answer::of(proxy.post("/v1/messages", &message("anything"))).await.status, 200);
    assert_eq!(proxy.post_text("/v1/chat/completions", "{\"messages\":[]}").await.status, 200);
    assert!(upstream.requests().iter().all(|asked| asked.json()["model"] == "gpt-up"));
    let embed = Answer::of(proxy.post("/v1/embeddings", &json!({"model": "anything", "input": "a"}))).await;
    assert_eq!(embed.status, 404);
}

#[tokio::test]
async fn streams_may_always_end_with_usage() {
    let upstream = ScriptedUpstream::answering([answers::openai_stream(&["a"])]).await;
    let proxy = with_general(&upstream, "always_include_stream_usage: true").await;
    let mut refused = streamed("model");
    refused["stream_options"] = json!({"include_usage": false});
    for body in [streamed("model"), refused] {
        let answer = Answer::of(proxy.post("/v1/chat/completions", &body)).await;
        assert!(answer.text.contains("\"prompt_tokens\":11"), "{}", answer.text);
    }
    let mut wrong = streamed("model");
    wrong["stream_options"] = "yes".into();
    let answer = Answer::of(proxy.post("/v1/chat/completions", &wrong)).await;
    assert_eq!(answer.json()["error"]["param"], "stream_options");
}

#[tokio::test]
async fn errors_may_name_the_call_in_their_body() {
    let upstream =
        ScriptedUpstream::answering([answers::openai_error(400, "invalid_request_error", "no")]).await;
    let proxy = with_general(&upstream, "include_call_id_in_error_body: true").await;
    for (path, body) in [
        ("/v1/chat/completions", chat("model")),
        ("/v1/chat/completions", chat("unknown")),
        ("/v1/messages", message("model")),
    ] {
        let answer = Answer::of(proxy.post(path, &body).header("x-litellm-call-id", "call-7")).await;
        assert_eq!(answer.json()["error"]["litellm_call_id"], "call-7", "{path}: {}", answer.text);
    }
    let quiet = Proxy::openai(&upstream.url()).await;
    assert!(!quiet.chat("model").await.text.contains("call_id"));
}

#[tokio::test]
async fn a_canned_answer_calls_nobody() {
    let config = "model_list:
  - {model_name: canned, litellm_params: {model: openai/gpt, mock_response: 'as written'}}
  - {model_name: broken, litellm_params: {model: openai/gpt, mock_response: litellm.RateLimitError}}
router_settings: {num_retries: 0}
";
    let proxy = Setup::config(config).start().await;
    assert_eq!(proxy.chat("canned").await.json()["choices"][0]["message"]["content"], "as written");
    assert_eq!(proxy.chat("broken").await.openai_error().0, 429);
}

#[tokio::test]
async fn a_clients_own_headers_are_handed_on_when_that_is_wanted() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("hi")]).await;
    let url = upstream.url();
    let config = |forward| {
        format!(
            "model_list:
  - model_name: model
    litellm_params: {{model: openai/m, api_key: k, api_base: '{url}/v1', extra_headers: {{x-tenant: ours}}}}
general_settings: {{forward_client_headers_to_llm_api: {forward}, litellm_key_header_name: x-my-key, \
             master_key: sk-master-key}}
"
        )
    };
    for (forward, trace, tenant) in [(true, Some("t-1"), Some("ours")), (false, None, Some("ours"))] {
        let proxy = Setup::config(config(forward)).start().await;
        let request = proxy
            .post("/v1/chat/completions", &chat("model"))
            .header("x-my-key", "sk-master-key")
            .header("x-api-key", "sk-master-key")
            .header("x-trace", "t-1")
            .header("x-tenant", "theirs")
            .header("x-litellm-tags", "a")
            .header("cookie", "a=b");
        assert_eq!(Answer::of(request).await.status, 200);
        let asked = upstream.requests().pop().unwrap();
        assert_eq!((asked.header("x-trace"), asked.header("x-tenant")), (trace, tenant));
        for kept in ["x-my-key", "x-api-key", "x-litellm-tags", "cookie"] {
            assert_eq!(asked.header(kept), None, "{kept}");
        }
        assert_eq!(asked.header("authorization"), Some("Bearer k"));
    }
}

/// Whether to stream is known before a deployment is chosen.
#[tokio::test]
async fn a_deployment_does_not_decide_whether_an_answer_is_streamed() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("hi")]).await;
    let url = upstream.url();
    let config = format!(
        "model_list:
  - {{model_name: model, litellm_params: {{model: openai/m, api_key: k, api_base: '{url}/v1', stream: true}}}}\n"
    );
    let proxy = Setup::config(config).start().await;
    assert_eq!(proxy.chat("model").await.status, 200);
    assert!(upstream.requests()[0].json().get("stream").is_none());
}
