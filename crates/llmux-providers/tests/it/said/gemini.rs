//! A reader of answers, by Google's reference.

use serde_json::Value;

use super::{Said, Tokens, events, number, text};

pub(super) fn answer(value: &Value) -> Result<Said, String> {
    let mut said = Said::default();
    add(&mut said, value)?;
    finished(said)
}

/// Every event is an answer in pieces; nothing but the reason to end tells that one is complete.
pub(super) fn stream(stream: &str) -> Result<Said, String> {
    let mut said = Said::default();
    for (_, data) in events(stream) {
        let frame: Value = serde_json::from_str(&data).map_err(|error| format!("{error}: {data}"))?;
        add(&mut said, &frame)?;
    }
    finished(said)
}

fn finished(mut said: Said) -> Result<Said, String> {
    if said.finish.as_deref() == Some("stop") && !said.calls.is_empty() {
        said.finish = Some("tool_calls".to_owned());
    }
    if said.finish.is_some() { Ok(said) } else { Err("the answer has no end".to_owned()) }
}

fn add(said: &mut Said, frame: &Value) -> Result<(), String> {
    if frame.get("error").is_some() {
        return Err(format!("failed: {frame}"));
    }
    said.model = Some(text(&frame["modelVersion"]).to_owned());
    if frame["usageMetadata"].is_object() {
        said.usage = Some(tokens(&frame["usageMetadata"]));
    }
    let candidate = &frame["candidates"][0];
    if candidate["content"]["role"] != "model" {
        return Err(format!("no answer: {frame}"));
    }
    for part in candidate["content"]["parts"].as_array().ok_or("no parts")? {
        let call = &part["functionCall"];
        if call.is_object() {
            if !call["args"].is_object() {
                return Err(format!("arguments must be an object: {part}"));
            }
            said.calls.push((text(&call["name"]).to_owned(), call["args"].to_string()));
        } else if part["thought"] == true {
            said.redacted |= text(&part["thoughtSignature"]).starts_with("cmVkYWN0ZWQ6");
            said.reasoning.push_str(text(&part["text"]));
        } else {
            said.text.push_str(text(&part["text"]));
        }
    }
    let finish = match candidate["finishReason"].as_str() {
        None => return Ok(()),
        Some("STOP") => "stop",
        Some("MAX_TOKENS") => "length",
        Some("SAFETY") => "content_filter",
        Some(other) => other,
    };
    said.finish = Some(finish.to_owned());
    Ok(())
}

fn tokens(usage: &Value) -> Tokens {
    let reasoning = number(&usage["thoughtsTokenCount"]);
    Tokens {
        prompt: number(&usage["promptTokenCount"]),
        completion: number(&usage["candidatesTokenCount"]) + reasoning,
        cached: Some(number(&usage["cachedContentTokenCount"])),
        reasoning: usage["thoughtsTokenCount"].as_u64(),
    }
}
