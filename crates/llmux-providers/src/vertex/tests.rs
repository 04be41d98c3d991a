use bytes::Bytes;
use http::{HeaderMap, Request};
use llmux_core::{Dialect, Operation};
use llmux_wire::json::envelope;
use serde_json::{Value, json};

use super::*;

fn settings() -> ProviderSettings {
    let mut settings = ProviderSettings::default();
    settings.options.set("vertex_project", "p").set("vertex_location", "europe-west1");
    settings
}

fn prepare(operation: Operation, dialect: Dialect, model: &str, body: &Value) -> Exchange {
    let provider = VertexAi::build(&settings()).unwrap();
    assert!(provider.credentials(model).is_some(), "tokens are fetched");
    let body = Bytes::from(body.to_string());
    let (fields, mut headers) = (envelope::read(&body).unwrap(), HeaderMap::new());
    headers.insert("anthropic-beta", "preview-1".parse().unwrap());
    let stream = fields.get(&body, "stream") == Some(b"true");
    provider
        .prepare(&Call::new(operation, dialect, model, &body, &fields, &headers).with_stream(stream))
        .unwrap()
}

fn sent(exchange: &Exchange) -> &Request<Bytes> {
    match &exchange.outgoing {
        Outgoing::Send(request) => request,
        Outgoing::Answered(_) => panic!("must be sent"),
    }
}

fn body(exchange: &Exchange) -> Value {
    serde_json::from_slice(sent(exchange).body()).unwrap()
}

fn chat(stream: bool) -> Value {
    json!({"model": "alias", "max_tokens": 9, "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
}

const ROOT: &str = "https://europe-west1-aiplatform.googleapis.com";
const PARENT: &str = "projects/p/locations/europe-west1";

#[test]
fn gemini_is_asked_in_its_own_words_or_passed_as_it_came() {
    let exchange = prepare(Operation::Chat, Dialect::OpenAi, "gemini-2.5-flash", &chat(true));
    let expected = format!(
        "{ROOT}/v1beta1/{PARENT}/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    );
    assert_eq!(sent(&exchange).uri(), expected.as_str());
    let own = json!({"contents": [{"parts": [{"text": "hi"}], "role": "user"}], "newField": 1.0});
    let exchange = prepare(Operation::Chat, Dialect::Gemini, "123", &own);
    assert_eq!(sent(&exchange).uri().path(), format!("/v1beta1/{PARENT}/endpoints/123:generateContent"));
    assert_eq!(body(&exchange), own);
}

#[test]
fn tokens_are_counted_without_the_wrapping_of_google_ai_studio() {
    let exchange = prepare(Operation::CountTokens, Dialect::Anthropic, "gemini-2.5-flash", &chat(false));
    assert!(sent(&exchange).uri().path().ends_with("/gemini-2.5-flash:countTokens"));
    assert_eq!(body(&exchange)["contents"][0]["parts"], json!([{"text": "hi"}]));
}

#[test]
fn claude_has_its_model_in_the_path_and_its_version_in_the_body() {
    for dialect in [Dialect::Anthropic, Dialect::OpenAi] {
        for (stream, method) in [(false, "rawPredict"), (true, "streamRawPredict")] {
            let exchange = prepare(Operation::Chat, dialect, "claude-sonnet-4-5@20250929", &chat(stream));
            let path =
                format!("/v1/{PARENT}/publishers/anthropic/models/claude-sonnet-4-5@20250929:{method}");
            assert_eq!(sent(&exchange).uri().path(), path);
            let body = body(&exchange);
            assert_eq!(body["anthropic_version"], "vertex-2023-10-16");
            assert!(
                body.get("model").is_none() && !sent(&exchange).headers().contains_key("anthropic-version")
            );
            assert_eq!(
                sent(&exchange).headers().contains_key("anthropic-beta"),
                dialect == Dialect::Anthropic
            );
        }
    }
}

#[test]
fn claude_counts_tokens_at_a_model_of_its_own() {
    let exchange = prepare(Operation::CountTokens, Dialect::Anthropic, "claude-sonnet-4-5", &chat(false));
    let path = format!("/v1/{PARENT}/publishers/anthropic/models/count-tokens:rawPredict");
    assert_eq!(sent(&exchange).uri().path(), path);
    assert_eq!(body(&exchange)["model"], "claude-sonnet-4-5");
}

#[test]
fn models_of_others_speak_openais_dialect() {
    let exchange = prepare(Operation::Chat, Dialect::OpenAi, "mistral-large@2411", &chat(false));
    let path = format!("/v1/{PARENT}/publishers/mistralai/models/mistral-large@2411:rawPredict");
    assert_eq!(sent(&exchange).uri().path(), path);
    let exchange = prepare(Operation::Chat, Dialect::Anthropic, "meta/llama-4-maas", &chat(false));
    assert_eq!(sent(&exchange).uri().path(), format!("/v1/{PARENT}/endpoints/openapi/chat/completions"));
    assert_eq!(body(&exchange)["model"], "meta/llama-4-maas");
    let exchange = prepare(Operation::Chat, Dialect::OpenAi, "openai/77", &chat(false));
    assert_eq!(sent(&exchange).uri().path(), format!("/v1/{PARENT}/endpoints/77/chat/completions"));
}

#[test]
fn embeddings_are_predicted_and_their_tokens_counted() {
    let request =
        json!({"model": "alias", "input": ["a", "b"], "dimensions": 3, "task_type": "RETRIEVAL_QUERY"});
    let mut exchange = prepare(Operation::Embeddings, Dialect::OpenAi, "text-embedding-005", &request);
    assert!(sent(&exchange).uri().path().ends_with("/publishers/google/models/text-embedding-005:predict"));
    let instance = |text: &str| json!({"content": text, "task_type": "RETRIEVAL_QUERY"});
    assert_eq!(
        body(&exchange),
        json!({"instances": [instance("a"), instance("b")], "parameters": {"outputDimensionality": 3}})
    );
    let answer =
        json!({"predictions": [{"embeddings": {"values": [1.0], "statistics": {"token_count": 4}}}]});
    let answer = exchange.reply.whole(Bytes::from(answer.to_string())).unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(
        (&answer["data"][0]["embedding"], &answer["usage"]["prompt_tokens"]),
        (&json!([1.0]), &json!(4))
    );
}

#[test]
fn a_project_is_needed_unless_a_key_stands_for_it() {
    let mut settings = ProviderSettings::default();
    assert_eq!(VertexAi::build(&settings).err().unwrap().param(), Some("vertex_project"));
    settings.api_key = Some("express".into());
    let provider = VertexAi::build(&settings).unwrap();
    assert!(provider.credentials("gemini-2.5-flash").is_none());
    let body = Bytes::from(chat(false).to_string());
    let (fields, headers) = (envelope::read(&body).unwrap(), HeaderMap::new());
    let call = Call::new(Operation::Chat, Dialect::OpenAi, "gemini-2.5-flash", &body, &fields, &headers);
    let exchange = provider.prepare(&call).unwrap();
    let expected =
        "https://aiplatform.googleapis.com/v1beta1/publishers/google/models/gemini-2.5-flash:generateContent";
    assert_eq!(sent(&exchange).uri(), expected);
    assert_eq!(sent(&exchange).headers()["x-goog-api-key"], "express");
}

#[test]
fn rankings_go_to_the_discovery_engine_and_are_billed_to_the_project() {
    let body = json!({"model": "m", "query": "q", "documents": ["a"]});
    let exchange = prepare(Operation::Rerank, Dialect::Cohere, "semantic-ranker-default-004", &body);
    let request = sent(&exchange);
    let path = "/v1/projects/p/locations/global/rankingConfigs/default_ranking_config:rank";
    assert_eq!(request.uri().to_string(), format!("https://discoveryengine.googleapis.com{path}"));
    assert_eq!(request.headers()["x-goog-user-project"], "p");
    assert_eq!(self::body(&exchange)["model"], "semantic-ranker-default-004");
}
