//! Answers in Ollama's own form, which no recording has, as clients of every dialect get them.

use bytes::Bytes;
use llmux_core::{Dialect, Operation};
use llmux_testkit::conformance::{self, Framing};
use serde_json::{Value, json};

use crate::{
    calls,
    recordings::{self, DIALECTS},
    rules::framing,
    said::Said,
};

/// A model that thinks, speaks and calls, by Ollama's API reference.
fn answer(streamed: bool) -> Vec<Value> {
    let line = |message: Value| json!({"model": "qwen3", "created_at": "2025-07-07T20:22:19.1Z", "message": message, "done": false});
    let calls = json!([
        {"function": {"name": "get_weather", "arguments": {"city": "Tokyo"}}},
        {"id": "call_x", "function": {"name": "read_clock", "arguments": {}}},
    ]);
    let mut end = json!({
        "model": "qwen3", "created_at": "2025-07-07T20:22:19.2Z", "message": {"role": "assistant", "content": ""},
        "done": true, "done_reason": "stop", "total_duration": 5_590_453_042_u64, "load_duration": 1, "prompt_eval_count": 169,
        "prompt_eval_duration": 2, "eval_count": 15, "eval_duration": 3,
    });
    if !streamed {
        end["message"] = json!({"role": "assistant", "content": "It is\nwarm.", "thinking": "hm, well", "tool_calls": calls});
        return vec![end];
    }
    vec![
        line(json!({"role": "assistant", "content": "", "thinking": "hm,"})),
        line(json!({"role": "assistant", "content": "", "thinking": " well"})),
        line(json!({"role": "assistant", "content": "It is"})),
        line(json!({"role": "assistant", "content": "\nwarm."})),
        line(json!({"role": "assistant", "content": "", "tool_calls": calls})),
        end,
    ]
}

fn stream() -> String {
    answer(true).iter().map(|line| format!("{line}\n")).collect()
}

fn facts() -> Value {
    json!({
        "text": "It is\nwarm.", "reasoning": "hm, well", "model": "qwen3", "finish": "tool_calls",
        "calls": [{"name": "get_weather", "args": {"city": "Tokyo"}}, {"name": "read_clock", "args": {}}],
        "usage": {"prompt": [169], "completion": [15]},
    })
}

#[test]
fn every_client_is_told_the_same() {
    let provider = recordings::provider("ollama");
    for dialect in DIALECTS {
        let request = calls::request(Operation::Chat, dialect, false);
        let reply = calls::reply(&*provider, Operation::Chat, dialect, &request);
        let body = Bytes::from(answer(false)[0].to_string());
        let (whole, report) = calls::whole(reply, &body).unwrap();
        let said = Said::in_answer(dialect, &whole).unwrap();
        assert_eq!(said.against(&facts()), Vec::<String>::new(), "{dialect}");
        assert_eq!(report.usage.total(), 184, "{dialect}");

        let request = calls::streaming(Operation::Chat, dialect);
        let reply = calls::reply(&*provider, Operation::Chat, dialect, &request);
        let (streamed, report) = calls::stream_at_once(reply, stream()).unwrap();
        let said = Said::in_stream(dialect, &streamed).unwrap();
        assert_eq!(said.against(&facts()), Vec::<String>::new(), "{dialect}");
        assert_eq!(report.usage.total(), 184, "{dialect}");
    }
}

#[test]
fn the_readers_keep_the_rules_of_replies() {
    let provider = recordings::provider("ollama");
    for dialect in DIALECTS {
        let request = calls::streaming(Operation::Chat, dialect);
        let make = || calls::reply(&*provider, Operation::Chat, dialect, &request);
        conformance::framed_reply(make, stream().as_bytes(), Framing::Lines, framing(dialect));
        conformance::reply_error(make, b"{\"error\":\"llama runner process has terminated\"}\n");
        let request = calls::request(Operation::Chat, dialect, false);
        let make = || calls::reply(&*provider, Operation::Chat, dialect, &request);
        conformance::whole_reply(make, answer(false)[0].to_string().as_bytes());
    }
}

#[test]
fn a_prompt_passes_or_is_asked_as_a_chat() {
    let body = json!({"model": "m", "prompt": "why?", "system": "be brief", "stream": false, "options": {"num_ctx": 9}});
    let exchange = |kind, body: &Value| {
        calls::prepare(&*recordings::dropping_provider(kind), Operation::Completion, Dialect::Ollama, body)
            .unwrap()
    };
    let (path, sent) = calls::sent(&exchange("ollama", &body));
    assert_eq!((path.as_str(), &sent), ("/api/generate", &body));
    let translated = exchange("openai", &body);
    let (path, sent) = calls::sent(&translated);
    assert_eq!(path, "/v1/chat/completions");
    let messages = json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": "why?"}]);
    assert_eq!((&sent["messages"], translated.dropped), (&messages, vec!["options".to_owned()]));
    let message = json!({"role": "assistant", "content": "So."});
    let answer = json!({"id": "x", "model": "gpt", "choices": [{"index": 0, "message": message, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}});
    let (whole, _) = calls::whole(translated.reply, &answer.to_string().into()).unwrap();
    let whole: Value = serde_json::from_slice(&whole).unwrap();
    assert_eq!(
        (&whole["response"], &whole["done_reason"], &whole["eval_count"]),
        (&json!("So."), &json!("length"), &json!(1))
    );
}
