//! A reader of chat completions, by OpenAI's reference.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Said, Tokens, events, number, text};

pub(super) fn answer(value: &Value) -> Result<Said, String> {
    if value["object"] != "chat.completion" || !value["created"].is_u64() || !value["id"].is_string() {
        return Err(format!("no chat completion: {value}"));
    }
    let choice = &value["choices"][0];
    let message = &choice["message"];
    let mut said = Said {
        model: Some(text(&value["model"]).to_owned()),
        finish: choice["finish_reason"].as_str().map(str::to_owned),
        usage: tokens(&value["usage"]),
        ..Said::default()
    };
    add(&mut said, message);
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let function = &call["function"];
        if call["type"] != "function" || text(&call["id"]).is_empty() {
            return Err(format!("no tool call: {call}"));
        }
        said.calls.push((text(&function["name"]).to_owned(), text(&function["arguments"]).to_owned()));
    }
    Ok(said)
}

pub(super) fn stream(stream: &str) -> Result<Said, String> {
    let mut said = Said::default();
    let mut calls: BTreeMap<u64, (String, String)> = BTreeMap::new();
    let mut done = false;
    let mut begun = false;
    for (_, data) in events(stream) {
        if done {
            return Err(format!("something follows the end: {data}"));
        }
        if data == "[DONE]" {
            done = true;
            continue;
        }
        let chunk: Value = serde_json::from_str(&data).map_err(|error| format!("{error}: {data}"))?;
        if !chunk["error"].is_null() || chunk["object"] != "chat.completion.chunk" {
            return Err(format!("no chunk: {data}"));
        }
        if let Some(usage) = tokens(&chunk["usage"]) {
            said.usage = Some(usage);
        }
        said.model = Some(text(&chunk["model"]).to_owned());
        let Some(choice) = chunk["choices"].get(0) else { continue };
        let delta = &choice["delta"];
        if begun == (delta["role"] == "assistant") {
            return Err(format!("the first chunk, and no other, names the role: {data}"));
        }
        begun = true;
        if said.finish.is_some() {
            return Err(format!("something follows the finish reason: {data}"));
        }
        add(&mut said, delta);
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            piece(&mut calls, call)?;
        }
        said.finish = choice["finish_reason"].as_str().map(str::to_owned);
    }
    said.calls = calls.into_values().collect();
    if done { Ok(said) } else { Err("the stream has no end".to_owned()) }
}

fn add(said: &mut Said, message: &Value) {
    said.text.push_str(text(&message["content"]));
    said.text.push_str(text(&message["refusal"]));
    said.reasoning.push_str(text(&message["reasoning_content"]));
    for block in message["thinking_blocks"].as_array().into_iter().flatten() {
        said.redacted |= block["type"] == "redacted_thinking";
    }
}

/// A call begins with id and name; its arguments follow.
fn piece(calls: &mut BTreeMap<u64, (String, String)>, call: &Value) -> Result<(), String> {
    let index = call["index"].as_u64().ok_or_else(|| format!("a call without index: {call}"))?;
    let function = &call["function"];
    if !calls.contains_key(&index) {
        if call["type"] != "function" || text(&call["id"]).is_empty() || index != calls.len() as u64 {
            return Err(format!("no beginning of a call: {call}"));
        }
        calls.insert(index, (text(&function["name"]).to_owned(), String::new()));
    }
    calls.get_mut(&index).unwrap().1.push_str(text(&function["arguments"]));
    Ok(())
}

fn tokens(usage: &Value) -> Option<Tokens> {
    usage.is_object().then(|| Tokens {
        prompt: number(&usage["prompt_tokens"]),
        completion: number(&usage["completion_tokens"]),
        cached: Some(number(&usage["prompt_tokens_details"]["cached_tokens"])),
        reasoning: usage["completion_tokens_details"]["reasoning_tokens"].as_u64(),
    })
}
