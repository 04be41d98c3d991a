use serde_json::{Value, json};

use crate::run::llmux;
use crate::stub::{Answer, Stub};

fn explanation() -> Value {
    json!({"model": "m", "group": "m", "chosen": "first", "error": null, "fallbacks": ["other"], "deployments": [
        {"id": "first", "provider": "openai", "excluded": null, "in_flight": 0, "rpm": 0, "tpm": 0},
        {"id": "second", "provider": "azure", "excluded": "cooldown", "detail": "rate limited (429)"},
    ]})
}

#[tokio::test]
async fn a_choice_is_a_table_of_deployments_and_why_they_are_left_out() {
    let stub = Stub::always(Answer::json(200, &explanation())).await;
    let outcome = llmux(&["route", "explain", "m", "--tag", "eu", "--url", &stub.url()]).await;
    assert_eq!(
        outcome.out,
        "DEPLOYMENT  PROVIDER      STATE\n\
         first       openai        chosen\n\
         second      azure         cooldown: rate limited (429)\n"
    );
    assert!(outcome.err.contains("Fallbacks: other"), "{}", outcome.err);
    assert_eq!((outcome.code, stub.seen()[0].path.as_str()), (0, "/v1/router/explain"));
}

#[tokio::test]
async fn a_choice_as_json_is_the_servers_answer() {
    let stub = Stub::always(Answer::json(200, &explanation())).await;
    let outcome = llmux(&["route", "explain", "m", "--json", "--url", &stub.url()]).await;
    assert_eq!(serde_json::from_str::<Value>(&outcome.out).unwrap(), explanation());
}
