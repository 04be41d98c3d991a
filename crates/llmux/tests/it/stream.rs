//! Streamed answers.

use llmux::{ChatStream, Error, ErrorKind, Result};
use llmux_testkit::{Answer, Gate, answers};
use serde_json::Value;

use crate::{client, request};

/// The text of a stream, and the error it ended with.
async fn read(mut stream: ChatStream) -> (String, Option<Error>) {
    let mut text = String::new();
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(chunk) => text += chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default(),
            Err(error) => {
                assert!(stream.next().await.is_none(), "nothing follows an error");
                return (text, Some(error));
            }
        }
    }
    (text, None)
}

#[tokio::test]
async fn chunks_are_openais_whichever_provider_streams() {
    let (llmux, transport) =
        client([answers::openai_stream(&["a ", "b"])], [answers::anthropic_stream(&["c ", "d"])]);
    let (text, error) = read(llmux.chat_stream(request()).await.unwrap()).await;
    assert_eq!((text.as_str(), error.is_none()), ("a b", true));
    transport.script_at("/v1/chat/completions", [answers::openai_error(401, "authentication_error", "no")]);
    let (text, error) = read(llmux.chat_stream(request()).await.unwrap()).await;
    assert_eq!((text.as_str(), error.is_none()), ("c d", true));
    assert!(transport.requests().iter().all(|sent| sent.json()["stream"] == true));
}

#[tokio::test]
async fn pain_23_a_stream_that_breaks_off_or_is_cut_short_ends_with_an_error() {
    let frames = [r#"data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}"#, "\n\n"];
    let cut = Answer::sse([frames.concat()]);
    let told = r#"data: {"error":{"message":"the model fell over","type":"server_error","code":503}}"#;
    let cases = [
        (cut.clone().reset_mid_stream(1), ErrorKind::Connection, "broke off"),
        (cut, ErrorKind::BadReply, "before the answer was complete"),
        (Answer::sse([frames.concat(), format!("{told}\n\n")]), ErrorKind::Unavailable, "fell over"),
    ];
    for (answer, kind, message) in cases {
        let (llmux, _) = client([answer], []);
        let (text, error) = read(llmux.chat_stream(request()).await.unwrap()).await;
        let error = error.unwrap();
        assert_eq!((text.as_str(), error.kind()), ("a", kind), "{error}");
        assert!(error.message().contains(message), "{error}");
    }
}

#[tokio::test]
async fn chunks_arrive_one_by_one_and_dropping_the_stream_cancels_the_request() {
    let gate = Gate::new();
    let (llmux, transport) = client([answers::openai_stream(&["a", "b"]).hold_after(2, &gate)], []);
    let mut stream = llmux.chat_stream(request()).await.unwrap();
    let mut next = async || -> Result<Value> { stream.next().await.unwrap() };
    next().await.unwrap();
    assert_eq!(next().await.unwrap()["choices"][0]["delta"]["content"], "a");
    drop(stream);
    transport.wait_for_disconnects(1).await;
}
