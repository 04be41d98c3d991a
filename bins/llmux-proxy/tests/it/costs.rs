//! What answers cost, told to clients.

use llmux_testkit::{Answer as Scripted, ScriptedUpstream, answers};
use serde_json::{Value, json};

use crate::proxy::{Answer, Proxy, Setup, chat, message, streamed};

/// Deployments of one upstream; `params` are added to the first.
fn config(base: &str, params: &str, more: &str) -> String {
    format!(
        "model_list:
  - {{model_name: model, litellm_params: {{model: openai/gpt-4o, api_key: sk-up, api_base: '{base}', {params}}}}}
  - {{model_name: 'any/*', litellm_params: {{model: 'openai/*', api_key: sk-up, api_base: '{base}'}}}}
  - {{model_name: unknown, litellm_params: {{model: openai/no-such-model, api_key: sk-up, api_base: '{base}'}}}}
{more}"
    )
}

/// An answer with this usage.
fn used(usage: &Value) -> Scripted {
    Scripted::json(json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-up",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
        "usage": usage,
    }))
}

fn cached() -> Value {
    json!({
        "prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100,
        "prompt_tokens_details": {"cached_tokens": 600},
        "completion_tokens_details": {"reasoning_tokens": 40},
    })
}

#[tokio::test]
async fn a_whole_answer_tells_its_cost_to_the_last_digit() {
    let upstream = ScriptedUpstream::answering([used(&cached())]).await;
    let proxy = Setup::config(config(&upstream.url(), "", "")).start().await;
    // 400 × 2.5 + 600 × 1.25 + 100 × 10 millionths of a dollar.
    for (path, body) in [
        ("/v1/chat/completions", chat("model")),
        ("/v1/messages", message("model")),
        ("/v1/chat/completions", chat("any/gpt-4o")),
    ] {
        let answer = Answer::of(proxy.post(path, &body)).await;
        assert_eq!(answer.header("x-litellm-response-cost"), Some("0.00275"), "{path}");
        assert_eq!(answer.header("x-llmux-response-cost"), Some("0.00275"));
        assert_eq!(answer.header("x-litellm-response-cost-input"), Some("0.00175"));
        assert_eq!(answer.header("x-litellm-response-cost-output"), Some("0.001"));
        assert_eq!(answer.header("x-litellm-response-cost-cache-read"), Some("0.00075"));
        assert_eq!(answer.header("x-litellm-response-cost-reasoning"), Some("0.0004"));
        assert_eq!(answer.header("x-litellm-response-cost-original"), None);
    }
    assert_eq!(proxy.chat("unknown").await.header("x-litellm-response-cost"), None);
}

#[tokio::test]
async fn prices_of_a_deployment_margins_and_discounts_count() {
    let upstream = ScriptedUpstream::answering([used(&cached())]).await;
    let own =
        "input_cost_per_token: 0.000001, output_cost_per_token: '2e-06', cache_read_input_token_cost: 0";
    let more = "litellm_settings:
  cost_discount_config: {openai: 0.1}
  cost_margin_config: {global: {percentage: 0.5, fixed_amount: 0.001}}
";
    let proxy = Setup::config(config(&upstream.url(), own, more)).start().await;
    let answer = proxy.chat("model").await;
    // 400 + 100 × 2 millionths; a tenth less; half of that more, and a tenth of a cent.
    assert_eq!(answer.header("x-litellm-response-cost-original"), Some("0.0006"));
    assert_eq!(answer.header("x-litellm-response-cost-discount-amount"), Some("0.00006"));
    assert_eq!(answer.header("x-litellm-response-cost-margin-amount"), Some("0.00127"));
    assert_eq!(answer.header("x-litellm-response-cost"), Some("0.00181"));
}

#[tokio::test]
async fn the_class_of_service_that_was_given_is_billed() {
    let mut answer = json!({
        "id": "1", "object": "chat.completion", "model": "gpt-up", "service_tier": "priority",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 0, "total_tokens": 1000},
    });
    let priority = Scripted::json(answer.clone());
    answer["service_tier"] = "default".into();
    let upstream = ScriptedUpstream::answering([priority, Scripted::json(answer.clone())]).await;
    let proxy = Setup::config(config(&upstream.url(), "", "")).start().await;
    assert_eq!(proxy.chat("model").await.header("x-litellm-response-cost"), Some("0.00425"));
    assert_eq!(proxy.chat("model").await.header("x-litellm-response-cost"), Some("0.0025"));
}

#[tokio::test]
async fn pain_17_a_stream_costs_what_the_whole_answer_costs_and_tells_it_in_its_usage() {
    let frame = |body: Value| format!("data: {body}\n\n");
    // Usage on the chunk that also carries text, as some hosts send it: it counts all the same.
    let stream = frame(json!({"id": "1", "object": "chat.completion.chunk", "model": "gpt-up",
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": "h"}, "finish_reason": null}]}))
        + &frame(json!({"id": "1", "object": "chat.completion.chunk", "model": "gpt-up", "usage": cached(),
            "choices": [{"index": 0, "delta": {"content": "i"}, "finish_reason": "stop"}]}))
        + "data: [DONE]\n\n";
    let upstream = ScriptedUpstream::answering([Scripted::sse([stream])]).await;
    let settings = "litellm_settings: {include_cost_in_streaming_usage: true}\n";
    let proxy = Setup::config(config(&upstream.url(), "", settings)).start().await;
    let mut body = streamed("model");
    body["stream_options"] = json!({"include_usage": true});
    let answer = Answer::of(proxy.post("/v1/chat/completions", &body)).await;
    assert_eq!(answer.header("x-litellm-response-cost"), None);
    let usage: Vec<Value> = answer
        .text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
        .filter(|chunk| chunk["usage"].is_object())
        .collect();
    assert_eq!(usage.len(), 1, "{}", answer.text);
    assert_eq!(usage[0]["usage"]["cost"], 0.00275);
    assert_eq!(usage[0]["usage"]["prompt_tokens"], 1000);
    assert_eq!(usage[0]["choices"][0]["delta"]["content"], "i");

    let quiet = Setup::config(config(&upstream.url(), "", "")).start().await;
    let plain = Answer::of(quiet.post("/v1/chat/completions", &body)).await;
    assert!(!plain.text.contains("\"cost\""));
}

#[tokio::test]
async fn pain_16_a_cached_prompt_is_billed_alike_by_every_way_of_counting() {
    // Anthropic counts cached tokens beside the others, OpenAI inside them.
    let anthropic = Scripted::json(json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
        "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 600, "cache_creation_input_tokens": 30,
            "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10}, "output_tokens": 7},
    }));
    let upstream = ScriptedUpstream::answering([anthropic]).await;
    let config = format!(
        "model_list:
  - {{model_name: claude, litellm_params: {{model: anthropic/claude-sonnet-4-5, api_key: sk-up, api_base: '{}'}}}}
",
        upstream.url()
    );
    let proxy = Setup::config(config).start().await;
    // 10 × 3 + 600 × 0.3 + 20 × 3.75 + 10 × 6 + 7 × 15 millionths.
    for (path, body) in [("/v1/messages", message("claude")), ("/v1/chat/completions", chat("claude"))] {
        let answer = Answer::of(proxy.post(path, &body)).await;
        assert_eq!(answer.header("x-litellm-response-cost"), Some("0.00045"), "{path} {}", answer.text);
        assert_eq!(answer.header("x-litellm-response-cost-cache-creation"), Some("0.000135"));
    }
}

#[tokio::test]
async fn a_wrong_price_or_margin_is_refused_by_name() {
    for (params, more, named) in [
        ("tiered_pricing: [1]", "", "litellm_params.tiered_pricing"),
        ("", "litellm_settings: {cost_discount_config: {openai: 2}}", "cost_discount_config"),
        ("", "litellm_settings: {cost_margin_config: {openai: {percentage: much}}}", "cost_margin_config"),
    ] {
        let outcome = Setup::config(config("http://127.0.0.1:9", params, more)).run().await;
        assert!(!outcome.status.success() && outcome.err.contains(named), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_count_of_tokens_costs_nothing() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("hi")]).await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let answer = Answer::of(proxy.post("/v1/messages/count_tokens", &message("model"))).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-litellm-response-cost")), (200, None));
}

#[tokio::test]
async fn pain_19_clients_of_a_providers_own_dialect_are_billed_whole_and_streamed() {
    let gemini = json!({
        "candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 1000, "cachedContentTokenCount": 400, "candidatesTokenCount": 10,
            "thoughtsTokenCount": 90, "totalTokenCount": 1100},
        "modelVersion": "gemini-2.5-pro",
    });
    let upstream = ScriptedUpstream::start().await;
    upstream.answer_with(move |asked| {
        let streamed = asked.path.contains("stream");
        if streamed { Scripted::sse([format!("data: {gemini}\n\n")]) } else { Scripted::json(gemini.clone()) }
    });
    let config = format!(
        "model_list: [{{model_name: g, litellm_params: {{model: gemini/gemini-2.5-pro, api_key: k, api_base: '{}'}}}}]
logging: {{level: debug}}
",
        upstream.url()
    );
    let proxy = Setup::config(config).start().await;
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
    // 600 × 1.25 + 400 × 0.125 + 100 × 10 millionths.
    let whole = Answer::of(proxy.post("/v1beta/models/g:generateContent", &body)).await;
    assert_eq!(whole.header("x-litellm-response-cost"), Some("0.0018"), "{}", whole.text);
    let stream = Answer::of(proxy.post("/v1beta/models/g:streamGenerateContent?alt=sse", &body)).await;
    assert_eq!(stream.status, 200);
    proxy.wait_for_log_times("cost=0.0018", 2).await;
}
