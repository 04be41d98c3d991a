//! Watching Converse's answers that pass untouched.

use std::ops::ControlFlow;

use bytes::{Bytes, BytesMut};
use llmux_core::{Error, ReplyReport, Result};
use memchr::memmem;
use serde::Deserialize;
use serde_json::Value;

use super::{
    answer_read::bad,
    error::{read_exception, write_exception},
    finish::read_finish,
    stream_read::event_type,
    usage::read_usage,
};
use crate::{
    event_stream::{self, Message},
    passthrough::Watch,
};

/// What is worth knowing of an answer or an event.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Digest {
    stop_reason: Option<String>,
    usage: Option<Value>,
    /// The answer of a token count.
    input_tokens: Option<u64>,
}

/// Watches answers and token counts. The model, which they do not name, is told.
#[derive(Debug)]
pub struct ConverseWatch {
    model: String,
    stopped: bool,
}

impl ConverseWatch {
    /// A watch at the start of an answer.
    #[must_use]
    pub fn new(model: impl Into<String>) -> Self {
        Self { model: model.into(), stopped: false }
    }

    fn note(&mut self, json: &[u8], report: &mut ReplyReport) -> Result<Digest> {
        let digest: Digest = serde_json::from_slice(json).map_err(|error| bad(&error.to_string()))?;
        report.model = Some(self.model.clone()).filter(|model| !model.is_empty());
        if let Some(usage) = digest.usage.as_ref().filter(|usage| usage.is_object()) {
            report.usage.update(&read_usage(usage));
            report.usage_reported = true;
        }
        if let Some(reason) = &digest.stop_reason {
            report.finish_reason = Some(read_finish(reason, None).openai().to_owned());
        }
        Ok(digest)
    }
}

impl Watch for ConverseWatch {
    fn whole(&mut self, body: &[u8], report: &mut ReplyReport) -> Result<()> {
        let digest = self.note(body, report)?;
        match digest.input_tokens {
            Some(tokens) => {
                report.usage.input = tokens;
                report.usage_reported = true;
                Ok(())
            }
            None if digest.stop_reason.is_some() => Ok(()),
            None => Err(bad("it is neither an answer nor a token count")),
        }
    }

    fn is_dull(&self, frames: &[u8]) -> bool {
        let holds = |word: &[u8]| memmem::find(frames, word).is_some();
        if holds(b"messageStop") || holds(b"metadata") || holds(b":exception-type") || holds(b":error-code") {
            return false;
        }
        let mut rest = frames;
        while !rest.is_empty() {
            match event_stream::length(rest) {
                Ok(Some(length)) => rest = rest.get(length..).unwrap_or_default(),
                _ => return false,
            }
        }
        true
    }

    fn frame(&mut self, frame: &[u8], report: &mut ReplyReport) -> Result<ControlFlow<Bytes>> {
        let message = Message::parse(frame)?;
        if let Some(error) = read_exception(&message) {
            return Err(error);
        }
        let kind = event_type(&message);
        if matches!(kind, "messageStop" | "metadata") {
            self.note(&message.payload, report)?;
            self.stopped |= kind == "messageStop";
        }
        Ok(ControlFlow::Continue(()))
    }

    fn is_preamble(&self, frame: &[u8]) -> bool {
        Message::parse(frame).is_ok_and(|message| event_type(&message) == "messageStart")
    }

    fn frame_end(&self, bytes: &[u8]) -> Option<usize> {
        match event_stream::length(bytes) {
            Ok(length) => length.filter(|length| *length <= bytes.len()),
            // What is no message is looked at as one, and refused.
            Err(_) => Some(bytes.len()),
        }
    }

    fn last_frame_end(&self, bytes: &[u8]) -> usize {
        let mut end = 0;
        while let Some(length) =
            bytes.get(end..).and_then(|rest| self.frame_end(rest)).filter(|length| *length > 0)
        {
            end += length;
        }
        end
    }

    fn complete(&self, _last: &mut BytesMut) {}

    fn is_complete(&self) -> bool {
        self.stopped
    }

    fn write_error(&self, error: &Error, out: &mut BytesMut) {
        write_exception(error, out);
    }
}
