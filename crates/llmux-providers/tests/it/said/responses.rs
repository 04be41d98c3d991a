//! A reader of responses, by OpenAI's reference.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Said, Tokens, events, number, text};

pub(super) fn answer(value: &Value) -> Result<Said, String> {
    if value["object"] != "response" || !value["created_at"].is_u64() || !value["id"].is_string() {
        return Err(format!("no response: {value}"));
    }
    let mut said = Said {
        model: Some(text(&value["model"]).to_owned()),
        usage: value["usage"].is_object().then(|| tokens(&value["usage"])),
        ..Said::default()
    };
    for item in value["output"].as_array().ok_or("no output")? {
        add(&mut said, item)?;
    }
    said.finish = Some(finish(value, !said.calls.is_empty())?.to_owned());
    Ok(said)
}

fn add(said: &mut Said, item: &Value) -> Result<(), String> {
    match text(&item["type"]) {
        "message" => {
            for part in item["content"].as_array().ok_or("no content")? {
                said.text.push_str(text(&part["text"]));
                said.text.push_str(text(&part["refusal"]));
            }
        }
        "reasoning" => {
            let summary = item["summary"].as_array().ok_or("no summary")?;
            said.reasoning.extend(summary.iter().map(|part| text(&part["text"])));
            said.redacted |= text(&item["encrypted_content"]).contains(":redacted:");
        }
        "function_call" if !text(&item["call_id"]).is_empty() => {
            said.calls.push((text(&item["name"]).to_owned(), text(&item["arguments"]).to_owned()));
        }
        _ => return Err(format!("no item: {item}")),
    }
    Ok(())
}

fn finish(response: &Value, calls: bool) -> Result<&str, String> {
    match (text(&response["status"]), text(&response["incomplete_details"]["reason"])) {
        ("completed", "") => Ok(if calls { "tool_calls" } else { "stop" }),
        ("incomplete", "max_output_tokens") => Ok("length"),
        ("incomplete", "content_filter") => Ok("content_filter"),
        _ => Err(format!("no end: {response}")),
    }
}

fn tokens(usage: &Value) -> Tokens {
    Tokens {
        prompt: number(&usage["input_tokens"]),
        completion: number(&usage["output_tokens"]),
        cached: Some(number(&usage["input_tokens_details"]["cached_tokens"])),
        reasoning: usage["output_tokens_details"]["reasoning_tokens"].as_u64(),
    }
}

/// What has been streamed of the output: each item with what its deltas add up to.
#[derive(Default)]
struct Output(BTreeMap<u64, Streamed>);

#[derive(Default)]
struct Streamed {
    item: Value,
    /// What the deltas of its parts add up to.
    parts: BTreeMap<u64, String>,
    open_part: Option<u64>,
    done: bool,
}

/// The order of events is part of the dialect: numbers count up; an item is added before its parts, a part before
/// its deltas; what is done is what the deltas add up to, and what the last event holds.
pub(super) fn stream(stream: &str) -> Result<Said, String> {
    let mut output = Output::default();
    let mut end = None;
    for (number, (name, data)) in events(stream).enumerate() {
        let event: Value = serde_json::from_str(&data).map_err(|error| format!("{error}: {data}"))?;
        let kind = text(&event["type"]);
        let misplaced = || format!("misplaced: {data}");
        let first = ["response.created", "response.in_progress"];
        let begins = first.get(number).is_none_or(|first| *first == kind);
        if name != kind || event["sequence_number"] != number || end.is_some() || !begins {
            return Err(misplaced());
        }
        match kind {
            "response.created" | "response.in_progress" => {}
            "response.completed" | "response.incomplete" => end = Some(event["response"].clone()),
            _ => output.add(kind, &event).ok_or_else(misplaced)?,
        }
    }
    let end = end.ok_or("the stream has no end")?;
    let whole: Value = output.0.values().map(|streamed| streamed.item.clone()).collect();
    if output.0.values().any(|streamed| !streamed.done) || whole != end["output"] {
        return Err(format!("the items were {whole}, the end says {}", end["output"]));
    }
    answer(&end)
}

impl Output {
    fn add(&mut self, kind: &str, event: &Value) -> Option<()> {
        let at = event["output_index"].as_u64()?;
        if kind == "response.output_item.added" {
            let item = event["item"].clone();
            return (at == self.0.len() as u64 && item["id"].is_string()).then(|| {
                self.0.insert(at, Streamed { item, ..Streamed::default() });
            });
        }
        let streamed = self.0.get_mut(&at).filter(|streamed| !streamed.done)?;
        if kind == "response.output_item.done" {
            let item = &event["item"];
            let fits = item["id"] == streamed.item["id"] && streamed.fits(item);
            streamed.item = item.clone();
            streamed.done = true;
            return fits.then_some(());
        }
        (event["item_id"] == streamed.item["id"]).then_some(())?;
        streamed.part(kind.strip_prefix("response.")?, event)
    }
}

impl Streamed {
    fn part(&mut self, kind: &str, event: &Value) -> Option<()> {
        let index = event["content_index"].as_u64().or(event["summary_index"].as_u64()).unwrap_or(0);
        match kind {
            "content_part.added" | "reasoning_summary_part.added" => {
                (self.open_part.is_none() && index == self.parts.len() as u64).then_some(())?;
                self.open_part = Some(index);
                self.parts.insert(index, String::new());
            }
            "content_part.done" | "reasoning_summary_part.done" => {
                let part = &event["part"];
                let whole = part["text"].as_str().or(part["refusal"].as_str())?;
                (self.open_part.take() == Some(index) && self.parts[&index] == whole).then_some(())?;
            }
            "output_text.delta" | "refusal.delta" | "reasoning_summary_text.delta" => {
                (self.open_part == Some(index)).then_some(())?;
                self.parts.get_mut(&index)?.push_str(event["delta"].as_str()?);
            }
            "output_text.done" | "refusal.done" | "reasoning_summary_text.done" => {
                let whole = event["text"].as_str().or(event["refusal"].as_str())?;
                (self.open_part == Some(index) && self.parts[&index] == whole).then_some(())?;
            }
            "output_text.annotation.added" => (self.open_part == Some(index)).then_some(())?,
            "function_call_arguments.delta" => {
                self.parts.entry(0).or_default().push_str(event["delta"].as_str()?);
            }
            "function_call_arguments.done" => {
                let whole = event["arguments"].as_str()?;
                let so_far = self.parts.entry(0).or_default();
                if so_far.is_empty() {
                    "{}".clone_into(so_far);
                }
                (whole == so_far && event["name"] == self.item["name"]).then_some(())?;
            }
            _ => return None,
        }
        Some(())
    }

    /// Whether the finished item holds what was streamed.
    fn fits(&self, item: &Value) -> bool {
        let parts = item["content"].as_array().or(item["summary"].as_array());
        let texts: Vec<Value> = match parts {
            Some(parts) => {
                parts.iter().map(|part| part.get("text").or(part.get("refusal")).unwrap().clone()).collect()
            }
            None => vec![item["arguments"].clone()],
        };
        self.open_part.is_none() && json!(texts) == self.parts.values().cloned().collect::<Value>()
    }
}
