//! A streamed chat completion, for a client.

use bytes::BytesMut;
use llmux_core::{Dialect, Error, Usage};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    answer_write::{write_image, write_tier},
    error::write_error,
    message_write::write_annotation,
    usage::write_usage,
};
use crate::{
    chat::{Citation, Event},
    sse, stream,
};

/// A chunk, with the fields in the order of OpenAI's own.
#[derive(Serialize)]
struct Chunk<'a, C: Serialize> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: &'a C,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Value>,
}

/// An alternative that goes on.
#[derive(Serialize)]
struct ChunkChoice<D: Serialize> {
    index: u32,
    delta: D,
    logprobs: (),
    finish_reason: (),
}

/// What most deltas hold.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum More<'a> {
    Content(&'a str),
    ReasoningContent(&'a str),
    ToolCalls([MoreOfCall<'a>; 1]),
}

#[derive(Serialize)]
struct MoreOfCall<'a> {
    index: u32,
    function: MoreArguments<'a>,
}

#[derive(Serialize)]
struct MoreArguments<'a> {
    arguments: &'a str,
}

/// Writes events as chunks of a chat completion.
pub struct StreamWriter {
    id: String,
    model: String,
    created: u64,
    service_tier: Option<String>,
    include_usage: bool,
    usage: Usage,
    /// Whether the chunk that names the role has gone out.
    opened: bool,
    thinking: String,
    /// Images so far.
    images: usize,
}

impl StreamWriter {
    /// A writer at the start of a stream. `created` (seconds since 1970) is used where the provider gives no
    /// time; `include_usage` is the client's `stream_options.include_usage`.
    #[must_use]
    pub fn new(created: u64, include_usage: bool) -> Self {
        Self {
            id: String::new(),
            model: String::new(),
            created,
            service_tier: None,
            include_usage,
            usage: Usage::default(),
            opened: false,
            thinking: String::new(),
            images: 0,
        }
    }

    fn chunk(&self, choices: &impl Serialize, usage: Option<Value>, out: &mut BytesMut) {
        let chunk = Chunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created,
            model: &self.model,
            choices,
            service_tier: self.service_tier.as_deref().map(write_tier),
            usage: self.include_usage.then(|| usage.unwrap_or(Value::Null)),
        };
        sse::write_json(out, "", &chunk);
    }

    /// More of what is said: most of a stream. The role has been named before.
    fn more(&self, choice: u32, more: More<'_>, out: &mut BytesMut) {
        self.chunk(&[ChunkChoice { index: choice, delta: more, logprobs: (), finish_reason: () }], None, out);
    }

    fn delta(&mut self, choice: u32, mut delta: Value, out: &mut BytesMut) {
        if !self.opened {
            self.opened = true;
            if let Some(object) = delta.as_object_mut() {
                object.shift_insert(0, "role".into(), "assistant".into());
            }
        }
        self.chunk(&[ChunkChoice { index: choice, delta, logprobs: (), finish_reason: () }], None, out);
    }

    fn citation(&mut self, choice: u32, citation: &Citation, out: &mut BytesMut) {
        let mut delta = Map::new();
        if let Some(annotation) = write_annotation(citation) {
            delta.insert("annotations".into(), json!([annotation]));
        }
        if let Some((dialect, raw)) = &citation.raw
            && *dialect != Dialect::OpenAi
        {
            delta.insert("provider_specific_fields".into(), json!({ "citation": raw }));
        }
        if !delta.is_empty() {
            self.delta(choice, Value::Object(delta), out);
        }
    }

    fn signature(&mut self, choice: u32, signature: &str, out: &mut BytesMut) {
        let thinking = std::mem::take(&mut self.thinking);
        let block = json!({ "type": "thinking", "thinking": thinking, "signature": signature });
        self.delta(choice, json!({ "thinking_blocks": [block] }), out);
    }

    /// A block that has no form of OpenAI's own.
    fn block(&mut self, choice: u32, block: &Value, out: &mut BytesMut) {
        let delta = match write_image(block, self.images) {
            Some(image) => {
                self.images = self.images.saturating_add(1);
                json!({ "images": [image] })
            }
            None => json!({ "provider_specific_fields": { "content_blocks": [block] } }),
        };
        self.delta(choice, delta, out);
    }

    fn end(&mut self, out: &mut BytesMut) {
        if self.include_usage {
            let usage = write_usage(&self.usage);
            self.chunk(&json!([]), Some(usage), out);
        }
        sse::write(out, "", b"[DONE]");
    }
}

impl stream::StreamWriter for StreamWriter {
    fn event(&mut self, event: Event, out: &mut BytesMut) {
        match event {
            Event::Start { id, model, created, service_tier } => {
                self.id = id;
                self.model = model;
                self.created = created.unwrap_or(self.created);
                self.service_tier = service_tier;
                self.delta(0, json!({ "content": "" }), out);
            }
            Event::Text { choice, text } if self.opened => self.more(choice, More::Content(&text), out),
            Event::Text { choice, text } => self.delta(choice, json!({ "content": text }), out),
            Event::Refusal { choice, text } => self.delta(choice, json!({ "refusal": text }), out),
            Event::Reasoning { choice, text } => {
                self.thinking.push_str(&text);
                if self.opened {
                    self.more(choice, More::ReasoningContent(&text), out);
                } else {
                    self.delta(choice, json!({ "reasoning_content": text }), out);
                }
            }
            Event::ReasoningSignature { choice, signature } => self.signature(choice, &signature, out),
            Event::RedactedReasoning { choice, data } => {
                let block = json!({ "type": "redacted_thinking", "data": data });
                self.delta(choice, json!({ "thinking_blocks": [block] }), out);
            }
            Event::ToolCall { choice, call, id, name } => {
                let function = json!({ "name": name, "arguments": "" });
                let call = json!({ "index": call, "id": id, "type": "function", "function": function });
                self.delta(choice, json!({ "tool_calls": [call] }), out);
            }
            Event::Arguments { choice, call, json } => {
                let call = MoreOfCall { index: call, function: MoreArguments { arguments: &json } };
                self.more(choice, More::ToolCalls([call]), out);
            }
            Event::Citation { choice, citation } => self.citation(choice, &citation, out),
            Event::Logprobs { choice, value } => {
                let choices =
                    json!([{ "index": choice, "delta": {}, "logprobs": value, "finish_reason": null }]);
                self.chunk(&choices, None, out);
            }
            Event::Opaque { choice, value, .. } => self.block(choice, &value, out),
            Event::Finish { choice, reason } => {
                let choices = json!([
                    { "index": choice, "delta": {}, "logprobs": null, "finish_reason": reason.openai() }
                ]);
                self.chunk(&choices, None, out);
            }
            Event::Usage(usage) => self.usage.update(&usage),
            // A comment: clients skip it, and the connection shows life.
            Event::Ping => out.extend_from_slice(b": ping\n\n"),
            Event::Error(error) => self.error(&error, out),
            Event::End => self.end(out),
        }
    }

    fn error(&mut self, error: &Error, out: &mut BytesMut) {
        sse::write(out, "", &write_error(error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{chat::FinishReason, stream::StreamWriter as _};

    fn write(include_usage: bool, events: Vec<Event>) -> Vec<Value> {
        let (mut writer, mut out) = (StreamWriter::new(7, include_usage), BytesMut::new());
        events.into_iter().for_each(|event| writer.event(event, &mut out));
        String::from_utf8_lossy(&out)
            .split("\n\n")
            .filter_map(|frame| serde_json::from_str(frame.strip_prefix("data: ")?).ok())
            .collect()
    }

    fn start() -> Event {
        Event::Start { id: "i".into(), model: "m".into(), created: None, service_tier: None }
    }

    #[test]
    fn the_first_chunk_names_the_role_and_usage_comes_only_when_asked_for() {
        let events = || {
            vec![
                start(),
                Event::Text { choice: 0, text: "hi".into() },
                Event::Usage(Usage::default()),
                Event::Finish { choice: 0, reason: FinishReason::Stop },
                Event::End,
            ]
        };
        let plain = write(false, events());
        assert_eq!(plain[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
        assert_eq!(plain.last().unwrap()["choices"][0]["finish_reason"], "stop");
        assert!(plain.iter().all(|chunk| chunk.get("usage").is_none()));
        let asked = write(true, events());
        assert_eq!(asked.last().unwrap()["choices"], json!([]));
        assert_eq!(asked.last().unwrap()["usage"]["total_tokens"], 0);
    }

    #[test]
    fn images_that_were_drawn_are_told_as_they_come() {
        let image = |data: &str| json!({"inlineData": {"mimeType": "image/png", "data": data}});
        let drawn = |data: &str| Event::Opaque { choice: 0, dialect: Dialect::Gemini, value: image(data) };
        let chunks = write(false, vec![start(), drawn("QQ=="), drawn("Qg==")]);
        let last = &chunks[2]["choices"][0]["delta"]["images"];
        let url = json!({"url": "data:image/png;base64,Qg=="});
        assert_eq!(*last, json!([{"type": "image_url", "image_url": url, "index": 1}]));
    }

    #[test]
    fn a_signature_closes_the_reasoning_it_signs() {
        let chunks = write(
            false,
            vec![
                start(),
                Event::Reasoning { choice: 0, text: "h".into() },
                Event::Reasoning { choice: 0, text: "m".into() },
                Event::ReasoningSignature { choice: 0, signature: "s".into() },
            ],
        );
        let block = &chunks.last().unwrap()["choices"][0]["delta"]["thinking_blocks"][0];
        assert_eq!(*block, json!({"type": "thinking", "thinking": "hm", "signature": "s"}));
    }
}
