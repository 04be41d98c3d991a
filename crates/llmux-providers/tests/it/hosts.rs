//! Hosts of models with forms of their own, of which there are no recordings: what they are asked, and what clients get.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use llmux_core::{
    Dialect, Error, ErrorKind, Exchange, FailedReply, Operation, Outgoing, Provider, Step, StepAnswer,
};
use llmux_wire::event_stream;
use serde_json::{Value, json};

use crate::{calls, recordings};

fn sent(exchange: &Exchange) -> (String, Value) {
    let Outgoing::Send(request) = &exchange.outgoing else { panic!("the provider is asked") };
    (request.uri().to_string(), serde_json::from_slice(request.body()).unwrap())
}

fn step(exchange: &mut Exchange, answer: &Value) -> Result<Step, Error> {
    let (headers, body) = (HeaderMap::new(), Bytes::from(answer.to_string()));
    exchange.steps.as_mut().unwrap().next(&StepAnswer::new(StatusCode::CREATED, &headers, &body))
}

fn refused(provider: &dyn Provider, status: u16, body: &'static str) -> Error {
    let (headers, body) = (HeaderMap::new(), Bytes::from_static(body.as_bytes()));
    provider.classify(&FailedReply::new(StatusCode::from_u16(status).unwrap(), &headers, &body))
}

fn chat(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]})
}

fn told(mut exchange: Exchange, answer: &Value) -> (Value, u64) {
    let body = exchange.reply.whole(answer.to_string().into()).unwrap();
    (serde_json::from_slice(&body).unwrap(), exchange.reply.report().usage.total())
}

#[test]
fn replicates_predictions_are_asked_for_where_the_model_is() {
    let provider = recordings::provider("replicate");
    let uri = |model: &str| {
        let exchange = calls::prepare(&*provider, Operation::Chat, Dialect::OpenAi, &chat(model, false));
        sent(&exchange.unwrap())
    };
    let root = "https://api.replicate.com/v1";
    let (official, body) = uri("meta/meta-llama-3-8b-instruct");
    assert_eq!(official, format!("{root}/models/meta/meta-llama-3-8b-instruct/predictions"));
    assert_eq!(body, json!({"input": {"prompt": "hi", "max_tokens": 9}}));
    let (version, body) = uri("me/own:abc");
    assert_eq!((version, &body["version"]), (format!("{root}/predictions"), &json!("abc")));
    assert_eq!(uri("deployments/me/own").0, format!("{root}/deployments/me/own/predictions"));
}

#[test]
fn a_prediction_is_looked_at_until_it_is_done() {
    let provider = recordings::provider("replicate");
    let body = chat("meta/meta-llama-3-8b-instruct", false);
    let mut exchange = calls::prepare(&*provider, Operation::Chat, Dialect::OpenAi, &body).unwrap();
    let urls = json!({"get": "https://api.replicate.com/v1/predictions/p1"});
    let Step::Ask(asking) =
        step(&mut exchange, &json!({"id": "p1", "status": "starting", "urls": urls})).unwrap()
    else {
        panic!("it is not done")
    };
    assert_eq!(asking.request.uri(), "https://api.replicate.com/v1/predictions/p1");
    assert!(asking.request.headers().contains_key("authorization"));
    let done = json!({"id": "p1", "status": "succeeded", "output": ["Hel", "lo"],
        "metrics": {"input_token_count": 3, "output_token_count": 2}});
    let Step::Done(_) = step(&mut exchange, &done).unwrap() else { panic!("it is done") };
    let (answer, tokens) = told(exchange, &done);
    assert_eq!((&answer["choices"][0]["message"]["content"], tokens), (&json!("Hello"), 5));
    let mut exchange = calls::prepare(&*provider, Operation::Chat, Dialect::OpenAi, &body).unwrap();
    let failed = json!({"id": "p1", "status": "failed", "error": "out of memory"});
    let error = step(&mut exchange, &failed).err().unwrap();
    assert_eq!((error.kind(), error.message().contains("out of memory")), (ErrorKind::ProviderFault, true));
}

#[test]
fn a_prediction_is_streamed_to_clients_of_every_dialect() {
    let provider = recordings::provider("replicate");
    for dialect in recordings::DIALECTS {
        let request = calls::streaming(Operation::Chat, dialect);
        let mut exchange = calls::prepare(&*provider, Operation::Chat, dialect, &request).unwrap();
        let urls = json!({"stream": "https://stream.replicate.com/v1/files/x"});
        let Step::Last(request) =
            step(&mut exchange, &json!({"id": "p", "status": "starting", "urls": urls})).unwrap()
        else {
            panic!("the stream is the answer")
        };
        assert_eq!(request.headers()["accept"], "text/event-stream");
        let stream = "event: output\nid: 1\ndata: Good\n\nevent: output\nid: 2\ndata:  day\n\nevent: done\ndata: {}\n\n";
        let (text, report) = calls::stream_at_once(exchange.reply, stream).unwrap();
        assert!(text.contains("Good") && text.contains(" day"), "{dialect}: {text}");
        assert!(!report.cut_short, "{dialect}");
    }
    let mut exchange =
        calls::prepare(&*provider, Operation::Chat, Dialect::OpenAi, &chat("a/b", true)).unwrap();
    let error = step(&mut exchange, &json!({"id": "p", "status": "starting"})).err().unwrap();
    assert_eq!(error.param(), Some("stream"));
}

#[test]
fn replicates_images_are_told_in_openais_form() {
    let provider = recordings::provider("replicate");
    let body = json!({"model": "black-forest-labs/flux-schnell", "prompt": "a harbour", "n": 2, "size": "1792x1024"});
    let mut exchange =
        calls::prepare(&*provider, Operation::ImageGeneration, Dialect::OpenAi, &body).unwrap();
    let input = json!({"prompt": "a harbour", "num_outputs": 2, "aspect_ratio": "16:9"});
    assert_eq!(sent(&exchange).1, json!({"input": input}));
    let output = ["https://replicate.delivery/1.webp", "https://replicate.delivery/2.webp"];
    let done = json!({"id": "p", "status": "succeeded", "output": output});
    let Step::Done(body) = step(&mut exchange, &done).unwrap() else { panic!("it is done") };
    let (answer, _) = told(exchange, &serde_json::from_slice(&body).unwrap());
    assert_eq!(answer["data"], json!([{"url": output[0]}, {"url": output[1]}]));
}

#[test]
fn watsonx_is_told_the_model_and_who_pays() {
    let mut settings = llmux_core::ProviderSettings::default();
    settings.api_key = Some(recordings::KEY.into());
    settings.options.set("watsonx_region_name", "us-south").set("project_id", "example-project");
    let provider = recordings::registry().providers.build("watsonx", &settings).unwrap();
    assert!(provider.credentials("m").is_some(), "a token is fetched for the key");
    let ask = |model: &str, stream| {
        sent(&calls::prepare(&*provider, Operation::Chat, Dialect::OpenAi, &chat(model, stream)).unwrap())
    };
    let root = "https://us-south.ml.cloud.ibm.com/ml/v1";
    let (uri, body) = ask("ibm/granite-3-8b-instruct", true);
    assert_eq!(uri, format!("{root}/text/chat_stream?version=2024-03-13"));
    let messages = json!([{"role": "user", "content": "hi"}]);
    let expected = json!({"max_tokens": 9, "messages": messages, "model_id": "ibm/granite-3-8b-instruct",
        "project_id": "example-project"});
    assert_eq!(body, expected);
    let (uri, body) = ask("deployment/d1", false);
    assert_eq!(uri, format!("{root}/deployments/d1/text/chat?version=2024-03-13"));
    assert!(body.get("model_id").is_none() && body.get("project_id").is_none());
    let request = json!({"model": "ibm/slate", "input": ["a", "b"]});
    let exchange = calls::prepare(&*provider, Operation::Embeddings, Dialect::OpenAi, &request).unwrap();
    assert_eq!(sent(&exchange).1["inputs"], json!(["a", "b"]));
    let vectors = json!({"results": [{"embedding": [0.5]}, {"embedding": [0.25]}], "input_token_count": 4});
    let (answer, tokens) = told(exchange, &vectors);
    assert_eq!((&answer["data"][1]["embedding"], tokens), (&json!([0.25]), 4));
}

#[test]
fn watsonxs_answers_and_refusals_are_read() {
    let provider = recordings::provider("watsonx");
    let exchange = calls::prepare(
        &*provider,
        Operation::Chat,
        Dialect::Anthropic,
        &calls::request(Operation::Chat, Dialect::Anthropic, false),
    )
    .unwrap();
    let answer = json!({"id": "c1", "model_id": "ibm/g", "choices": [{"index": 0, "message": {"role": "assistant",
        "content": "hello"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}});
    let (answer, tokens) = told(exchange, &answer);
    assert_eq!((&answer["content"][0]["text"], tokens), (&json!("hello"), 4));
    let request = calls::streaming(Operation::Chat, Dialect::OpenAi);
    let exchange = calls::prepare(&*provider, Operation::Chat, Dialect::OpenAi, &request).unwrap();
    let stream = "id: 1\nevent: message\ndata: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\n\
        id: 2\nevent: message\ndata: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\n";
    let (text, report) = calls::stream_at_once(exchange.reply, stream).unwrap();
    assert!(text.contains("\"hi\"") && !report.cut_short, "{text}");
    assert_eq!(report.usage.total(), 4);
    let quota =
        r#"{"errors":[{"code":"token_quota_reached","message":"This ID has no more tokens"}],"trace":"t"}"#;
    for (status, body, kind) in [
        (403, quota, ErrorKind::PaymentRequired),
        (
            401,
            r#"{"errors":[{"code":"authentication_token_not_valid","message":"no"}]}"#,
            ErrorKind::Authentication,
        ),
        (
            429,
            r#"{"errors":[{"code":"rate_limit_reached_requests","message":"slow"}]}"#,
            ErrorKind::RateLimited,
        ),
        (
            404,
            r#"{"errors":[{"code":"model_not_supported","message":"Model 'x' is not supported"}]}"#,
            ErrorKind::NotFound,
        ),
    ] {
        let error = refused(&*provider, status, body);
        assert_eq!((error.kind(), error.message().contains('{')), (kind, false), "{error}");
    }
}

#[test]
fn sagemakers_containers_are_asked_through_its_runtime() {
    let provider = recordings::provider("sagemaker_chat");
    assert!(provider.credentials("m").is_some(), "requests are signed");
    let exchange =
        calls::prepare(&*provider, Operation::Chat, Dialect::OpenAi, &chat("my-llama", false)).unwrap();
    let (uri, body) = sent(&exchange);
    assert!(uri.ends_with(".amazonaws.com/endpoints/my-llama/invocations"), "{uri}");
    assert_eq!(body["messages"][0]["content"], "hi");
    let request = chat("my-llama", true);
    let exchange = calls::prepare(&*provider, Operation::Chat, Dialect::OpenAi, &request).unwrap();
    assert!(sent(&exchange).0.ends_with("/endpoints/my-llama/invocations-response-stream"));
    let inner = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let mut stream = BytesMut::new();
    for part in inner.as_bytes().chunks(7) {
        let headers = [(":event-type", "PayloadPart"), (":message-type", "event")];
        event_stream::write(&mut stream, &headers, part);
    }
    let (text, report) = calls::stream(exchange.reply, [stream.freeze()]).unwrap();
    assert_eq!((text.as_str(), report.cut_short), (inner, false));
}

#[test]
fn older_containers_of_sagemakers_go_on_with_a_prompt() {
    let provider = recordings::provider("sagemaker");
    let mut request = chat("my-falcon", false);
    request["stop"] = "END".into();
    let exchange = calls::prepare(&*provider, Operation::Chat, Dialect::OpenAi, &request).unwrap();
    let parameters = json!({"max_new_tokens": 9, "stop": ["END"], "return_full_text": false});
    assert_eq!(sent(&exchange).1, json!({"inputs": "hi", "parameters": parameters}));
    let (answer, _) = told(exchange, &json!([{"generated_text": "hello"}]));
    assert_eq!(answer["choices"][0]["message"]["content"], "hello");
    let request = json!({"model": "my-bge", "input": "a"});
    let exchange = calls::prepare(&*provider, Operation::Embeddings, Dialect::OpenAi, &request).unwrap();
    let (answer, _) = told(exchange, &json!({"embedding": [[0.5, 1.0]]}));
    assert_eq!(answer["data"][0]["embedding"], json!([0.5, 1.0]));
    let streamed = calls::prepare(&*provider, Operation::Chat, Dialect::OpenAi, &chat("my-falcon", true));
    assert_eq!(streamed.err().unwrap().param(), Some("stream"));
    let body = r#"{"ErrorCode":"CLIENT_ERROR_FROM_MODEL","Message":"Received client error (422) from primary","OriginalStatusCode":422}"#;
    assert_eq!(refused(&*provider, 424, body).kind(), ErrorKind::Unprocessable);
    let denied = refused(
        &*provider,
        403,
        r#"{"message":"User is not authorized to perform: sagemaker:InvokeEndpoint"}"#,
    );
    assert_eq!(denied.kind(), ErrorKind::PermissionDenied);
}

#[test]
fn hugging_faces_embeddings_are_asked_for_in_its_servers_form() {
    let embed = |base: Option<&str>| {
        let mut settings = llmux_core::ProviderSettings::default();
        settings.base_url = base.map(str::to_owned);
        let provider = recordings::registry().providers.build("huggingface", &settings).unwrap();
        let request = json!({"model": "BAAI/bge-m3", "input": ["a", "b"], "normalize": true});
        let exchange = calls::prepare(&*provider, Operation::Embeddings, Dialect::OpenAi, &request).unwrap();
        let chat = calls::prepare(&*provider, Operation::Chat, Dialect::OpenAi, &chat("m", false)).unwrap();
        (sent(&exchange), sent(&chat).0, exchange)
    };
    let native = json!({"inputs": ["a", "b"], "normalize": true});
    let ((uri, body), chats, exchange) = embed(None);
    let models = "https://router.huggingface.co/hf-inference/models";
    assert_eq!((uri, body), (format!("{models}/BAAI/bge-m3/pipeline/feature-extraction"), native.clone()));
    assert_eq!(chats, "https://router.huggingface.co/v1/chat/completions");
    let (answer, _) = told(exchange, &json!([[0.5], [0.25]]));
    assert_eq!(answer["data"][1]["embedding"], json!([0.25]));
    let endpoint = "https://x.endpoints.huggingface.cloud";
    let ((uri, body), chats, _) = embed(Some(endpoint));
    assert_eq!((uri, body), (format!("{endpoint}/"), native));
    assert_eq!(chats, format!("{endpoint}/v1/chat/completions"));
    let ((uri, body), ..) = embed(Some("https://x.endpoints.huggingface.cloud/v1"));
    assert_eq!((uri, &body["input"]), (format!("{endpoint}/v1/embeddings"), &json!(["a", "b"])));
}
