//! Whole answers.

use llmux::{Deployment, ErrorKind, Llmux};
use llmux_testkit::answers;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{client, request};

#[tokio::test]
async fn an_answer_is_openais_whichever_provider_gave_it() {
    let busy = answers::openai_error(503, "server_error", "busy");
    let (llmux, transport) = client([busy], [answers::anthropic_message("hello")]);
    let answer = llmux.chat(request()).await.unwrap();
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["choices"][0]["message"]["content"], "hello");
    assert_eq!(answer["usage"]["prompt_tokens"], answers::PROMPT_TOKENS);
    let paths: Vec<_> = transport.requests().into_iter().map(|sent| sent.path).collect();
    assert_eq!(paths, ["/v1/chat/completions", "/v1/messages"]);
}

#[tokio::test]
async fn any_type_that_can_be_written_as_json_is_a_request() {
    #[derive(Serialize)]
    struct Request<'a> {
        model: &'a str,
        messages: [Message<'a>; 1],
    }
    #[derive(Serialize)]
    struct Message<'a> {
        role: &'a str,
        content: &'a str,
    }
    let llmux = Llmux::builder().deployment(Deployment::new("chat", "llmux/echo")).build().unwrap();
    let messages = [Message { role: "user", content: "typed" }];
    let answer = llmux.chat(&Request { model: "chat", messages }).await.unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], "typed");
}

#[tokio::test]
async fn a_request_for_a_stream_gets_a_whole_answer_where_one_is_wanted() {
    let (llmux, transport) = client([answers::openai_chat("hello")], []);
    let mut request = request();
    request["stream"] = true.into();
    request["stream_options"] = json!({"include_usage": true});
    assert_eq!(llmux.chat(request).await.unwrap()["choices"][0]["message"]["content"], "hello");
    let sent = transport.requests().remove(0).json();
    assert_eq!((sent.get("stream"), sent.get("stream_options")), (None, None));
}

#[tokio::test]
async fn embeddings_are_numbers() {
    let llmux = Llmux::builder().deployment(Deployment::new("embed", "llmux/echo")).build().unwrap();
    let request = json!({"model": "embed", "input": ["a", "b"], "dimensions": 4});
    let answer = llmux.embeddings(request).await.unwrap();
    assert_eq!(answer["data"][1]["embedding"].as_array().map(Vec::len), Some(4));
}

#[tokio::test]
async fn mistakes_in_a_request_are_told_by_field_and_never_sent() {
    let (llmux, transport) = client([], []);
    for (request, param, kind) in [
        (json!({"messages": []}), "model", ErrorKind::InvalidRequest),
        (json!({"model": 7}), "model", ErrorKind::InvalidRequest),
        (json!({"model": "chta"}), "model", ErrorKind::NotFound),
    ] {
        let error = llmux.chat(&request).await.unwrap_err();
        assert_eq!((error.kind(), error.param()), (kind, Some(param)), "{request}: {error}");
    }
    assert!(llmux.chat(Value::Null).await.is_err());
    assert!(transport.requests().is_empty());
}

#[tokio::test]
async fn the_last_attempts_error_is_what_the_caller_gets() {
    let (llmux, transport) = client(
        [answers::openai_error(500, "server_error", "first")],
        [answers::anthropic_error(401, "authentication_error", "second")],
    );
    let error = llmux.chat(request()).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Authentication, "second"));
    assert_eq!((error.provider(), transport.requests().len()), (Some("anthropic"), 2));
}
