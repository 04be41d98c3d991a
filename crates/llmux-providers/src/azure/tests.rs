use bytes::Bytes;
use http::{HeaderMap, Request};
use llmux_core::{Dialect, Operation};
use llmux_wire::json::envelope;
use serde_json::{Value, json};

use super::*;

fn settings(base: &str) -> ProviderSettings {
    let mut settings = ProviderSettings::default();
    settings.base_url = Some(base.to_owned());
    settings.api_key = Some("k".into());
    settings
}

fn sent(
    provider: &dyn Provider,
    operation: Operation,
    dialect: Dialect,
    model: &str,
    body: &Value,
) -> Request<Bytes> {
    let mut body = body.clone();
    body["model"] = "alias".into();
    let body = Bytes::from(body.to_string());
    let (fields, headers) = (envelope::read(&body).unwrap(), HeaderMap::new());
    let stream = fields.get(&body, "stream") == Some(b"true");
    let call = Call::new(operation, dialect, model, &body, &fields, &headers).with_stream(stream);
    match provider.prepare(&call).unwrap().outgoing {
        Outgoing::Send(request) => request,
        Outgoing::Answered(_) => panic!("must be sent"),
    }
}

fn chat(provider: &dyn Provider, model: &str, more: Value) -> Request<Bytes> {
    let mut body = json!({"model": "alias", "messages": [{"role": "user", "content": "hi"}]});
    let members = more.as_object().cloned().unwrap_or_default();
    body.as_object_mut().unwrap().extend(members);
    sent(provider, Operation::Chat, Dialect::OpenAi, model, &body)
}

fn body(request: &Request<Bytes>) -> Value {
    serde_json::from_slice(request.body()).unwrap()
}

const RESOURCE: &str = "https://r.openai.azure.com";

#[test]
fn a_chat_goes_to_its_deployment_with_the_key_in_azures_header() {
    let azure = Azure::build(&settings(RESOURCE)).unwrap();
    let request = chat(&*azure, "my-gpt", json!({"new_field": 1.0}));
    let expected = format!("{RESOURCE}/openai/deployments/my-gpt/chat/completions?api-version={VERSION}");
    assert_eq!(request.uri(), expected.as_str());
    assert_eq!(request.headers()["api-key"], "k");
    assert!(!request.headers().contains_key("authorization"));
    assert_eq!(body(&request)["new_field"], 1.0);
    assert!(azure.credentials("my-gpt").is_none());
}

#[test]
fn the_address_the_key_and_the_version_may_come_from_the_environment() {
    let mut settings = ProviderSettings::default();
    assert_eq!(Azure::build(&settings).err().unwrap().param(), Some("api_base"));
    settings.environment = Environment::new(|name| {
        let value = match name {
            "AZURE_API_BASE" => "https://env.openai.azure.com",
            "AZURE_API_KEY" => "env-key",
            "AZURE_API_VERSION" => "2024-10-21",
            _ => return None,
        };
        Some(value.to_owned())
    });
    let request = chat(&*Azure::build(&settings).unwrap(), "gpt", json!({}));
    assert_eq!(
        request.uri(),
        "https://env.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=2024-10-21"
    );
    assert_eq!(request.headers()["api-key"], "env-key");
}

#[test]
fn an_identity_in_the_settings_wins_over_a_key_of_the_environment() {
    let mut settings = settings(RESOURCE);
    settings.api_key = None;
    settings.environment = Environment::new(|name| (name == "AZURE_API_KEY").then(|| "env-key".to_owned()));
    settings.options.set("azure_ad_token", "token");
    let azure = Azure::build(&settings).unwrap();
    assert!(azure.credentials("gpt").is_some());
    assert!(!chat(&*azure, "gpt", json!({})).headers().contains_key("api-key"));
    settings.headers.insert("authorization", "Bearer mine".parse().unwrap());
    assert!(Azure::build(&settings).unwrap().credentials("gpt").is_none());
}

#[test]
fn reasoning_models_are_known_by_name_base_model_or_series() {
    let azure = Azure::build(&settings(RESOURCE)).unwrap();
    let limit = |azure: &dyn Provider, model: &str| {
        let request = chat(azure, model, json!({"max_tokens": 9, "temperature": 0.5}));
        assert_eq!(body(&request)["temperature"], 0.5, "refusing is left to Azure");
        (body(&request).get("max_completion_tokens").is_some(), request.uri().path().to_owned())
    };
    assert!(!limit(&*azure, "gpt-4o").0);
    assert!(limit(&*azure, "o3-mini").0);
    assert!(limit(&*azure, "gpt-5-nano").0);
    assert_eq!(
        limit(&*azure, "o_series/mine"),
        (true, "/openai/deployments/mine/chat/completions".to_owned())
    );
    let mut based = settings(RESOURCE);
    based.options.set("base_model", "azure/o1");
    assert!(limit(&*Azure::build(&based).unwrap(), "mine").0);

    based.shaping.drop_params = true;
    let request = chat(&*Azure::build(&based).unwrap(), "mine", json!({"temperature": 0.5}));
    assert!(body(&request).get("temperature").is_none());
}

#[test]
fn old_versions_are_asked_in_old_words() {
    let mut settings = settings(RESOURCE);
    settings.api_version = Some("2023-05-15".into());
    let azure = Azure::build(&settings).unwrap();
    let request = chat(&*azure, "gpt-35", json!({"max_completion_tokens": 9, "stream": true}));
    assert_eq!(body(&request)["max_tokens"], 9);
    assert!(body(&request).get("stream_options").is_none());
}

#[test]
fn responses_embeddings_and_completions_have_their_own_paths() {
    let azure = Azure::build(&settings(RESOURCE)).unwrap();
    let cases = [
        (Operation::Chat, Dialect::OpenAiResponses, json!({"input": "hi"}), "/openai/v1/responses"),
        (Operation::Embeddings, Dialect::OpenAi, json!({"input": "hi"}), "/openai/deployments/m/embeddings"),
        (
            Operation::Completion,
            Dialect::OpenAi,
            json!({"prompt": "hi"}),
            "/openai/deployments/m/completions",
        ),
        (
            Operation::Chat,
            Dialect::Anthropic,
            json!({"max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]}),
            "/openai/deployments/m/chat/completions",
        ),
    ];
    for (operation, dialect, request, path) in cases {
        let sent = sent(&*azure, operation, dialect, "m", &request);
        assert_eq!((sent.uri().path(), &body(&sent)["model"]), (path, &json!("m")), "{operation} {dialect}");
    }
}

#[test]
fn foundrys_routes_follow_from_the_address() {
    let uri = |base: &str, model: &str| {
        let foundry = Foundry::build(&settings(base)).unwrap();
        let request = chat(&*foundry, model, json!({"max_tokens": 5}));
        let auth = ["api-key", "authorization", "x-api-key"];
        let auth = auth.iter().find(|name| request.headers().contains_key(**name)).unwrap();
        format!("{auth} {}", request.uri())
    };
    let resource = "https://r.services.ai.azure.com";
    let models = format!("api-key {resource}/models/chat/completions?api-version=2024-05-01-preview");
    for base in [resource, "https://r.services.ai.azure.com/models/"] {
        assert_eq!(uri(base, "DeepSeek-R1"), models, "{base}");
    }
    assert_eq!(
        uri("https://r.services.ai.azure.com/openai/v1/", "grok-3"),
        format!("api-key {resource}/openai/v1/chat/completions")
    );
    assert_eq!(uri(resource, "claude-sonnet-4-5"), format!("x-api-key {resource}/anthropic/v1/messages"));
    assert_eq!(
        uri("https://llama.eastus2.models.ai.azure.com", "llama"),
        "authorization https://llama.eastus2.models.ai.azure.com/chat/completions"
    );
    assert_eq!(
        uri("https://r.openai.azure.com", "gpt-4o"),
        format!(
            "api-key https://r.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version={VERSION}"
        )
    );
}

#[test]
fn rankings_go_to_coheres_path() {
    let uri = |base: &str| {
        let foundry = Foundry::build(&settings(base)).unwrap();
        let body = json!({"model": "m", "query": "q", "documents": ["a"]});
        let sent = sent(&*foundry, Operation::Rerank, Dialect::Cohere, "Cohere-rerank-v4.0-pro", &body);
        assert_eq!(self::body(&sent)["model"], "Cohere-rerank-v4.0-pro");
        sent.uri().to_string()
    };
    let expected = "https://r.services.ai.azure.com/providers/cohere/v2/rerank";
    for base in ["https://r.services.ai.azure.com", "https://r.services.ai.azure.com/openai/v1/", expected] {
        assert_eq!(uri(base), expected, "{base}");
    }
    let endpoint = "https://rank.eastus2.models.ai.azure.com";
    assert_eq!(uri(endpoint), format!("{endpoint}/v1/rerank"));
    assert_eq!(uri(&format!("{endpoint}/v2/rerank")), format!("{endpoint}/v2/rerank"));
}
