//! Requests in one of their several equal forms, so that they can be compared.

mod bedrock;
mod gemini;

use llmux_core::Dialect;
use serde_json::{Map, Value, json};

/// The normal form of a request.
pub(super) fn normal(dialect: Dialect, mut body: Value) -> Value {
    if dialect == Dialect::Gemini {
        return gemini::normal(body);
    }
    if dialect == Dialect::BedrockConverse {
        return bedrock::normal(body);
    }
    let fields = body.as_object_mut().unwrap();
    fields.retain(|name, value| !is_default(name, value));
    // Usage is always asked for, which a recording may have done or not.
    fields.shift_remove("stream_options");
    for tool in fields.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten() {
        tool_form(tool);
    }
    if let Some(messages) = fields.get_mut("messages").and_then(Value::as_array_mut) {
        let old = std::mem::take(messages);
        *messages = match dialect {
            Dialect::Anthropic => turns(old),
            _ => old.into_iter().map(message).collect(),
        };
    }
    match dialect {
        Dialect::Anthropic => {
            if let Some(system) = fields.get_mut("system") {
                *system = blocks(system);
            }
        }
        _ => {
            // One limit under two names; which one a host gets is in its row of the table.
            if let Some(limit) = fields.shift_remove("max_completion_tokens") {
                fields.insert("max_tokens".into(), limit);
            }
        }
    }
    body
}

fn is_default(name: &str, value: &Value) -> bool {
    value.is_null()
        || match name {
            "stream" => *value == false,
            "n" => *value == 1,
            "tools" => *value == json!([]),
            "tool_choice" => *value == "auto" || *value == json!({"type": "auto"}),
            _ => false,
        }
}

/// A tool without an empty description, and with its kind.
fn tool_form(tool: &mut Value) {
    let function = if tool["function"].is_object() { &mut tool["function"] } else { &mut *tool };
    let fields = function.as_object_mut().unwrap();
    fields.retain(|name, value| name != "description" || *value != "");
    if tool["function"].is_object() {
        tool["type"] = "function".into();
    }
}

/// A chat message with its text in one string.
fn message(mut message: Value) -> Value {
    let fields = message.as_object_mut().unwrap();
    // Mistral's own client writes `prefix` and `index` out.
    fields.retain(|name, value| !value.is_null() && (name != "prefix" || *value != false));
    if let Some(content) = fields.get_mut("content") {
        let texts: Option<Vec<_>> =
            content.as_array().and_then(|parts| parts.iter().map(|part| part["text"].as_str()).collect());
        if let Some(texts) = texts {
            *content = texts.join("\n").into();
        }
        if *content == "" {
            fields.shift_remove("content");
        }
    }
    for call in fields.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
        call.as_object_mut().unwrap().shift_remove("index");
        let arguments = &mut call["function"]["arguments"];
        if let Some(parsed) = arguments.as_str().and_then(|text| serde_json::from_str(text).ok()) {
            *arguments = parsed;
        }
    }
    message
}

/// Anthropic's messages: what one side says in a row is one turn of blocks, tool results first.
fn turns(messages: Vec<Value>) -> Vec<Value> {
    let mut turns: Vec<(Value, Vec<Value>)> = Vec::new();
    for message in messages {
        let content = blocks(&message["content"]).as_array().unwrap().clone();
        match turns.last_mut() {
            Some((role, turn)) if *role == message["role"] => turn.extend(content),
            _ => turns.push((message["role"].clone(), content)),
        }
    }
    for (_, turn) in &mut turns {
        turn.sort_by_key(|block| block["type"] != "tool_result");
    }
    turns.into_iter().map(|(role, content)| json!({"role": role, "content": content})).collect()
}

fn blocks(content: &Value) -> Value {
    match content {
        Value::Array(list) => list.iter().cloned().map(block).collect(),
        text => json!([{"type": "text", "text": text}]),
    }
}

fn block(mut block: Value) -> Value {
    if block["type"] == "tool_result" {
        let fields: &mut Map<String, Value> = block.as_object_mut().unwrap();
        fields.retain(|name, value| !(name == "is_error" && *value == false));
        if let Some(content) = fields.get_mut("content") {
            *content = blocks(content);
        }
    }
    block
}

/// The places at which two values differ, with what stands there.
pub(crate) fn differences(ours: &Value, recorded: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", ours, recorded, &mut found);
    found
}

fn compare(at: &str, ours: &Value, recorded: &Value, found: &mut Vec<String>) {
    match (ours, recorded) {
        (Value::Object(a), Value::Object(b)) => {
            let missing = b.keys().filter(|name| !a.contains_key(*name));
            for name in a.keys().chain(missing) {
                compare(&format!("{at}/{name}"), &ours[name], &recorded[name], found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{at}/{index}"), a, b, found);
            }
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
        _ if ours == recorded => {}
        _ => found.push(format!("{at}: {}, was {}", short(ours), short(recorded))),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    text.chars().take(200).collect()
}
