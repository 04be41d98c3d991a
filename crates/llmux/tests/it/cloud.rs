//! Deployments at clouds: their own options, tokens that are fetched over the same transport, and renewed.

use llmux::{Deployment, Llmux};
use llmux_testkit::{Answer, ScriptedTransport, answers};
use serde_json::json;

use crate::request;

fn token(text: &str) -> Answer {
    Answer::json(json!({"access_token": text, "expires_in": 3600, "token_type": "Bearer"}))
}

fn gemini(text: &str) -> Answer {
    let content = json!({"role": "model", "parts": [{"text": text}]});
    Answer::json(json!({"candidates": [{"content": content, "finishReason": "STOP"}]}))
}

#[tokio::test]
async fn a_vertex_deployment_fetches_its_token_once_and_speaks_gemini() {
    let transport = ScriptedTransport::new();
    transport.script_at("/token", [token("google")]);
    let path =
        "/v1beta1/projects/p/locations/global/publishers/google/models/gemini-2.5-flash:generateContent";
    transport.script_at(path, [gemini("hello")]);
    let file =
        json!({"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"});
    let deployment = Deployment::new("chat", "vertex_ai/gemini-2.5-flash")
        .option("vertex_project", "p")
        .option("vertex_location", "global")
        .option("vertex_credentials", "/adc.json");
    let llmux = Llmux::builder()
        .transport(transport.clone())
        .files(move |_| Ok(file.to_string().into_bytes()))
        .deployment(deployment)
        .build()
        .unwrap();
    for _ in 0..2 {
        let answer = llmux.chat(request()).await.unwrap();
        assert_eq!(answer["choices"][0]["message"]["content"], "hello");
    }
    let asked = transport.requests();
    assert_eq!(asked.len(), 3, "one token for two chats");
    assert!(asked[1..].iter().all(|chat| chat.header("authorization") == Some("Bearer google")));
}

#[tokio::test]
async fn an_azure_deployment_signs_in_as_its_application() {
    let transport = ScriptedTransport::new();
    transport.script_at("/tenant/oauth2/v2.0/token", [token("entra")]);
    let path = "/openai/deployments/my-gpt/chat/completions";
    transport.script_at(path, [answers::openai_chat("hello")]);
    let deployment = Deployment::new("chat", "azure/my-gpt")
        .base_url("https://r.openai.azure.com")
        .option("tenant_id", "tenant")
        .option("client_id", "app")
        .option("client_secret", "secret");
    let llmux = Llmux::builder().transport(transport.clone()).deployment(deployment).build().unwrap();
    let answer = llmux.chat(request()).await.unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], "hello");
    let asked = transport.requests();
    assert_eq!(asked[1].header("authorization"), Some("Bearer entra"));
    assert_eq!(asked[1].header("api-key"), None);
}

#[tokio::test]
async fn a_deployment_without_credentials_says_where_it_looked() {
    let transport = ScriptedTransport::answering([Answer::reset()]);
    let deployment = Deployment::new("chat", "azure/my-gpt").base_url("https://r.openai.azure.com");
    let llmux = Llmux::builder().transport(transport).deployment(deployment).retries(0).build().unwrap();
    let error = llmux.chat(request()).await.unwrap_err();
    assert!(error.message().starts_with("no Azure credentials were found"), "{error}");
}
