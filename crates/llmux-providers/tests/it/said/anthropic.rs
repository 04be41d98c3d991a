//! A reader of messages, by Anthropic's reference.

use serde_json::Value;

use super::{Said, Tokens, events, number, text};

pub(super) fn answer(value: &Value) -> Result<Said, String> {
    if value["type"] != "message" || value["role"] != "assistant" || !value["id"].is_string() {
        return Err(format!("no message: {value}"));
    }
    let mut said = Said {
        model: Some(text(&value["model"]).to_owned()),
        finish: finish(&value["stop_reason"]),
        usage: Some(tokens(&value["usage"])),
        ..Said::default()
    };
    for block in value["content"].as_array().ok_or("no content")? {
        begin(&mut said, block);
        if block["type"] == "tool_use" {
            if !block["input"].is_object() {
                return Err(format!("arguments must be an object: {block}"));
            }
            said.calls.last_mut().unwrap().1 = block["input"].to_string();
        }
    }
    Ok(said)
}

/// The order of events is part of the dialect: a message begins and stops once; blocks begin and stop one
/// after another, counted up.
pub(super) fn stream(stream: &str) -> Result<Said, String> {
    let mut said = Said::default();
    let (mut begun, mut stopped) = (false, false);
    let (mut open, mut blocks, mut calling) = (None, 0, false);
    let mut usage = Value::Null;
    for (name, data) in events(stream) {
        let event: Value = serde_json::from_str(&data).map_err(|error| format!("{error}: {data}"))?;
        let kind = text(&event["type"]).to_owned();
        let misplaced = || Err(format!("misplaced: {data}"));
        if name != kind || stopped || (kind == "message_start") == begun {
            return misplaced();
        }
        match kind.as_str() {
            "message_start" => {
                begun = true;
                said.model = Some(text(&event["message"]["model"]).to_owned());
                usage = event["message"]["usage"].clone();
            }
            "content_block_start" if open.is_none() && event["index"] == blocks => {
                open = Some(blocks);
                blocks += 1;
                calling = event["content_block"]["type"] == "tool_use";
                begin(&mut said, &event["content_block"]);
            }
            "content_block_delta" if open.is_some_and(|at| event["index"] == at) => {
                delta(&mut said, &event["delta"], calling);
            }
            "content_block_stop" if open.is_some_and(|at| event["index"] == at) => open = None,
            "message_delta" if open.is_none() => {
                said.finish = finish(&event["delta"]["stop_reason"]);
                for (name, value) in event["usage"].as_object().into_iter().flatten() {
                    usage[name] = value.clone();
                }
            }
            "message_stop" if open.is_none() => stopped = true,
            "ping" => {}
            _ => return misplaced(),
        }
    }
    said.usage = Some(tokens(&usage));
    if stopped { Ok(said) } else { Err("the stream has no end".to_owned()) }
}

fn begin(said: &mut Said, block: &Value) {
    match text(&block["type"]) {
        "text" => said.text.push_str(text(&block["text"])),
        "thinking" => said.reasoning.push_str(text(&block["thinking"])),
        "redacted_thinking" => said.redacted = true,
        "tool_use" => said.calls.push((text(&block["name"]).to_owned(), String::new())),
        _ => {}
    }
}

fn delta(said: &mut Said, delta: &Value, calling: bool) {
    match text(&delta["type"]) {
        "text_delta" => said.text.push_str(text(&delta["text"])),
        "thinking_delta" => said.reasoning.push_str(text(&delta["thinking"])),
        "input_json_delta" if calling => {
            said.calls.last_mut().unwrap().1.push_str(text(&delta["partial_json"]))
        }
        _ => {}
    }
}

/// The table of OpenAI's and Anthropic's words, by their references.
fn finish(word: &Value) -> Option<String> {
    let openai = match word.as_str()? {
        "end_turn" | "stop_sequence" | "pause_turn" => "stop",
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        other => other,
    };
    Some(openai.to_owned())
}

fn tokens(usage: &Value) -> Tokens {
    let cached = number(&usage["cache_read_input_tokens"]);
    Tokens {
        prompt: number(&usage["input_tokens"]) + cached + number(&usage["cache_creation_input_tokens"]),
        completion: number(&usage["output_tokens"]),
        cached: Some(cached),
        reasoning: usage["output_tokens_details"]["thinking_tokens"].as_u64(),
    }
}
