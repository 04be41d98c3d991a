use http::{HeaderMap, HeaderValue};
use llmux_core::{Environment, Retry, SecretString};
use llmux_wire::event_stream;
use llmux_wire::json::envelope;
use serde_json::{Value, json};

use super::*;

fn settings(options: &[(&str, &str)]) -> ProviderSettings {
    let mut settings = ProviderSettings::default();
    for (name, value) in options {
        settings.options.set(*name, *value);
    }
    settings
}

fn keyed() -> ProviderSettings {
    let mut settings = settings(&[("aws_region_name", "eu-central-1")]);
    settings.api_key = Some(SecretString::from("k"));
    settings
}

fn exchange(settings: &ProviderSettings, operation: Operation, dialect: Dialect, body: &Value) -> Exchange {
    let body = Bytes::from(body.to_string());
    let fields = envelope::read(&body).unwrap();
    let value: Value = serde_json::from_slice(&body).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("anthropic-beta", HeaderValue::from_static("context-1m-2025-08-07"));
    let model = value["model"].as_str().unwrap();
    let call =
        Call::new(operation, dialect, model, &body, &fields, &headers).with_stream(value["stream"] == true);
    Bedrock::build(settings).unwrap().prepare(&call).unwrap()
}

fn sent(settings: &ProviderSettings, dialect: Dialect, body: &Value) -> (Request<Bytes>, Value) {
    match exchange(settings, Operation::Chat, dialect, body).outgoing {
        Outgoing::Send(request) => {
            let body = serde_json::from_slice(request.body()).unwrap();
            (request, body)
        }
        Outgoing::Answered(_) => panic!("the provider is asked"),
    }
}

fn chat(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]})
}

#[test]
fn the_address_follows_region_name_arn_and_setting() {
    let url = |settings: &ProviderSettings, model: &str| {
        sent(settings, Dialect::OpenAi, &chat(model, false)).0.uri().to_string()
    };
    let own = "https://bedrock-runtime.eu-central-1.amazonaws.com/model/m/converse";
    assert_eq!(url(&keyed(), "m"), own);
    let other = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse";
    assert_eq!(url(&keyed(), "us-east-1/m"), other);
    assert!(
        url(&keyed(), "arn:aws:bedrock:us-east-1:1:provisioned-model/x")
            .starts_with("https://bedrock-runtime.us-east-1.")
    );
    let mut fixed = keyed();
    fixed.options.set("aws_bedrock_runtime_endpoint", "http://localhost:9/");
    assert_eq!(url(&fixed, "us-east-1/m"), "http://localhost:9/model/m/converse");
    let mut environment = ProviderSettings::default();
    environment.environment = Environment::new(|name| match name {
        "AWS_REGION" => Some("ap-south-1".into()),
        "AWS_BEARER_TOKEN_BEDROCK" => Some("b".into()),
        _ => None,
    });
    let (request, _) = sent(&environment, Dialect::OpenAi, &chat("m", true));
    assert_eq!(request.uri(), "https://bedrock-runtime.ap-south-1.amazonaws.com/model/m/converse-stream");
    assert_eq!(request.headers()["authorization"], "Bearer b");
}

#[test]
fn a_region_that_is_not_known_is_refused_by_name() {
    let body = Bytes::from_static(br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#);
    let (fields, headers) = (envelope::read(&body).unwrap(), HeaderMap::new());
    let model = "arn:aws:bedrock:mars-north-1:1:inference-profile/x";
    let call = Call::new(Operation::Chat, Dialect::OpenAi, model, &body, &fields, &headers);
    let error = Bedrock::build(&keyed()).unwrap().prepare(&call).err().unwrap();
    assert!(error.message().contains("mars-north-1"), "{error}");
}

#[test]
fn requests_are_signed_for_the_region_they_go_to_unless_there_is_a_key() {
    let own =
        [("aws_access_key_id", "AKID"), ("aws_secret_access_key", "s"), ("aws_region_name", "eu-west-1")];
    let signed = Bedrock::build(&settings(&own)).unwrap();
    let address = |model| signed.credentials(model).map(|signer| std::sync::Arc::as_ptr(signer).cast::<()>());
    assert!(address("m").is_some() && address("us-east-1/m").is_some());
    assert_ne!(address("m"), address("us-east-1/m"));
    assert_eq!(address("m"), address("eu-west-1/m"));
    assert!(Bedrock::build(&keyed()).unwrap().credentials("m").is_none());
    // Credentials of the deployment's own come before a bearer key in the environment.
    let mut both = settings(&own);
    both.environment = Environment::new(|name| (name == "AWS_BEARER_TOKEN_BEDROCK").then(|| "b".into()));
    assert!(Bedrock::build(&both).unwrap().credentials("m").is_some());
}

#[test]
fn claude_is_invoked_for_its_own_clients_and_where_the_name_says_so() {
    let path = |dialect, model| sent(&keyed(), dialect, &chat(model, true)).0.uri().path().to_owned();
    let claude = "eu.anthropic.claude-x-v1:0";
    let invoked = "/model/eu.anthropic.claude-x-v1%3A0/invoke-with-response-stream";
    assert_eq!(path(Dialect::Anthropic, claude), invoked);
    assert_eq!(path(Dialect::OpenAi, "invoke/eu.anthropic.claude-x-v1:0"), invoked);
    let conversed = "/model/eu.anthropic.claude-x-v1%3A0/converse-stream";
    assert_eq!(path(Dialect::OpenAi, claude), conversed);
    assert_eq!(path(Dialect::Anthropic, "converse/eu.anthropic.claude-x-v1:0"), conversed);
    assert!(path(Dialect::Anthropic, "amazon.nova-pro-v1:0").ends_with("/converse-stream"));
    assert!(path(Dialect::OpenAi, "invoke/ai21.jamba-1-5-mini-v1:0").ends_with("/converse-stream"));
    let (_, body) = sent(&keyed(), Dialect::Anthropic, &chat(claude, true));
    assert_eq!((body.get("model"), body.get("stream")), (None, None));
    assert_eq!(body["anthropic_version"], "bedrock-2023-05-31");
    assert_eq!(body["anthropic_beta"], json!(["context-1m-2025-08-07"]));
}

#[test]
fn guardrails_of_the_deployment_reach_every_api_in_its_form() {
    let mut guarded = keyed();
    let config = json!({"guardrailIdentifier": "g", "guardrailVersion": "1"});
    guarded.shaping.defaults.insert("guardrailConfig".into(), config.clone());
    let (_, body) = sent(&guarded, Dialect::OpenAi, &chat("amazon.nova-pro-v1:0", false));
    assert_eq!(body["guardrailConfig"], config);
    let (_, body) = sent(
        &guarded,
        Dialect::BedrockConverse,
        &json!({"model": "m", "messages": [{"role": "user", "content": [{"text": "hi"}]}]}),
    );
    assert_eq!((&body["guardrailConfig"], body.get("model")), (&config, None));
    let (request, body) = sent(&guarded, Dialect::Anthropic, &chat("anthropic.claude-x", false));
    assert_eq!(
        (body.get("guardrailConfig"), &request.headers()["x-amzn-bedrock-guardrailidentifier"]),
        (None, &HeaderValue::from_static("g"))
    );
}

#[test]
fn a_stream_that_is_refused_before_its_first_word_fails() {
    let body = chat("anthropic.claude-x", true);
    for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
        let mut reply = exchange(&keyed(), Operation::Chat, dialect, &body).reply;
        let mut stream = bytes::BytesMut::new();
        let headers = [(":message-type", "exception"), (":exception-type", "throttlingException")];
        event_stream::write(&mut stream, &headers, br#"{"message":"slow down"}"#);
        let failed = reply.push(stream.freeze(), &mut llmux_core::Frames::default()).unwrap_err();
        assert_eq!((failed.kind(), failed.retry()), (ErrorKind::RateLimited, Retry::Anywhere), "{dialect}");
    }
}

#[test]
fn answers_that_name_nobody_get_an_id_and_the_models_name() {
    let exchange = exchange(
        &keyed(),
        Operation::Chat,
        Dialect::OpenAi,
        &chat("converse/us.amazon.nova-lite-v1:0", false),
    );
    let mut reply = exchange.reply;
    let body = json!({"output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}}, "stopReason": "end_turn"});
    let answer: Value = serde_json::from_slice(&reply.whole(Bytes::from(body.to_string())).unwrap()).unwrap();
    assert_eq!(
        (&answer["model"], answer["id"].as_str().map(str::len)),
        (&json!("us.amazon.nova-lite-v1:0"), Some(16))
    );
}

#[test]
fn rankings_go_to_the_service_for_agents() {
    let body = json!({"model": "cohere.rerank-v3-5:0", "query": "q", "documents": ["a"]});
    let Outgoing::Send(request) = exchange(&keyed(), Operation::Rerank, Dialect::Cohere, &body).outgoing
    else {
        panic!("the provider is asked")
    };
    assert_eq!(request.uri(), "https://bedrock-agent-runtime.eu-central-1.amazonaws.com/rerank");
    let sent: Value = serde_json::from_slice(request.body()).unwrap();
    let arn =
        sent.pointer("/rerankingConfiguration/bedrockRerankingConfiguration/modelConfiguration/modelArn");
    assert_eq!(arn.unwrap(), "arn:aws:bedrock:eu-central-1::foundation-model/cohere.rerank-v3-5:0");
    assert!(sent.get("model").is_none());
}

#[test]
fn makers_are_asked_in_their_own_form_where_the_name_says_invoke() {
    let (request, body) =
        sent(&keyed(), Dialect::OpenAi, &chat("invoke/us.meta.llama3-3-70b-instruct-v1:0", false));
    assert!(request.uri().path().ends_with("/model/us.meta.llama3-3-70b-instruct-v1%3A0/invoke"));
    assert_eq!(body["max_gen_len"], 5);
    let name = "invoke/mistral.mistral-large-2402-v1:0";
    let (request, body) = sent(&keyed(), Dialect::Anthropic, &chat(name, true));
    assert!(request.uri().path().ends_with("/invoke-with-response-stream"));
    assert_eq!(body["prompt"], "<s>[INST] hi [/INST]");
    let (request, _) = sent(&keyed(), Dialect::OpenAi, &chat("meta.llama3-3-70b-instruct-v1:0", false));
    assert!(request.uri().path().ends_with("/converse"));
}

#[test]
fn chunks_of_other_makers_become_the_clients_stream() {
    let body = chat("invoke/meta.llama3-3-70b-instruct-v1:0", true);
    let mut reply = exchange(&keyed(), Operation::Chat, Dialect::OpenAi, &body).reply;
    let mut stream = bytes::BytesMut::new();
    // Each of Amazon's messages holds a chunk in base64: `{"generation":"hi"}`, and one with the reason to end.
    for data in ["eyJnZW5lcmF0aW9uIjoiaGkifQ==", "eyJnZW5lcmF0aW9uIjoiIiwic3RvcF9yZWFzb24iOiJzdG9wIn0="] {
        let headers = [(":event-type", "chunk"), (":message-type", "event")];
        event_stream::write(&mut stream, &headers, json!({ "bytes": data }).to_string().as_bytes());
    }
    let mut frames = llmux_core::Frames::default();
    reply.push(stream.freeze(), &mut frames).unwrap();
    reply.finish(&mut frames).unwrap();
    let mut told = String::new();
    while let Some(frame) = frames.pop() {
        told.push_str(std::str::from_utf8(&frame).unwrap());
    }
    assert!(told.contains("\"content\":\"hi\"") && told.ends_with("data: [DONE]\n\n"), "{told}");
}
