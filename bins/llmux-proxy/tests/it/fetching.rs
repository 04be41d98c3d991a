//! Images that clients name by their address, for providers that take bytes only.

use llmux_testkit::{Answer as Scripted, ScriptedUpstream};
use serde_json::{Value, json};

use crate::proxy::{Answer, Proxy, Setup};

/// A proxy with a deployment of Bedrock's at one server, and images at another that is trusted, or not.
async fn proxy(bedrock: &ScriptedUpstream, trusted: Option<&ScriptedUpstream>) -> Proxy {
    let hosts = trusted.map(|images| images.address().to_string()).unwrap_or_default();
    Setup::config(format!(
        "general_settings: {{user_url_allowed_hosts: ['{hosts}']}}\n\
         router_settings: {{num_retries: 0}}\nmodel_list:\n  - {{model_name: m, litellm_params: {{model: \
         bedrock/us.amazon.nova-lite-v1:0, aws_access_key_id: AKIDEXAMPLE, aws_secret_access_key: secret, \
         aws_region_name: us-east-1, aws_bedrock_runtime_endpoint: '{}'}}}}\n",
        bedrock.url()
    ))
    .start()
    .await
}

fn asking(url: &str) -> Value {
    let image = json!({"type": "image_url", "image_url": {"url": url}});
    json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "what?"}, image]}]})
}

#[tokio::test]
async fn an_image_at_an_address_goes_to_bedrock_as_bytes() {
    let answer = json!({
        "output": {"message": {"role": "assistant", "content": [{"text": "a dot"}]}}, "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
    });
    let bedrock = ScriptedUpstream::answering([Scripted::json(answer)]).await;
    let images =
        ScriptedUpstream::answering([Scripted::body("pixels").with_header("content-type", "image/png")])
            .await;
    let proxy = proxy(&bedrock, Some(&images)).await;
    let url = format!("{}/dot.png", images.url());
    let answered = Answer::of(proxy.post("/v1/chat/completions", &asking(&url))).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    let sent: Value = serde_json::from_slice(&bedrock.requests().pop().unwrap().body).unwrap();
    let image = json!({"image": {"format": "png", "source": {"bytes": "cGl4ZWxz"}}});
    assert_eq!(sent["messages"][0]["content"][1], image, "{sent}");
    assert_eq!(images.requests().len(), 1);
}

#[tokio::test]
async fn an_address_in_the_operators_network_is_not_fetched() {
    let bedrock = ScriptedUpstream::start().await;
    let images = ScriptedUpstream::start().await;
    let proxy = proxy(&bedrock, None).await;
    let answered = Answer::of(proxy.post("/v1/chat/completions", &asking(&images.url()))).await;
    assert_eq!(answered.openai_error(), (400, "invalid_request_error".into(), "url_not_allowed".into()));
    assert!(images.requests().is_empty() && bedrock.requests().is_empty());
}
