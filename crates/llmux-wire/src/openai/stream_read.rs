//! A streamed chat completion, as OpenAI-like providers send it.

use std::collections::HashMap;

use llmux_core::{Result, Usage};
use serde::Deserialize;
use serde_json::Value;

use super::{
    answer_read::{WireFunction, bad, read_annotation, read_finish, reasoning_text},
    error::read_stream_error,
    reasoning, usage,
};
use crate::{
    chat::{Content, Event},
    sse::{Decoder, SseEvent},
    stream,
};

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    created: Option<f64>,
    #[serde(default)]
    choices: Option<Vec<ChunkChoice>>,
    #[serde(default)]
    usage: Option<usage::Wire>,
    #[serde(default)]
    service_tier: Option<String>,
    #[serde(default)]
    error: Option<Value>,
    /// Groq reports usage here.
    #[serde(default)]
    x_groq: Option<Beside>,
}

#[derive(Deserialize)]
struct Beside {
    #[serde(default)]
    usage: Option<usage::Wire>,
}

#[derive(Deserialize)]
struct ChunkChoice {
    #[serde(default)]
    index: Option<u32>,
    #[serde(default)]
    delta: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    logprobs: Option<Value>,
    /// Moonshot reports usage here.
    #[serde(default)]
    usage: Option<usage::Wire>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta {
    content: Option<Value>,
    refusal: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    reasoning_details: Option<Vec<Value>>,
    thinking_blocks: Option<Vec<Value>>,
    tool_calls: Option<Vec<ToolDelta>>,
    function_call: Option<WireFunction>,
    annotations: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct ToolDelta {
    #[serde(default)]
    index: Option<u32>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Option<WireFunction>,
}

/// Reads a streamed chat completion into events.
#[derive(Default)]
pub struct StreamReader {
    decoder: Decoder,
    state: State,
}

#[derive(Default)]
struct State {
    started: bool,
    done: bool,
    /// Choices that began, and whether each is finished.
    choices: HashMap<u32, Progress>,
}

#[derive(Default)]
struct Progress {
    finished: bool,
    calls: u32,
    /// The id of the call that is being written, for hosts that send no index.
    last_id: String,
    last_call: u32,
}

impl StreamReader {
    /// A reader at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl stream::StreamReader for StreamReader {
    fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<()> {
        let Self { decoder, state } = self;
        decoder.push(bytes, |event| state.read(&event, events))
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<()> {
        let Self { decoder, state } = self;
        decoder.finish(|event| state.read(&event, events))?;
        // Some hosts close the connection instead of sending [DONE]; a finished answer is complete all the same.
        let complete = !state.choices.is_empty() && state.choices.values().all(|choice| choice.finished);
        if !state.done && complete {
            state.done = true;
            events.push(Event::End);
        }
        Ok(())
    }
}

impl State {
    fn read(&mut self, event: &SseEvent, events: &mut Vec<Event>) -> Result<()> {
        if self.done {
            return Ok(());
        }
        let data = event.data.trim_ascii();
        if data == b"[DONE]" {
            self.done = true;
            events.push(Event::End);
            return Ok(());
        }
        if data.is_empty() {
            events.push(Event::Ping);
            return Ok(());
        }
        let chunk: Chunk = serde_json::from_slice(data).map_err(|error| bad(data, error))?;
        if let Some(error) = chunk.error {
            events.push(Event::Error(read_stream_error(&serde_json::json!({ "error": error }))));
            return Ok(());
        }
        if event.name == "error" {
            let value = serde_json::from_slice(data).unwrap_or_default();
            events.push(Event::Error(read_stream_error(&value)));
            return Ok(());
        }
        self.chunk(chunk, events);
        Ok(())
    }

    fn chunk(&mut self, chunk: Chunk, events: &mut Vec<Event>) {
        if !self.started {
            self.started = true;
            events.push(Event::Start {
                id: chunk.id.unwrap_or_default(),
                model: chunk.model.unwrap_or_default(),
                created: chunk.created.map(|seconds| seconds as u64),
                service_tier: chunk.service_tier,
            });
        }
        let mut usage = chunk.usage.or(chunk.x_groq.and_then(|beside| beside.usage));
        for choice in chunk.choices.unwrap_or_default() {
            let index = choice.index.unwrap_or_default();
            let progress = self.choices.entry(index).or_default();
            if let Some(delta) = choice.delta {
                progress.delta(index, delta, events);
            }
            if let Some(value) = choice.logprobs.filter(|value| !value.is_null()) {
                events.push(Event::Logprobs { choice: index, value });
            }
            let reason = read_finish(choice.finish_reason.as_deref(), progress.calls > 0);
            if let Some(reason) = reason.filter(|_| !progress.finished) {
                progress.finished = true;
                events.push(Event::Finish { choice: index, reason });
            }
            usage = usage.or(choice.usage);
        }
        if let Some(usage) = usage.map(|wire| wire.buckets()).filter(|usage: &Usage| !usage.is_empty()) {
            events.push(Event::Usage(usage));
        }
    }
}

impl Progress {
    fn delta(&mut self, choice: u32, delta: Delta, events: &mut Vec<Event>) {
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        let details = delta.reasoning_details;
        let plain = some(delta.reasoning_content).or(some(delta.reasoning));
        if let Some(text) = plain.or_else(|| some(details.as_deref().map(reasoning::read_details))) {
            events.push(Event::Reasoning { choice, text });
        }
        for block in reasoning::read_blocks(delta.thinking_blocks, details.as_ref()) {
            match block {
                Content::Reasoning { signature: Some(signature), .. } => {
                    events.push(Event::ReasoningSignature { choice, signature });
                }
                Content::RedactedReasoning(data) => events.push(Event::RedactedReasoning { choice, data }),
                _ => {}
            }
        }
        match delta.content {
            Some(Value::String(text)) if !text.is_empty() => events.push(Event::Text { choice, text }),
            Some(Value::Array(items)) => items.iter().for_each(|item| content_part(choice, item, events)),
            _ => {}
        }
        if let Some(text) = some(delta.refusal) {
            events.push(Event::Refusal { choice, text });
        }
        for annotation in delta.annotations.unwrap_or_default() {
            events.push(Event::Citation { choice, citation: read_annotation(&annotation) });
        }
        for call in delta.tool_calls.unwrap_or_default() {
            self.tool(choice, call, events);
        }
        let begun = self.calls > 0;
        if let Some(function) = delta.function_call.filter(|function| begun || function.is_named()) {
            self.tool(choice, ToolDelta { index: Some(0), id: None, function: Some(function) }, events);
        }
    }

    /// A call begins when its index is new, or, where the host sends no index, when its id is.
    fn tool(&mut self, choice: u32, delta: ToolDelta, events: &mut Vec<Event>) {
        let id = delta.id.unwrap_or_default();
        let fresh_id = !id.is_empty() && id != self.last_id;
        let call = match delta.index {
            Some(index) => index,
            None if self.calls == 0 || fresh_id => self.calls,
            None => self.last_call,
        };
        let (name, json) = match &delta.function {
            Some(function) => (function.name.clone().unwrap_or_default(), function.arguments_text()),
            None => Default::default(),
        };
        if call >= self.calls {
            self.calls = call.saturating_add(1);
            self.last_id.clone_from(&id);
            let id = if id.is_empty() { format!("call_{call}") } else { id };
            events.push(Event::ToolCall { choice, call, id, name });
        }
        self.last_call = call;
        if !json.is_empty() {
            events.push(Event::Arguments { choice, call, json });
        }
    }
}

/// A part of content that is sent as an array: text, or reasoning in Mistral's or Databricks' form.
fn content_part(choice: u32, item: &Value, events: &mut Vec<Event>) {
    match item.get("type").and_then(Value::as_str) {
        Some("text") => {
            if let Some(text) = item.get("text").and_then(Value::as_str) {
                events.push(Event::Text { choice, text: text.to_owned() });
            }
        }
        Some(kind @ ("thinking" | "reasoning")) => {
            let text = reasoning_text(item, kind);
            if !text.is_empty() {
                events.push(Event::Reasoning { choice, text });
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{chat::FinishReason, stream::StreamReader as _};

    fn read(stream: &str) -> Vec<Event> {
        let (mut reader, mut events) = (StreamReader::new(), Vec::new());
        reader.push(stream.as_bytes(), &mut events).unwrap();
        reader.finish(&mut events).unwrap();
        events
    }

    #[test]
    fn usage_is_taken_from_any_chunk() {
        for chunk in [
            r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
            r#"{"choices":[{"delta":{},"usage":{"prompt_tokens":3,"completion_tokens":4}}]}"#,
            r#"{"choices":[],"x_groq":{"usage":{"prompt_tokens":3,"completion_tokens":4}}}"#,
        ] {
            let found = read(&format!("data: {chunk}\n\n"))
                .into_iter()
                .find_map(|event| if let Event::Usage(usage) = event { Some(usage) } else { None });
            assert_eq!(found.map(|usage| usage.total()), Some(7), "{chunk}");
        }
    }

    #[test]
    fn calls_without_an_index_are_told_apart_by_their_ids() {
        let events = read(concat!(
            r#"data: {"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]}}]}"#,
            "\n\n",
            r#"data: {"choices":[{"delta":{"tool_calls":[{"id":"b","function":{"name":"g","arguments":"{}"}}]}}]}"#,
            "\n\n",
        ));
        let calls: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                Event::ToolCall { call, id, .. } => Some((*call, id.as_str())),
                _ => None,
            })
            .collect();
        assert_eq!(calls, [(0, "a"), (1, "b")]);
    }

    #[test]
    fn a_finished_answer_is_complete_without_the_done_marker_and_a_cut_one_is_not() {
        let chunk = r#"data: {"choices":[{"delta":{"content":"x"}}]}"#;
        let last = r#"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
        assert!(matches!(read(&format!("{chunk}\n\n{last}\n\n")).last(), Some(Event::End)));
        assert!(!read(&format!("{chunk}\n\n")).iter().any(|event| matches!(event, Event::End)));
    }

    #[test]
    fn an_empty_finish_reason_after_calls_means_tool_calls() {
        let events = read(concat!(
            r#"data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]},"finish_reason":""}]}"#,
            "\n\n",
        ));
        assert!(
            events.iter().any(|event| matches!(event, Event::Finish { reason: FinishReason::ToolCalls, .. }))
        );
    }

    #[test]
    fn an_error_inside_the_stream_is_an_error_event() {
        let events = read("data: {\"error\":{\"message\":\"busy\",\"code\":429}}\n\n");
        assert!(matches!(&events[0], Event::Error(error) if error.message() == "busy"));
    }
}
