use serde_json::{Value, json};

use crate::run::llmux;
use crate::stub::{Answer, Stub};

fn answer() -> Answer {
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 2});
    Answer::json(200, &json!({"choices": [{"message": {"content": "hi"}}], "usage": usage}))
}

fn report(out: &str) -> Value {
    serde_json::from_str(out).unwrap()
}

#[tokio::test]
async fn a_closed_loop_sends_exactly_its_requests() {
    let stub = Stub::always(answer()).await;
    let args = ["bench", "--url", &stub.url(), "-n", "40", "-c", "4", "--prompt-size", "2k", "--json"];
    let outcome = llmux(&args).await;
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    let report = report(&outcome.out);
    assert_eq!(
        (&report["mode"], &report["ok"], &report["failed"]),
        (&json!("closed"), &json!(40), &json!(0))
    );
    assert_eq!((&report["tokens"]["prompt"], &report["tokens"]["completion"]), (&json!(400), &json!(80)));
    assert!(report["latency_ms"]["p99"].as_f64().unwrap() >= report["latency_ms"]["p50"].as_f64().unwrap());
    let seen = stub.seen();
    assert_eq!(seen.len(), 40);
    assert_eq!(seen[0].body["messages"][0]["content"].as_str().unwrap().len(), 2048);
}

#[tokio::test]
async fn an_open_loop_sends_its_requests_and_is_named() {
    let stub = Stub::always(answer()).await;
    let outcome = llmux(&["bench", "--url", &stub.url(), "-n", "20", "--rate", "500", "--json"]).await;
    let report = report(&outcome.out);
    assert_eq!((&report["mode"], &report["ok"], stub.seen().len()), (&json!("open"), &json!(20), 20));
}

#[tokio::test]
async fn a_duration_bounds_the_load() {
    let stub = Stub::always(answer()).await;
    let outcome = llmux(&["bench", "--url", &stub.url(), "--duration", "100ms", "-c", "2", "--json"]).await;
    let report = report(&outcome.out);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    assert_eq!(report["ok"], json!(stub.seen().len()));
}

#[tokio::test]
async fn streams_tell_first_token_events_and_tokens() {
    let stub = Stub::always(Answer::stream(&["a", "b"])).await;
    let outcome = llmux(&["bench", "--url", &stub.url(), "-n", "5", "-c", "1", "--stream", "--json"]).await;
    let report = report(&outcome.out);
    assert_eq!(report["streams"]["events"], json!(20));
    assert_eq!(report["tokens"]["completion"], json!(15));
    assert!(report["streams"]["first_token_ms"]["p50"].as_f64().is_some(), "{report}");
    assert_eq!(stub.seen()[0].body["stream"], json!(true));
}

#[tokio::test]
async fn failures_are_counted_by_status_and_fail_the_run() {
    let refusal = Answer::json(429, &json!({"error": {"message": "slow down", "type": "rate_limit_error"}}));
    let stub = Stub::scripted(move |order| if order % 2 == 0 { answer() } else { refusal.clone() }).await;
    let outcome = llmux(&["bench", "--url", &stub.url(), "-n", "10", "-c", "1", "--json"]).await;
    let report = report(&outcome.out);
    assert_eq!(outcome.code, 1);
    assert_eq!((&report["ok"], &report["errors"]), (&json!(5), &json!({"429": 5})));
    assert!(report["first_error"].as_str().unwrap().contains("slow down"), "{report}");
}

#[tokio::test]
async fn the_table_shows_load_failures_and_times() {
    let stub = Stub::always(answer()).await;
    let outcome = llmux(&["bench", "--url", &stub.url(), "-n", "3", "-m", "small"]).await;
    for part in ["small at http://127.0.0.1:", "closed loop, 64 at once", "failures  none", "p99", "latency"]
    {
        assert!(outcome.out.contains(part), "`{part}` is missing in:\n{}", outcome.out);
    }
}
