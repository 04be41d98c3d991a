//! A reader of answers, by Cohere's reference.

use serde_json::Value;

use super::{Said, Tokens, events, number, text};

pub(super) fn answer(value: &Value) -> Result<Said, String> {
    let message = &value["message"];
    if message["role"] != "assistant" || !value["id"].is_string() {
        return Err(format!("no answer: {value}"));
    }
    let mut said = Said::default();
    for item in message["content"].as_array().into_iter().flatten() {
        match item["type"].as_str() {
            Some("thinking") => said.reasoning.push_str(text(&item["thinking"])),
            Some("text") => said.text.push_str(text(&item["text"])),
            other => return Err(format!("content of type {other:?}")),
        }
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        said.calls.push(read_call(call)?);
    }
    said.usage = Some(&value["usage"]).filter(|usage| usage.is_object()).map(tokens);
    said.finish = finish(&value["finish_reason"])?;
    Ok(said)
}

/// Blocks and calls are opened, filled and closed, one after the other.
pub(super) fn stream(stream: &str) -> Result<Said, String> {
    let mut said = Said::default();
    let mut open = None;
    let mut ended = false;
    for (name, data) in events(stream) {
        if data == "[DONE]" {
            return if ended { Ok(said) } else { Err("done before the message ended".to_owned()) };
        }
        let event: Value = serde_json::from_str(&data).map_err(|error| format!("{error}: {data}"))?;
        if event["type"] != name.as_str() {
            return Err(format!("the event {name} says it is {}", event["type"]));
        }
        let message = &event["delta"]["message"];
        match name.as_str() {
            "content-start" | "tool-call-start" => {
                if open.replace(name.clone()).is_some() {
                    return Err("a block begins inside another".to_owned());
                }
                if name == "tool-call-start" {
                    said.calls.push(read_call(&message["tool_calls"])?);
                }
            }
            "content-end" | "tool-call-end" => open = None,
            "content-delta" => {
                said.reasoning.push_str(text(&message["content"]["thinking"]));
                said.text.push_str(text(&message["content"]["text"]));
            }
            "tool-call-delta" => {
                let call = said.calls.last_mut().ok_or("arguments of no call")?;
                call.1.push_str(text(&message["tool_calls"]["function"]["arguments"]));
            }
            "message-end" if event["delta"]["error"].is_string() => return Err(format!("failed: {event}")),
            "message-end" => {
                said.usage = Some(&event["delta"]["usage"]).filter(|usage| usage.is_object()).map(tokens);
                said.finish = finish(&event["delta"]["finish_reason"])?;
                ended = true;
            }
            _ => {}
        }
    }
    Err("the stream has no end".to_owned())
}

fn read_call(call: &Value) -> Result<(String, String), String> {
    if call["type"] != "function" || !call["id"].is_string() {
        return Err(format!("no call: {call}"));
    }
    let function = &call["function"];
    Ok((text(&function["name"]).to_owned(), text(&function["arguments"]).to_owned()))
}

fn finish(word: &Value) -> Result<Option<String>, String> {
    let word = match word.as_str() {
        Some("COMPLETE" | "STOP_SEQUENCE") => "stop",
        Some("MAX_TOKENS") => "length",
        Some("TOOL_CALL") => "tool_calls",
        other => return Err(format!("ended by {other:?}")),
    };
    Ok(Some(word.to_owned()))
}

fn tokens(usage: &Value) -> Tokens {
    Tokens {
        prompt: number(&usage["billed_units"]["input_tokens"]),
        completion: number(&usage["billed_units"]["output_tokens"]),
        cached: Some(number(&usage["cached_tokens"])),
        reasoning: None,
    }
}
