//! A reader of answers, by Ollama's reference.

use serde_json::Value;

use super::{Said, Tokens, number, text};

pub(super) fn answer(value: &Value) -> Result<Said, String> {
    let mut said = Said::default();
    add(&mut said, value)?;
    if said.finish.is_some() { Ok(said) } else { Err("the answer is not done".to_owned()) }
}

/// Every line is an answer in pieces; the last one is done.
pub(super) fn stream(stream: &str) -> Result<Said, String> {
    let mut said = Said::default();
    for line in stream.lines() {
        if said.finish.is_some() {
            return Err(format!("more after the end: {line}"));
        }
        add(&mut said, &serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?)?;
    }
    if said.finish.is_some() { Ok(said) } else { Err("the stream has no end".to_owned()) }
}

fn add(said: &mut Said, line: &Value) -> Result<(), String> {
    if line["error"].is_string() {
        return Err(format!("failed: {line}"));
    }
    let message = &line["message"];
    if message["role"] != "assistant" || !message["content"].is_string() || !line["created_at"].is_string() {
        return Err(format!("no answer: {line}"));
    }
    said.model = Some(text(&line["model"]).to_owned());
    said.text.push_str(text(&message["content"]));
    said.reasoning.push_str(text(&message["thinking"]));
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let function = &call["function"];
        if !function["arguments"].is_object() {
            return Err(format!("arguments must be an object: {call}"));
        }
        said.calls.push((text(&function["name"]).to_owned(), function["arguments"].to_string()));
    }
    if line["done"] == true {
        let calls = !said.calls.is_empty();
        said.finish = Some(match line["done_reason"].as_str() {
            Some("stop") if calls => "tool_calls".to_owned(),
            other => other.unwrap_or_default().to_owned(),
        });
        said.usage = Some(Tokens {
            prompt: number(&line["prompt_eval_count"]),
            completion: number(&line["eval_count"]),
            cached: None,
            reasoning: None,
        });
    }
    Ok(())
}
