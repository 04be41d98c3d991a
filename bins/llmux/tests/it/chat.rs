use serde_json::json;

use crate::run::{llmux, llmux_with_input};
use crate::stub::{Answer, Stub};

#[tokio::test]
async fn a_stream_is_shown_as_text() {
    let stub = Stub::always(Answer::stream(&["Hello", ", ", "world"])).await;
    let outcome = llmux(&["chat", "--url", &stub.url(), "--key", "sk-1", "--model", "m", "Hi"]).await;
    assert_eq!((outcome.code, outcome.out.as_str(), outcome.err.as_str()), (0, "Hello, world\n", ""));
    let seen = &stub.seen()[0];
    assert_eq!(seen.path, "/v1/chat/completions");
    assert_eq!(seen.authorization.as_deref(), Some("Bearer sk-1"));
    assert_eq!(
        seen.body,
        json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": true})
    );
}

#[tokio::test]
async fn a_whole_answer_is_shown_too() {
    let stub = Stub::always(Answer::json(
        200,
        &json!({
            "choices": [{"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 1},
        }),
    ))
    .await;
    let args = ["chat", "--url", &stub.url(), "--system", "Be short", "--no-stream", "--usage", "Hi"];
    let outcome = llmux(&args).await;
    assert_eq!((outcome.code, outcome.out.as_str()), (0, "Hello\n"));
    assert!(outcome.err.starts_with("5 tokens in, 1 out; after "), "{}", outcome.err);
    let body = &stub.seen()[0].body;
    assert_eq!(body["messages"][0], json!({"role": "system", "content": "Be short"}));
    assert_eq!((&body["model"], body.get("stream")), (&json!("llmux/echo"), None));
}

#[tokio::test]
async fn usage_of_a_stream_is_asked_for_and_told() {
    let stub = Stub::always(Answer::stream(&["a"])).await;
    let outcome = llmux(&["chat", "--url", &stub.url(), "--usage", "Hi"]).await;
    assert!(outcome.err.contains("7 tokens in, 3 out; first token after "), "{}", outcome.err);
    assert_eq!(stub.seen()[0].body["stream_options"], json!({"include_usage": true}));
}

#[tokio::test]
async fn the_prompt_may_come_from_standard_input() {
    let stub = Stub::always(Answer::stream(&["ok"])).await;
    let outcome = llmux_with_input(&["chat", "--url", &stub.url()], "from a file\n").await;
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    assert_eq!(stub.seen()[0].body["messages"][0]["content"], "from a file");
}

#[tokio::test]
async fn no_prompt_at_all_is_an_error() {
    let outcome = llmux(&["chat", "--url", "http://127.0.0.1:9"]).await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains("no prompt"), "{}", outcome.err);
}

#[tokio::test]
async fn a_refusal_names_status_type_code_and_call() {
    let error = json!({"error": {"message": "bad key", "type": "auth_error", "code": "invalid_api_key"}});
    let stub = Stub::always(Answer::json(401, &error)).await;
    let outcome = llmux(&["chat", "--url", &stub.url(), "Hi"]).await;
    assert_eq!((outcome.code, outcome.out.as_str()), (1, ""));
    assert_eq!(
        outcome.err,
        "error: 401 Unauthorized: bad key (type auth_error, code invalid_api_key, call call-1)\n"
    );
}

#[tokio::test]
async fn an_error_in_a_stream_keeps_the_text_before_it() {
    let stub = Stub::always(Answer::events(
        "data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\ndata: {\"error\":{\"message\":\"overloaded\"}}\n\n",
    ))
    .await;
    let outcome = llmux(&["chat", "--url", &stub.url(), "Hi"]).await;
    assert_eq!((outcome.code, outcome.out.as_str()), (1, "half\n"));
    assert_eq!(outcome.err, "error: overloaded\n");
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_an_error() {
    let stub =
        Stub::always(Answer::events("data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\n")).await;
    let outcome = llmux(&["chat", "--url", &stub.url(), "Hi"]).await;
    assert_eq!((outcome.code, outcome.out.as_str()), (1, "half\n"));
    assert!(outcome.err.contains("ended before the answer did"), "{}", outcome.err);
}

#[tokio::test]
async fn an_unreachable_server_is_named() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let outcome = llmux(&["chat", "--url", &format!("http://{closed}"), "Hi"]).await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.starts_with(&format!("error: cannot reach http://{closed}: ")), "{}", outcome.err);
}
