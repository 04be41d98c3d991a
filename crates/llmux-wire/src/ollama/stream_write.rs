//! A streamed answer, for a client: lines that are answers in pieces, the last of which is done.

use bytes::BytesMut;
use llmux_core::{Error, Usage};
use serde_json::{Map, Value};

use super::{
    answer_write::{Form, Said, put_end},
    error::write_error,
    logprobs::write_logprobs,
    message_write::write_call,
};
use crate::{
    chat::{Event, FinishReason, ToolCall},
    ndjson, stream,
};

/// Writes a streamed answer: the first alternative, since there is one message. Calls are whole in this dialect, so
/// they come in front of the last line.
#[derive(Debug)]
pub struct StreamWriter {
    form: Form,
    created: u64,
    model: String,
    calls: Vec<(u32, ToolCall)>,
    usage: Usage,
    finish: Option<FinishReason>,
    ended: bool,
}

impl StreamWriter {
    /// A writer of an answer to a chat. `created` (seconds since 1970) is used where the provider gives no time.
    #[must_use]
    pub fn new(created: u64) -> Self {
        Self::of(Form::Chat, created)
    }

    /// A writer of an answer to a prompt, see [`new`](Self::new).
    #[must_use]
    pub fn generated(created: u64) -> Self {
        Self::of(Form::Generate, created)
    }

    fn of(form: Form, created: u64) -> Self {
        Self {
            form,
            created,
            model: String::new(),
            calls: Vec::new(),
            usage: Usage::default(),
            finish: None,
            ended: false,
        }
    }

    fn line(&self, said: Said, more: impl FnOnce(&mut Map<String, Value>), out: &mut BytesMut) {
        let mut line = self.form.object(&self.model, self.created, said);
        line.insert("done".into(), false.into());
        more(&mut line);
        ndjson::write(out, Value::Object(line).to_string().as_bytes());
    }

    fn say(&self, said: Said, out: &mut BytesMut) {
        self.line(said, |_| {}, out);
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.ended = true;
        let calls: Vec<_> = self.calls.iter().map(|(_, call)| write_call(call)).collect();
        if !calls.is_empty() {
            self.say(Said { calls, ..Said::default() }, out);
        }
        self.line(Said::default(), |line| put_end(self.finish.as_ref(), &self.usage, line), out);
    }
}

impl stream::StreamWriter for StreamWriter {
    fn event(&mut self, event: Event, out: &mut BytesMut) {
        if self.ended {
            return;
        }
        match event {
            Event::Start { model, created, .. } => {
                self.model = model;
                self.created = created.unwrap_or(self.created);
            }
            Event::Text { choice: 0, text } | Event::Refusal { choice: 0, text } if !text.is_empty() => {
                self.say(Said { text, ..Said::default() }, out);
            }
            Event::Reasoning { choice: 0, text: thinking } if !thinking.is_empty() => {
                self.say(Said { thinking, ..Said::default() }, out);
            }
            Event::ToolCall { choice: 0, call, id, name } => {
                self.calls.push((call, ToolCall { id, name, arguments: String::new() }));
            }
            Event::Arguments { choice: 0, call, json } => {
                if let Some((_, call)) = self.calls.iter_mut().rfind(|(number, _)| *number == call) {
                    call.arguments.push_str(&json);
                }
            }
            Event::Logprobs { choice: 0, value } => {
                if let Some(list) = write_logprobs(&value) {
                    self.line(Said::default(), |line| _ = line.insert("logprobs".into(), list), out);
                }
            }
            Event::Finish { choice: 0, reason } => self.finish = Some(reason),
            Event::Usage(usage) => self.usage.update(&usage),
            Event::Error(error) => self.error(&error, out),
            Event::End => self.end(out),
            _ => {}
        }
    }

    fn error(&mut self, error: &Error, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.ended, true) {
            ndjson::write(out, &write_error(error));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{ollama, stream::StreamReader as _, stream::StreamWriter as _};

    fn events() -> Vec<Event> {
        let mut usage = Usage::default();
        (usage.input, usage.output) = (2, 3);
        vec![
            Event::Start {
                id: "ollama-19700101T000000Z".into(),
                model: "m".into(),
                created: None,
                service_tier: None,
            },
            Event::Reasoning { choice: 0, text: "hm".into() },
            Event::Text { choice: 0, text: "so".into() },
            Event::ToolCall { choice: 0, call: 0, id: "c".into(), name: "f".into() },
            Event::Arguments { choice: 0, call: 0, json: r#"{"x":1}"#.into() },
            Event::Finish { choice: 0, reason: FinishReason::ToolCalls },
            Event::Usage(usage),
            Event::End,
        ]
    }

    #[test]
    fn what_is_written_is_read_back_however_it_is_split() {
        let (mut writer, mut out) = (StreamWriter::new(0), BytesMut::new());
        events().into_iter().for_each(|event| writer.event(event, &mut out));
        let expected = format!("{:?}", events());
        for size in [1, 7, out.len()] {
            let (mut reader, mut read) = (ollama::StreamReader::new(), Vec::new());
            out.chunks(size).for_each(|piece| reader.push(piece, &mut read).unwrap());
            reader.finish(&mut read).unwrap();
            assert_eq!(format!("{read:?}"), expected, "{size}");
        }
    }

    #[test]
    fn a_prompt_is_answered_in_its_own_form() {
        let (mut writer, mut out) = (StreamWriter::generated(0), BytesMut::new());
        events().into_iter().for_each(|event| writer.event(event, &mut out));
        let lines: Vec<Value> = out[..]
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        assert_eq!((&lines[0]["thinking"], &lines[1]["response"]), (&json!("hm"), &json!("so")));
        let last = lines.last().unwrap();
        assert_eq!(
            (&last["done"], &last["done_reason"], &last["eval_count"]),
            (&json!(true), &json!("stop"), &json!(3))
        );
    }

    #[test]
    fn a_failure_is_a_line_and_nothing_follows() {
        let (mut writer, mut out) = (StreamWriter::new(0), BytesMut::new());
        writer.error(&Error::upstream(llmux_core::ErrorKind::Connection, "broke off"), &mut out);
        writer.event(Event::End, &mut out);
        assert_eq!(out, "{\"error\":\"broke off\"}\n");
    }
}
