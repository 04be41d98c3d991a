//! A reader of Converse's answers, by the service's published model.

use serde_json::Value;

use super::{Said, Tokens, events, number, text};

pub(super) fn answer(value: &Value) -> Result<Said, String> {
    let message = &value["output"]["message"];
    if message["role"] != "assistant" || !value["metrics"]["latencyMs"].is_u64() {
        return Err(format!("no answer: {value}"));
    }
    let mut said = Said {
        finish: Some(finish(&value["stopReason"])?),
        usage: Some(tokens(&value["usage"])?),
        ..Said::default()
    };
    for block in message["content"].as_array().ok_or("no content")? {
        if block.as_object().is_none_or(|fields| fields.len() != 1) {
            return Err(format!("a block is of one kind: {block}"));
        }
        let call = &block["toolUse"];
        if call.is_object() {
            if !call["input"].is_object() || !call["toolUseId"].is_string() {
                return Err(format!("no call: {block}"));
            }
            said.calls.push((text(&call["name"]).to_owned(), call["input"].to_string()));
        }
        let reasoning = &block["reasoningContent"];
        said.redacted |= reasoning["redactedContent"].is_string();
        said.reasoning.push_str(text(&reasoning["reasoningText"]["text"]));
        said.text.push_str(text(&block["text"]));
        for piece in block["citationsContent"]["content"].as_array().into_iter().flatten() {
            said.text.push_str(text(&piece["text"]));
        }
    }
    Ok(said)
}

/// The order of events is part of the dialect: blocks stop one after another, counted up; only those of tools are
/// announced; the reason to stop comes before the usage.
pub(super) fn stream(stream: &str) -> Result<Said, String> {
    let mut said = Said::default();
    let (mut begun, mut block, mut calling) = (false, 0, false);
    for (name, data) in events(stream) {
        let event: Value = serde_json::from_str(&data).map_err(|error| format!("{error}: {data}"))?;
        let misplaced = || Err(format!("misplaced: {name} {data}"));
        let own = event["contentBlockIndex"] == block;
        if name == "error" {
            return Err(format!("failed: {data}"));
        }
        if (name == "messageStart") == begun || said.usage.is_some() {
            return misplaced();
        }
        match name.as_str() {
            "messageStart" if event["role"] == "assistant" => begun = true,
            "contentBlockStart" if own && !calling && event["start"]["toolUse"]["toolUseId"].is_string() => {
                calling = true;
                said.calls.push((text(&event["start"]["toolUse"]["name"]).to_owned(), String::new()));
            }
            "contentBlockDelta" if own => delta(&mut said, &event["delta"], calling)?,
            "contentBlockStop" if own => {
                block += 1;
                calling = false;
            }
            "messageStop" if said.finish.is_none() => said.finish = Some(finish(&event["stopReason"])?),
            "metadata" if said.finish.is_some() && event["metrics"]["latencyMs"].is_u64() => {
                said.usage = Some(tokens(&event["usage"])?);
            }
            _ => return misplaced(),
        }
    }
    if said.usage.is_some() { Ok(said) } else { Err("the stream has no end".to_owned()) }
}

fn delta(said: &mut Said, delta: &Value, calling: bool) -> Result<(), String> {
    if delta["toolUse"].is_object() != calling {
        return Err(format!("of another block: {delta}"));
    }
    if calling {
        said.calls.last_mut().unwrap().1.push_str(text(&delta["toolUse"]["input"]));
    }
    said.text.push_str(text(&delta["text"]));
    let reasoning = &delta["reasoningContent"];
    said.reasoning.push_str(text(&reasoning["text"]));
    said.redacted |= reasoning["redactedContent"].is_string();
    Ok(())
}

fn finish(reason: &Value) -> Result<String, String> {
    Ok(match text(reason) {
        "end_turn" | "stop_sequence" => "stop",
        "tool_use" => "tool_calls",
        "max_tokens" | "model_context_window_exceeded" => "length",
        "content_filtered" | "guardrail_intervened" => "content_filter",
        other => return Err(format!("no reason to stop: {other:?}")),
    }
    .to_owned())
}

fn tokens(usage: &Value) -> Result<Tokens, String> {
    let figure = |name: &str| number(&usage[name]);
    let cached = figure("cacheReadInputTokens");
    let prompt = figure("inputTokens") + cached + figure("cacheWriteInputTokens");
    let completion = figure("outputTokens");
    if usage["totalTokens"] != prompt + completion {
        return Err(format!("the total is not the sum: {usage}"));
    }
    Ok(Tokens { prompt, completion, cached: Some(cached), reasoning: None })
}
