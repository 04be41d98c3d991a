//! A streamed answer, for a client: server-sent events that are answers in pieces.

use bytes::BytesMut;
use llmux_core::{Error, Usage};
use serde_json::{Map, Value, json};

use super::{
    answer_write::{write_call, write_piece, write_thought},
    error::write_error,
    finish::write_finish,
    grounding::write_grounding,
    logprobs::write_logprobs,
    signature,
    usage::write_usage,
};
use crate::{
    chat::{Citation, Content, Event, FinishReason, ToolCall},
    sse, stream,
};

/// How much of an answer's text is kept, in bytes: sources name their places in it.
pub(super) const MAX_TEXT: usize = 1 << 20;

/// Writes a streamed answer. Calls are whole in this dialect, so they come with the last frame, as do reasons,
/// sources and usage.
#[derive(Debug, Default)]
pub struct StreamWriter {
    id: String,
    model: String,
    usage: Option<Usage>,
    candidates: Vec<Candidate>,
    ended: bool,
}

/// What is known of an alternative and not yet written.
#[derive(Debug, Default)]
struct Candidate {
    index: u32,
    text: String,
    calls: Vec<(u32, ToolCall)>,
    citations: Vec<Citation>,
    finish: Option<FinishReason>,
}

impl StreamWriter {
    /// A writer at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn of(&mut self, index: u32) -> &mut Candidate {
        let known = self.candidates.iter().position(|candidate| candidate.index == index);
        let known = known.map(|at| self.candidates.remove(at));
        self.candidates.push_mut(known.unwrap_or(Candidate { index, ..Candidate::default() }))
    }

    fn piece(&self, choice: u32, part: &Value, out: &mut BytesMut) {
        let content = json!({ "parts": [part], "role": "model" });
        self.frame(vec![json!({ "content": content, "index": choice })], None, out);
    }

    fn frame(&self, candidates: Vec<Value>, usage: Option<Value>, out: &mut BytesMut) {
        let mut frame = Map::new();
        frame.insert("candidates".into(), candidates.into());
        frame.extend(usage.map(|usage| ("usageMetadata".to_owned(), usage)));
        frame.insert("modelVersion".into(), self.model.as_str().into());
        frame.insert("responseId".into(), self.id.as_str().into());
        sse::write(out, "", Value::Object(frame).to_string().as_bytes());
    }

    fn content(&mut self, event: Event, out: &mut BytesMut) {
        match event {
            Event::Text { choice, text } if !text.is_empty() => {
                let said = &mut self.of(choice).text;
                if said.len().saturating_add(text.len()) <= MAX_TEXT {
                    said.push_str(&text);
                }
                self.piece(choice, &json!({ "text": text }), out);
            }
            Event::Refusal { choice, text } if !text.is_empty() => {
                self.piece(choice, &json!({ "text": text }), out);
            }
            Event::Reasoning { choice, text } if !text.is_empty() => {
                self.piece(choice, &write_thought(&text, None), out);
            }
            Event::ReasoningSignature { choice, signature } => {
                self.piece(choice, &write_thought("", Some(&signature)), out);
            }
            Event::RedactedReasoning { choice, data } => {
                self.piece(choice, &write_thought("", Some(&signature::from_redacted(&data))), out);
            }
            Event::ToolCall { choice, call, id, name } => {
                self.of(choice).calls.push((call, ToolCall { id, name, arguments: String::new() }));
            }
            Event::Arguments { choice, call, json } => {
                let calls = &mut self.of(choice).calls;
                if let Some((_, call)) = calls.iter_mut().rfind(|(number, _)| *number == call) {
                    call.arguments.push_str(&json);
                }
            }
            Event::Citation { choice, citation } => self.of(choice).citations.push(citation),
            Event::Opaque { choice, dialect, value } => {
                if let Some(part) = write_piece(&Content::Opaque { dialect, value }) {
                    self.piece(choice, &part, out);
                }
            }
            Event::Logprobs { choice, value } => {
                if let Some(figures) = write_logprobs(&value) {
                    let content = json!({ "parts": [{ "text": "" }], "role": "model" });
                    let candidate = json!({ "content": content, "logprobsResult": figures, "index": choice });
                    self.frame(vec![candidate], None, out);
                }
            }
            Event::Finish { choice, reason } => self.of(choice).finish = Some(reason),
            _ => {}
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.ended = true;
        let mut candidates = std::mem::take(&mut self.candidates);
        if candidates.is_empty() {
            candidates.push(Candidate::default());
        }
        candidates.sort_by_key(|candidate| candidate.index);
        let usage = self.usage.as_ref().map(write_usage);
        self.frame(candidates.into_iter().map(Candidate::last).collect(), usage, out);
    }
}

impl Candidate {
    /// The last frame's word on it.
    fn last(self) -> Value {
        let mut parts: Vec<_> = self.calls.iter().map(|(_, call)| write_call(call)).collect();
        if parts.is_empty() {
            parts.push(json!({ "text": "" }));
        }
        let mut out = Map::new();
        out.insert("content".into(), json!({ "parts": parts, "role": "model" }));
        out.insert("finishReason".into(), self.finish.as_ref().map_or("STOP", write_finish).into());
        out.insert("index".into(), self.index.into());
        out.extend(
            write_grounding(&self.citations, &self.text)
                .map(|grounding| ("groundingMetadata".to_owned(), grounding)),
        );
        out.into()
    }
}

impl stream::StreamWriter for StreamWriter {
    fn event(&mut self, event: Event, out: &mut BytesMut) {
        if self.ended {
            return;
        }
        match event {
            Event::Start { id, model, .. } => (self.id, self.model) = (id, model),
            Event::Usage(usage) => self.usage.get_or_insert_default().update(&usage),
            Event::Error(error) => self.error(&error, out),
            Event::End => self.end(out),
            event => self.content(event, out),
        }
    }

    fn error(&mut self, error: &Error, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.ended, true) {
            sse::write(out, "", &write_error(error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::StreamWriter as _;

    #[test]
    fn calls_reasons_and_usage_come_with_the_last_frame() {
        let (mut writer, mut out) = (StreamWriter::new(), BytesMut::new());
        let mut usage = Usage::default();
        usage.input = 3;
        for event in [
            Event::Start { id: "r".into(), model: "m".into(), created: None, service_tier: None },
            Event::Text { choice: 0, text: "a".into() },
            Event::ToolCall { choice: 0, call: 0, id: "c".into(), name: "f".into() },
            Event::Arguments { choice: 0, call: 0, json: r#"{"x""#.into() },
            Event::Arguments { choice: 0, call: 0, json: ":1}".into() },
            Event::Finish { choice: 0, reason: FinishReason::ToolCalls },
            Event::Usage(usage),
            Event::End,
        ] {
            writer.event(event, &mut out);
        }
        let text = String::from_utf8(out.to_vec()).unwrap();
        let frames: Vec<Value> = text
            .split("\n\n")
            .filter_map(|frame| Some(serde_json::from_str(frame.strip_prefix("data: ")?).unwrap()))
            .collect();
        let [first, last] = &frames[..] else { panic!("{text}") };
        assert_eq!(first["candidates"][0]["content"]["parts"], json!([{"text": "a"}]));
        let call = json!({"functionCall": {"id": "c", "name": "f", "args": {"x": 1}}});
        assert_eq!(last["candidates"][0]["content"]["parts"], json!([call]));
        assert_eq!(last["candidates"][0]["finishReason"], "STOP");
        assert_eq!(last["usageMetadata"]["promptTokenCount"], 3);
    }
}
