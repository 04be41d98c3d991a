//! Recordings of Bedrock whose form depends on the model: embeddings, counts, and Anthropic's bodies through `invoke`.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use llmux_core::{Dialect, ErrorKind, FailedReply, Operation};
use llmux_testkit::{fixtures, fixtures::Case};
use llmux_wire::bedrock::{Chunks, write_invoke_count_request};
use serde_json::{Value, json};

use crate::{calls, recordings};

fn cases(kind: &str) -> Vec<Case> {
    let mut cases = fixtures::cases_of(&["bedrock"]);
    cases.retain(|case| case.kind == kind);
    cases
}

#[test]
fn recorded_embeddings_are_asked_for_as_they_were_and_read() {
    let provider = recordings::provider("bedrock");
    for case in cases("invoke").iter().filter(|case| case.name.contains("/embeddings-")) {
        let (recorded, name) = (case.request_body().unwrap(), &case.name);
        let input =
            [&recorded["texts"], &recorded["inputText"], &recorded["singleEmbeddingParams"]["text"]["value"]]
                .into_iter()
                .find(|input| !input.is_null())
                .unwrap();
        let body = json!({"model": case.meta["model"], "input": input, "normalize": recorded["normalize"],
            "input_type": recorded["input_type"], "truncate": recorded["truncate"]});
        let exchange = calls::prepare(&*provider, Operation::Embeddings, Dialect::OpenAi, &body).unwrap();
        let (path, mut sent) = calls::sent(&exchange);
        assert_eq!(path, case.request.as_ref().unwrap()["path"], "{name}");
        // Which form vectors have is always said; the purpose is Nova's default.
        sent.as_object_mut().unwrap().shift_remove("embedding_types");
        let mut recorded = recorded.clone();
        if let Some(purpose) = recorded.pointer_mut("/singleEmbeddingParams/embeddingPurpose") {
            *purpose = "GENERIC_INDEX".into();
        }
        assert_eq!(sent, recorded, "{name}");
        let (answer, _) = calls::whole(exchange.reply, case.response.as_ref().unwrap()).unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert!(answer["data"][0]["embedding"].as_array().is_some_and(|vector| vector.len() > 10), "{name}");
    }
}

#[test]
fn recorded_counts_are_asked_for_as_they_were_and_read() {
    let provider = recordings::provider("bedrock");
    for case in cases("count_tokens") {
        let (recorded, name) = (case.request_body().unwrap(), &case.name);
        let mut body = recorded.clone();
        body["model"] = format!("us.{}", case.meta["model"].as_str().unwrap()).into();
        let dialect = Dialect::BedrockConverse;
        let exchange = calls::prepare(&*provider, Operation::CountTokens, dialect, &body).unwrap();
        let (path, sent) = calls::sent(&exchange);
        assert_eq!(
            path.replace("%3A", ":"),
            case.request.as_ref().unwrap()["path"].as_str().unwrap().replace("%3A", ":")
        );
        assert_eq!(sent, *recorded, "{name}");
        let answer = case.response.as_ref().unwrap();
        if case.status == 200 {
            let (passed, report) = calls::whole(exchange.reply, answer).unwrap();
            assert_eq!((&passed, report.usage.input > 0), (answer, true), "{name}");
        } else {
            let headers = HeaderMap::new();
            let error = provider.classify(&FailedReply::new(StatusCode::BAD_REQUEST, &headers, answer));
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{name}");
        }
    }
}

#[test]
fn an_anthropic_client_counts_through_the_body_of_invoke() {
    let provider = recordings::provider("bedrock");
    let body = json!({"model": "us.anthropic.claude-x", "max_tokens": 3, "messages": []});
    let exchange = calls::prepare(&*provider, Operation::CountTokens, Dialect::Anthropic, &body).unwrap();
    let (path, sent) = calls::sent(&exchange);
    let inner = json!({"max_tokens": 3, "messages": [], "anthropic_version": "bedrock-2023-05-31"});
    let expected: Value =
        serde_json::from_slice(&write_invoke_count_request(inner.to_string().as_bytes())).unwrap();
    assert_eq!((path.as_str(), sent), ("/model/anthropic.claude-x/count-tokens", expected));
    let (answer, _) = calls::whole(exchange.reply, &Bytes::from_static(b"{\"inputTokens\":9}")).unwrap();
    assert_eq!(answer, r#"{"input_tokens":9}"#);
}

#[test]
fn recorded_messages_pass_through_invoke_byte_by_byte() {
    let provider = recordings::provider("bedrock");
    for case in cases("invoke").iter().filter(|case| !case.name.contains("/embeddings-")) {
        let mut body = case.request_body().unwrap().clone();
        body["model"] = case.meta["model"].clone();
        let exchange = calls::prepare(&*provider, Operation::Chat, Dialect::Anthropic, &body).unwrap();
        let (path, sent) = calls::sent(&exchange);
        assert_eq!(
            (path.as_str(), &sent),
            (case.request.as_ref().unwrap()["path"].as_str().unwrap(), case.request_body().unwrap())
        );
        let answer = case.response.as_ref().unwrap();
        let (passed, report) = calls::whole(exchange.reply, answer).unwrap();
        assert_eq!((&passed, report.usage.output > 0), (answer, true), "{}", case.name);
    }
}

#[test]
fn recorded_streams_of_anthropic_come_out_of_invokes_chunks_as_they_were() {
    let provider = recordings::provider("bedrock");
    let mut body = calls::request(Operation::Chat, Dialect::Anthropic, true);
    body["model"] = "anthropic.claude-sonnet-4-20250514-v1:0".into();
    let mut cases = fixtures::cases_of(&["anthropic"]);
    cases.retain(|case| {
        case.kind == "chat" && case.stream.as_ref().is_some_and(|stream| stream.len() < 20_000)
    });
    for case in cases {
        let stream = case.stream.as_ref().unwrap();
        let wrapped = Chunks::new().push(&[&stream[..], b"\n\n"].concat());
        let exchange = calls::prepare(&*provider, Operation::Chat, Dialect::Anthropic, &body).unwrap();
        assert!(calls::sent(&exchange).0.ends_with("/invoke-with-response-stream"));
        let events = |text: &str| crate::said::events(text).collect::<Vec<_>>();
        let (answer, report) = calls::stream(exchange.reply, [wrapped]).unwrap();
        let recorded = events(std::str::from_utf8(stream).unwrap());
        assert_eq!(events(&answer), recorded, "{}", case.name);
        assert!(report.usage_reported, "{}", case.name);
    }
}
