use http::HeaderMap;
use llmux_wire::json::envelope;
use serde_json::{Value, json};

use super::*;

fn exchange(
    echo: &Arc<dyn Provider>,
    operation: Operation,
    dialect: Dialect,
    body: &Value,
) -> Result<Exchange> {
    let bytes = Bytes::from(body.to_string());
    let fields = envelope::read(&bytes).unwrap();
    let headers = HeaderMap::new();
    let stream = body["stream"] == true;
    let call = Call::new(operation, dialect, "echo", &bytes, &fields, &headers).with_stream(stream);
    echo.prepare(&call)
}

fn answered(options: Value, operation: Operation, dialect: Dialect, body: &Value) -> ScriptedReply {
    let mut settings = ProviderSettings::default();
    settings.options = options.as_object().cloned().unwrap_or_default().into();
    let echo = Echo::build(&settings).unwrap();
    match exchange(&echo, operation, dialect, body).unwrap().outgoing {
        Outgoing::Answered(reply) => reply,
        Outgoing::Send(_) => panic!("the echo needs no network"),
    }
}

fn text(reply: &ScriptedReply) -> String {
    reply.pieces.iter().map(|(_, piece)| String::from_utf8_lossy(piece)).collect()
}

fn chat(body: Value) -> Value {
    serde_json::from_str(&text(&answered(json!({}), Operation::Chat, Dialect::OpenAi, &body))).unwrap()
}

fn weather() -> Value {
    json!([{"type": "function", "function": {"name": "weather", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}}}}])
}

#[test]
fn the_last_words_come_back_with_their_usage() {
    let answer = chat(json!({"model": "echo", "messages": [{"role": "user", "content": "one two three"}]}));
    assert_eq!(answer["choices"][0]["message"]["content"], "one two three");
    assert_eq!(
        (&answer["usage"]["prompt_tokens"], &answer["usage"]["completion_tokens"]),
        (&json!(3), &json!(3))
    );
}

#[test]
fn a_tool_is_called_when_it_is_named_and_its_result_comes_back() {
    let user = json!({"role": "user", "content": "the weather please"});
    let answer = chat(json!({"model": "echo", "messages": [user], "tools": weather()}));
    let call = &answer["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(
        (&call["function"]["name"], &call["function"]["arguments"]),
        (&json!("weather"), &json!("{\"city\":\"text\"}"))
    );
    let result = json!({"role": "tool", "tool_call_id": call["id"], "content": "sunny"});
    let messages = json!([user, answer["choices"][0]["message"], result]);
    let answer = chat(json!({"model": "echo", "messages": messages, "tools": weather()}));
    assert_eq!(answer["choices"][0]["message"]["content"], "sunny");
}

#[test]
fn an_answer_is_cut_at_the_token_limit() {
    let answer =
        chat(json!({"model": "echo", "max_tokens": 2, "messages": [{"role": "user", "content": "a b c"}]}));
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
    assert_eq!(answer["choices"][0]["message"]["content"], "a b ");
}

#[test]
fn streams_come_in_either_dialect() {
    let body = json!({"model": "echo", "stream": true, "max_tokens": 9, "messages": [{"role": "user", "content": "a b"}]});
    let openai = text(&answered(json!({}), Operation::Chat, Dialect::OpenAi, &body));
    assert!(openai.ends_with("data: [DONE]\n\n"), "{openai}");
    let anthropic = text(&answered(json!({}), Operation::Chat, Dialect::Anthropic, &body));
    assert!(anthropic.starts_with("event: message_start\n") && anthropic.contains("event: message_stop\n"));
}

#[test]
fn faults_are_made_on_request() {
    let body = json!({"model": "echo", "stream": true, "messages": [{"role": "user", "content": "a b c d"}]});
    let cut = answered(json!({"cut_after": 2}), Operation::Chat, Dialect::OpenAi, &body);
    assert_eq!((cut.pieces.len(), cut.cut), (2, true));
    let busy =
        answered(json!({"status": 429, "retry_after_ms": 1500}), Operation::Chat, Dialect::OpenAi, &body);
    assert_eq!((busy.status.as_u16(), busy.headers["retry-after-ms"].to_str().unwrap()), (429, "1500"));
}

#[test]
fn a_fault_that_is_none_is_refused_by_name() {
    let mut settings = ProviderSettings::default();
    settings.options.set("status", 200);
    assert_eq!(Echo::build(&settings).err().unwrap().param(), Some("echo.status"));
}
