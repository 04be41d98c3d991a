//! Recorded requests, read and written again.

use llmux_core::Shaping;
use llmux_testkit::fixtures;
use llmux_wire::{anthropic, chat::Fit};
use serde_json::{Map, Value, json};

/// Hints on a client's tools that the neutral model does not carry: what Anthropic loads when.
const TOOL_HINTS: [&str; 1] = ["defer_loading"];

/// Reads a body as a client's request and writes it for a provider.
fn through_the_model(body: &Value, name: &str) -> Value {
    let request = anthropic::read_request(body.to_string().as_bytes());
    let request = request.unwrap_or_else(|error| panic!("{name}: {error}"));
    let shaping = Shaping::default();
    let mut fit = Fit::new("anthropic", &shaping);
    let written = anthropic::write_request(&request, body["model"].as_str().unwrap(), &mut fit);
    let written = written.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(fit.into_dropped(), Vec::<String>::new(), "{name}");
    serde_json::from_slice(&written).unwrap()
}

/// A request in one of its several equal forms: blocks for texts, one turn for what one side says in a row, tool
/// results first, no values that are the default.
fn normal(mut body: Value) -> Value {
    let fields = body.as_object_mut().unwrap();
    fields.retain(|name, value| !(value.is_null() || name == "stream" && value == false));
    if let Some(system) = fields.get_mut("system") {
        *system = blocks(system);
    }
    for tool in fields.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten() {
        let tool = tool.as_object_mut().unwrap();
        tool.retain(|name, _| !TOOL_HINTS.contains(&name.as_str()));
    }
    let mut turns: Vec<(Value, Vec<Value>)> = Vec::new();
    for message in fields["messages"].as_array().unwrap() {
        let content = blocks(&message["content"]).as_array().unwrap().clone();
        match turns.last_mut() {
            Some((role, turn)) if *role == message["role"] => turn.extend(content),
            _ => turns.push((message["role"].clone(), content)),
        }
    }
    for (_, turn) in &mut turns {
        turn.sort_by_key(|block| block["type"] != "tool_result");
    }
    turns.retain(|(_, turn)| !turn.is_empty());
    let turns = turns.into_iter().map(|(role, content)| json!({"role": role, "content": content}));
    fields.insert("messages".into(), turns.collect());
    default_lifetimes(&mut body);
    body
}

fn blocks(content: &Value) -> Value {
    let Value::Array(list) = content else { return json!([{"type": "text", "text": content}]) };
    let spoken =
        list.iter().filter(|block| !block["text"].as_str().is_some_and(|text| text.trim().is_empty()));
    spoken.cloned().map(result).collect()
}

/// A tool result in its normal form; other blocks as they are.
fn result(mut block: Value) -> Value {
    if block["type"] == "tool_result" {
        let fields: &mut Map<String, Value> = block.as_object_mut().unwrap();
        fields.retain(|name, value| !(name == "is_error" && value == false));
        if let Some(content) = fields.get_mut("content") {
            *content = blocks(content);
        }
        fields.retain(|name, value| !(name == "content" && value == &json!([])));
    }
    block
}

/// Five minutes are what a cache mark means without a lifetime; the neutral model carries nothing else of it.
fn default_lifetimes(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(default_lifetimes),
        Value::Object(fields) => {
            if fields.get("type").is_some_and(|kind| kind == "ephemeral") {
                fields.retain(|name, value| name == "type" || name == "ttl" && value != "5m");
            }
            fields.values_mut().for_each(default_lifetimes);
        }
        _ => {}
    }
}

#[test]
fn recorded_requests_pass_through_the_neutral_model_unchanged() {
    for case in super::chats() {
        let Some(body) = case.request_body().filter(|body| body.get("messages").is_some()) else { continue };
        assert_eq!(normal(through_the_model(body, &case.name)), normal(body.clone()), "{}", case.name);
    }
}

#[test]
fn requests_of_clients_pass_through_the_neutral_model_unchanged() {
    for request in fixtures::client_requests("messages") {
        let written = through_the_model(&request.body, &request.name);
        assert_eq!(normal(written), normal(request.body.clone()), "{}", request.name);
    }
}

#[test]
fn requests_for_a_count_are_read_without_a_token_limit() {
    for request in fixtures::client_requests("count-tokens") {
        let read = anthropic::read_count_request(request.body.to_string().as_bytes());
        assert!(!read.unwrap().messages.is_empty(), "{}", request.name);
    }
}
