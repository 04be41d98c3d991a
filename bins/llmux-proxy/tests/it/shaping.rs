//! What becomes of requests on their way, documents read, and models without a price.

use llmux_testkit::{Answer as Scripted, ScriptedUpstream, answers};
use serde_json::{Value, json};

use crate::proxy::{Answer, Setup};

fn model(name: &str, params: &str) -> String {
    format!("  - {{model_name: {name}, litellm_params: {{{params}}}}}\n")
}

#[tokio::test]
async fn long_names_of_tools_come_back_as_the_client_wrote_them() {
    let upstream = ScriptedUpstream::start().await;
    let params = format!("model: openai/gpt-4o, api_key: k, api_base: '{}/v1'", upstream.url());
    let proxy = Setup::config(format!("model_list:\n{}", model("m", &params))).start().await;
    let long = format!("mcp__{}", "x".repeat(90));
    let request = json!({
        "model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"name": long, "input_schema": {"type": "object"}}],
    });
    upstream.script([answers::openai_chat("hi")]);
    Answer::of(proxy.post("/v1/messages", &request)).await;
    let sent: Value = serde_json::from_slice(&upstream.requests().pop().unwrap().body).unwrap();
    let short = sent["tools"][0]["function"]["name"].as_str().unwrap().to_owned();
    assert!(short.len() == 64 && short.starts_with("mcp__xxx"), "{short}");
    let call = json!({"id": "c", "type": "function", "function": {"name": short, "arguments": "{}"}});
    let message = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    let choice = json!({"index": 0, "message": message, "finish_reason": "tool_calls"});
    upstream.script([Scripted::json(json!({"id": "x", "model": "gpt-4o", "choices": [choice]}))]);
    let answer = Answer::of(proxy.post("/v1/messages", &request)).await;
    assert_eq!(answer.json()["content"][0]["name"], long, "{}", answer.text);
}

#[tokio::test]
async fn documents_are_read_and_each_page_has_its_price() {
    let read = json!({"pages": [{"index": 0, "markdown": "# a"}], "model": "mistral-ocr-latest", "usage_info": {"pages_processed": 3, "doc_size_bytes": 9}});
    let upstream = ScriptedUpstream::answering([Scripted::json(read.clone())]).await;
    let url = upstream.url();
    let proxy = Setup::config(format!(
        "model_list:\n{}{}{}",
        model(
            "ocr",
            &format!(
                "model: mistral/mistral-ocr-x, api_key: k, api_base: '{url}/v1', ocr_cost_per_page: 0.5"
            )
        ),
        model("foundry", &format!("model: azure_ai/mistral-document-ai-2505, api_key: k, api_base: '{url}'")),
        model("none", &format!("model: groq/x, api_key: k, api_base: '{url}/v1'")),
    ))
    .start()
    .await;
    let request = |model: &str| json!({"model": model, "document": {"type": "document_url", "document_url": "https://a.b/c.pdf"}});
    let answer = Answer::of(proxy.post("/v1/ocr", &request("ocr"))).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, read));
    assert_eq!(answer.header("x-litellm-response-cost"), Some("1.5"));
    let sent = upstream.requests().pop().unwrap();
    assert_eq!(sent.path, "/v1/ocr");
    let sent: Value = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!(
        (&sent["model"], &sent["document"]["document_url"]),
        (&json!("mistral-ocr-x"), &json!("https://a.b/c.pdf"))
    );
    assert_eq!(Answer::of(proxy.post("/ocr", &request("foundry"))).await.status, 200);
    assert_eq!(upstream.requests().pop().unwrap().path, "/providers/mistral/azure/ocr");
    let refused = Answer::of(proxy.post("/v1/ocr", &request("none"))).await;
    assert!(refused.status == 400 && refused.message().contains("has no ocr"), "{}", refused.text);
}

#[tokio::test]
async fn models_without_a_price_are_refused_where_the_operator_wants_it() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("hi")]).await;
    let at = |name: &str| format!("model: openai/{name}, api_key: k, api_base: '{}/v1'", upstream.url());
    let proxy = Setup::config(format!(
        "litellm_settings: {{block_requests_for_models_without_pricing: true}}\nmodel_list:\n{}{}",
        model("known", &at("gpt-4o-mini")),
        model("unknown", &at("nobody-knows-this")),
    ))
    .start()
    .await;
    let ask = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(Answer::of(proxy.post("/v1/chat/completions", &ask("known"))).await.status, 200);
    let refused = Answer::of(proxy.post("/v1/chat/completions", &ask("unknown"))).await;
    assert_eq!((refused.openai_error().0, refused.openai_error().2.as_str()), (403, "model_without_pricing"));
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn calls_without_tools_get_one_where_requests_may_be_put_right() {
    let upstream = ScriptedUpstream::answering([answers::anthropic_message("hi")]).await;
    let params = format!(
        "model: anthropic/claude-sonnet-4-5, api_key: k, api_base: '{}', modify_params: true",
        upstream.url()
    );
    let proxy = Setup::config(format!("model_list:\n{}", model("m", &params))).start().await;
    let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let request = json!({"model": "m", "messages": [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "done"},
    ]});
    let answer = Answer::of(proxy.post("/v1/chat/completions", &request)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let sent: Value = serde_json::from_slice(&upstream.requests().pop().unwrap().body).unwrap();
    assert_eq!(
        (&sent["tools"][0]["name"], &sent["messages"][0]["role"]),
        (&json!("dummy_tool"), &json!("user")),
        "{sent}"
    );
}
