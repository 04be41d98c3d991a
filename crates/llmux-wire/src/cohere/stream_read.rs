//! A streamed answer, as the provider sends it: server-sent events with a type each.

use llmux_core::{Dialect, Result};
use serde_json::Value;

use super::{
    answer_read::{bad, no_answer, plan, text},
    citation::{is_of_text, read_citation},
    finish::read_finish,
    logprobs::read_logprobs,
    usage::read_usage,
};
use crate::{
    chat::Event,
    sse::{Decoder, SseEvent},
    stream,
};

/// Reads a streamed answer. The plan before calls comes in pieces and is told in one.
#[derive(Debug, Default)]
pub struct StreamReader {
    decoder: Decoder,
    answer: Answer,
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
        let Self { decoder, answer } = self;
        decoder.push(bytes, |event| answer.event(&event, events))
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<()> {
        let Self { decoder, answer } = self;
        decoder.finish(|event| answer.event(&event, events))
    }
}

/// The answer so far.
#[derive(Debug, Default)]
struct Answer {
    plan: String,
    /// Tool calls so far.
    calls: u32,
    /// Whether the last of them has arguments yet.
    argued: bool,
    over: bool,
}

impl Answer {
    fn event(&mut self, event: &SseEvent, events: &mut Vec<Event>) -> Result<()> {
        if self.over || &event.data[..] == b"[DONE]" {
            return Ok(());
        }
        let value: Value = serde_json::from_slice(&event.data).map_err(|error| bad(&error.to_string()))?;
        let message = value.pointer("/delta/message").unwrap_or(&Value::Null);
        match value.get("type").and_then(Value::as_str) {
            Some("message-start") => events.push(Event::Start {
                id: text(&value, "id"),
                model: String::new(),
                created: None,
                service_tier: None,
            }),
            Some("content-start" | "content-delta") => Self::content(&value, message, events),
            Some("tool-plan-delta") => self.plan.push_str(&text(message, "tool_plan")),
            Some("tool-call-start") => self.call(message, events),
            Some("tool-call-delta") => {
                let arguments = message.pointer("/tool_calls/function/arguments").and_then(Value::as_str);
                self.arguments(arguments.unwrap_or_default(), events);
            }
            Some("citation-start") => {
                let citation = message.get("citations").filter(|citation| is_of_text(citation));
                events.extend(
                    citation.map(|value| Event::Citation { choice: 0, citation: read_citation(value) }),
                );
            }
            Some("message-end") => self.end(&value, events),
            Some(_) => {}
            None => {
                self.over = true;
                events.push(Event::Error(no_answer(&value)));
            }
        }
        Ok(())
    }

    fn content(value: &Value, message: &Value, events: &mut Vec<Event>) {
        let content = message.get("content").unwrap_or(&Value::Null);
        let (thought, words) = (text(content, "thinking"), text(content, "text"));
        if !thought.is_empty() {
            events.push(Event::Reasoning { choice: 0, text: thought });
        }
        if !words.is_empty() {
            events.push(Event::Text { choice: 0, text: words });
        }
        if let Some(item) = value.get("logprobs").filter(|item| item.is_object()) {
            let value = read_logprobs(std::slice::from_ref(item));
            events.push(Event::Logprobs { choice: 0, value });
        }
    }

    fn call(&mut self, message: &Value, events: &mut Vec<Event>) {
        self.planned(events);
        self.close_call(events);
        let call = message.get("tool_calls").unwrap_or(&Value::Null);
        let function = call.get("function").unwrap_or(&Value::Null);
        events.push(Event::ToolCall {
            choice: 0,
            call: self.calls,
            id: text(call, "id"),
            name: text(function, "name"),
        });
        self.calls = self.calls.saturating_add(1);
        self.argued = false;
        self.arguments(&text(function, "arguments"), events);
    }

    fn arguments(&mut self, json: &str, events: &mut Vec<Event>) {
        // The word of a model that has nothing to say; an object is expected.
        if json.is_empty() || (!self.argued && json == "null") {
            return;
        }
        self.argued = true;
        let call = self.calls.saturating_sub(1);
        events.push(Event::Arguments { choice: 0, call, json: json.to_owned() });
    }

    /// A call without arguments has an empty object of them.
    fn close_call(&mut self, events: &mut Vec<Event>) {
        if self.calls > 0 && !self.argued {
            self.arguments("{}", events);
        }
    }

    fn planned(&mut self, events: &mut Vec<Event>) {
        let text = std::mem::take(&mut self.plan);
        if !text.is_empty() {
            events.push(Event::Opaque { choice: 0, dialect: Dialect::Cohere, value: plan(&text) });
        }
    }

    fn end(&mut self, value: &Value, events: &mut Vec<Event>) {
        self.over = true;
        self.planned(events);
        self.close_call(events);
        let delta = value.get("delta").unwrap_or(&Value::Null);
        let word = delta.get("finish_reason").and_then(Value::as_str).unwrap_or("COMPLETE");
        match read_finish(word, delta.get("error").and_then(Value::as_str)) {
            Ok(reason) => {
                let usage = delta.get("usage").filter(|usage| usage.is_object());
                events.push(Event::Finish { choice: 0, reason });
                events.extend(usage.map(|usage| Event::Usage(read_usage(usage))));
                events.push(Event::End);
            }
            Err(error) => events.push(Event::Error(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stream::StreamReader as _;

    fn read(frames: &[Value]) -> String {
        let stream: String = frames.iter().map(|frame| format!("data: {frame}\n\n")).collect();
        let (mut reader, mut events) = (StreamReader::new(), Vec::new());
        reader.push(stream.as_bytes(), &mut events).unwrap();
        reader.finish(&mut events).unwrap();
        format!("{events:?}")
    }

    #[test]
    fn a_call_without_arguments_has_an_empty_object() {
        let start = |id: &str| {
            let call = json!({"id": id, "type": "function", "function": {"name": "f", "arguments": ""}});
            json!({"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": call}}})
        };
        let null = json!({"type": "tool-call-delta", "index": 1,
            "delta": {"message": {"tool_calls": {"function": {"arguments": "null"}}}}});
        let end = json!({"type": "message-end", "delta": {"finish_reason": "TOOL_CALL"}});
        let events = read(&[start("a"), start("b"), null, end]);
        assert_eq!(events.matches(r#"json: "{}""#).count(), 2, "{events}");
    }

    #[test]
    fn a_failed_turn_is_an_error() {
        let end = json!({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "broken"}});
        assert!(read(&[json!({"type": "message-start", "id": "i"}), end]).contains("broken"));
        assert!(read(&[json!({"message": "no such model"})]).contains("no such model"));
    }
}
