//! A streamed answer, for a client: server-sent events with a type each.

use bytes::BytesMut;
use llmux_core::{Dialect, Error, Usage};
use serde_json::{Value, json};

use super::{citation::write_citation, finish::write_finish, logprobs::write_logprobs, usage::write_usage};
use crate::{
    chat::{Citation, Event, FinishReason},
    sse, stream,
};

/// How much of an answer's text is kept, in bytes: citations name their places in it.
const MAX_TEXT: usize = 1 << 20;

/// Writes a streamed answer: the first alternative, since there is one message.
#[derive(Debug, Default)]
pub struct StreamWriter {
    open: Option<Open>,
    /// Content blocks so far.
    blocks: u32,
    citations: u32,
    text: String,
    usage: Usage,
    finish: Option<FinishReason>,
    ended: bool,
}

/// What is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    Call(u32),
}

impl StreamWriter {
    /// A writer at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn close(&mut self, out: &mut BytesMut) {
        match self.open.take() {
            None => {}
            Some(Open::Call(index)) => put(out, "tool-call-end", &json!({ "index": index })),
            Some(Open::Text | Open::Thinking) => {
                put(out, "content-end", &json!({ "index": self.blocks }));
                self.blocks = self.blocks.saturating_add(1);
            }
        }
    }

    fn content(&mut self, block: Open, text: &str, out: &mut BytesMut) {
        let name = if block == Open::Thinking { "thinking" } else { "text" };
        if self.open != Some(block) {
            self.close(out);
            self.open = Some(block);
            let content = json!({ "type": name, name: "" });
            let delta = json!({ "message": { "content": content } });
            put(out, "content-start", &json!({ "index": self.blocks, "delta": delta }));
        }
        let delta = json!({ "message": { "content": { name: text } } });
        put(out, "content-delta", &json!({ "index": self.blocks, "delta": delta }));
    }

    fn call(&mut self, index: u32, id: &str, name: &str, out: &mut BytesMut) {
        self.close(out);
        self.open = Some(Open::Call(index));
        let function = json!({ "name": name, "arguments": "" });
        let call = json!({ "id": id, "type": "function", "function": function });
        put(
            out,
            "tool-call-start",
            &json!({ "index": index, "delta": { "message": { "tool_calls": call } } }),
        );
    }

    fn citation(&mut self, citation: &Citation, out: &mut BytesMut) {
        let index = self.citations;
        self.citations = index.saturating_add(1);
        let citation = write_citation(citation, &self.text);
        let delta = json!({ "message": { "citations": citation } });
        put(out, "citation-start", &json!({ "index": index, "delta": delta }));
        put(out, "citation-end", &json!({ "index": index }));
    }

    fn logprobs(&self, value: &Value, out: &mut BytesMut) {
        for item in write_logprobs(value) {
            let delta = json!({ "message": { "content": { "text": "" } } });
            put(out, "content-delta", &json!({ "index": self.blocks, "delta": delta, "logprobs": item }));
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.ended = true;
        self.close(out);
        let reason = self.finish.as_ref().map_or("COMPLETE", write_finish);
        let delta = json!({ "finish_reason": reason, "usage": write_usage(&self.usage) });
        put(out, "message-end", &json!({ "delta": delta }));
        sse::write(out, "", b"[DONE]");
    }
}

/// Appends an event of this type.
fn put(out: &mut BytesMut, kind: &str, fields: &Value) {
    let mut event = serde_json::Map::new();
    event.insert("type".into(), kind.into());
    event.extend(fields.as_object().cloned().unwrap_or_default());
    sse::write(out, kind, Value::Object(event).to_string().as_bytes());
}

impl stream::StreamWriter for StreamWriter {
    fn event(&mut self, event: Event, out: &mut BytesMut) {
        if self.ended {
            return;
        }
        match event {
            Event::Start { id, .. } => {
                let message = json!({
                    "role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": [],
                });
                put(out, "message-start", &json!({ "id": id, "delta": { "message": message } }));
            }
            Event::Text { choice: 0, text } | Event::Refusal { choice: 0, text } if !text.is_empty() => {
                if self.text.len().saturating_add(text.len()) <= MAX_TEXT {
                    self.text.push_str(&text);
                }
                self.content(Open::Text, &text, out);
            }
            Event::Reasoning { choice: 0, text } if !text.is_empty() => {
                self.content(Open::Thinking, &text, out);
            }
            Event::ToolCall { choice: 0, call, id, name } => self.call(call, &id, &name, out),
            Event::Arguments { choice: 0, call, json } if !json.is_empty() => {
                let calls = json!({ "function": { "arguments": json } });
                let delta = json!({ "message": { "tool_calls": calls } });
                put(out, "tool-call-delta", &json!({ "index": call, "delta": delta }));
            }
            Event::Citation { choice: 0, citation } => self.citation(&citation, out),
            Event::Logprobs { choice: 0, value } => self.logprobs(&value, out),
            Event::Opaque { choice: 0, dialect: Dialect::Cohere, value } => {
                put(out, "tool-plan-delta", &json!({ "delta": { "message": value } }));
            }
            Event::Finish { choice: 0, reason } => self.finish = Some(reason),
            Event::Usage(usage) => self.usage.update(&usage),
            Event::Ping => out.extend_from_slice(b": ping\n\n"),
            Event::Error(error) => self.error(&error, out),
            Event::End => self.end(out),
            _ => {}
        }
    }

    /// A turn that failed ends in Cohere's own words for that.
    fn error(&mut self, error: &Error, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.ended, true) {
            write_error_event(error, out);
        }
    }
}

/// Appends the event that ends a failed turn.
pub(super) fn write_error_event(error: &Error, out: &mut BytesMut) {
    let delta = json!({ "error": error.message(), "finish_reason": "ERROR" });
    put(out, "message-end", &json!({ "delta": delta }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cohere, stream::StreamReader as _, stream::StreamWriter as _};

    fn events() -> Vec<Event> {
        let call = |call| Event::ToolCall { choice: 0, call, id: format!("c{call}"), name: "f".into() };
        vec![
            Event::Start { id: "i".into(), model: String::new(), created: None, service_tier: None },
            Event::Reasoning { choice: 0, text: "hm".into() },
            Event::Text { choice: 0, text: "so".into() },
            call(0),
            Event::Arguments { choice: 0, call: 0, json: "{}".into() },
            call(1),
            Event::Arguments { choice: 0, call: 1, json: r#"{"x":1}"#.into() },
            Event::Finish { choice: 0, reason: FinishReason::ToolCalls },
            Event::Usage(Usage::default()),
            Event::End,
        ]
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (mut writer, mut out) = (StreamWriter::new(), BytesMut::new());
        events().into_iter().for_each(|event| writer.event(event, &mut out));
        let (mut reader, mut read) = (cohere::StreamReader::new(), Vec::new());
        reader.push(&out, &mut read).unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", events()));
        let kinds: Vec<_> = std::str::from_utf8(&out)
            .unwrap()
            .lines()
            .filter_map(|line| line.strip_prefix("event: "))
            .collect();
        let content = ["content-start", "content-delta", "content-end"];
        let call = ["tool-call-start", "tool-call-delta", "tool-call-end"];
        let expected = [&["message-start"][..], &content, &content, &call, &call, &["message-end"]].concat();
        assert_eq!(kinds, expected);
    }

    #[test]
    fn a_failure_ends_the_message() {
        let (mut writer, mut out) = (StreamWriter::new(), BytesMut::new());
        writer.error(&Error::upstream(llmux_core::ErrorKind::Connection, "broke off"), &mut out);
        writer.event(Event::End, &mut out);
        let expected = "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"error\":\"broke off\",\
            \"finish_reason\":\"ERROR\"}}\n\n";
        assert_eq!(out, expected);
    }
}
