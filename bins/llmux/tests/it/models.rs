use serde_json::{Value, json};

use crate::run::llmux;
use crate::stub::{Answer, Stub};

fn list() -> Value {
    json!({"object": "list", "data": [
        {"id": "llmux/echo", "object": "model", "owned_by": "llmux"},
        {"id": "small", "object": "model"},
    ]})
}

#[tokio::test]
async fn models_are_a_table() {
    let stub = Stub::always(Answer::json(200, &list())).await;
    let outcome = llmux(&["models", "--url", &stub.url()]).await;
    assert_eq!(outcome.out, "MODEL       OWNER\nllmux/echo  llmux\nsmall       -\n");
    assert_eq!((outcome.code, stub.seen()[0].path.as_str()), (0, "/v1/models"));
    assert_eq!(stub.seen()[0].authorization, None);
}

#[tokio::test]
async fn models_as_json_are_the_servers_answer() {
    let stub = Stub::always(Answer::json(200, &list())).await;
    let outcome = llmux(&["models", "--json", "--url", &format!("{}/openai/v1", stub.url())]).await;
    assert_eq!(serde_json::from_str::<Value>(&outcome.out).unwrap(), list());
    assert_eq!(stub.seen()[0].path, "/openai/v1/models");
}

#[tokio::test]
async fn something_else_than_a_list_is_an_error() {
    let stub = Stub::always(Answer::json(200, &json!({"hello": "there"}))).await;
    let outcome = llmux(&["models", "--url", &stub.url()]).await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.starts_with("error: unexpected answer: no list of models"), "{}", outcome.err);
}
