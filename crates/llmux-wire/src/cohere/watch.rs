//! Watching Cohere's answers that pass untouched.

use std::ops::ControlFlow;

use bytes::{Bytes, BytesMut};
use llmux_core::{Error, ReplyReport, Result};
use memchr::memmem;
use serde_json::Value;

use super::{
    answer_read::{bad, no_answer},
    finish::read_finish,
    stream_write::write_error_event,
    usage::read_usage,
};
use crate::passthrough::{Watch, carries_data, frame_data};

/// Watches chats, embeddings and rankings.
#[derive(Debug, Default)]
pub struct CohereWatch {
    done: bool,
}

impl CohereWatch {
    /// A watch at the start of an answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// Notes usage and the reason to end, of an answer or of the event that ends one.
fn note(value: &Value, report: &mut ReplyReport) -> Result<()> {
    let usage = value.get("usage").or_else(|| value.get("meta")).filter(|usage| usage.is_object());
    if let Some(usage) = usage {
        report.usage.update(&read_usage(usage));
        report.usage_reported = true;
    }
    if let Some(word) = value.get("finish_reason").and_then(Value::as_str) {
        let reason = read_finish(word, value.get("error").and_then(Value::as_str))?;
        report.finish_reason = Some(reason.openai().to_owned());
    }
    Ok(())
}

impl Watch for CohereWatch {
    fn whole(&mut self, body: &[u8], report: &mut ReplyReport) -> Result<()> {
        let value: Value = serde_json::from_slice(body).map_err(|error| bad(&error.to_string()))?;
        let known = value.get("embeddings").or_else(|| value.get("results")).is_some();
        if !known && !value.get("message").is_some_and(Value::is_object) {
            return Err(no_answer(&value));
        }
        note(&value, report)
    }

    fn is_dull(&self, frames: &[u8]) -> bool {
        let holds = |word: &[u8]| memmem::find(frames, word).is_some();
        // Every event but an error has its type.
        !holds(b"message-end") && holds(b"\"type\"")
    }

    fn frame(&mut self, frame: &[u8], report: &mut ReplyReport) -> Result<ControlFlow<Bytes>> {
        let Some(data) = frame_data(frame).filter(|data| !data.is_empty() && *data != b"[DONE]") else {
            return Ok(ControlFlow::Continue(()));
        };
        let value: Value = serde_json::from_slice(data).map_err(|error| bad(&error.to_string()))?;
        match value.get("type").and_then(Value::as_str) {
            None => return Err(no_answer(&value)),
            Some("message-end") => {
                note(value.get("delta").unwrap_or(&Value::Null), report)?;
                self.done = true;
            }
            Some(_) => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    fn is_preamble(&self, frame: &[u8]) -> bool {
        !carries_data(frame) || memmem::find(frame, b"message-start").is_some()
    }

    fn is_complete(&self) -> bool {
        self.done
    }

    fn write_error(&self, error: &Error, out: &mut BytesMut) {
        write_error_event(error, out);
    }
}

#[cfg(test)]
mod tests {
    use llmux_core::{ErrorKind, Reply};
    use serde_json::json;

    use super::*;
    use crate::passthrough::Passthrough;

    #[test]
    fn usage_is_noted_and_the_bytes_are_kept() {
        let body = json!({
            "id": "i", "finish_reason": "MAX_TOKENS", "message": {"role": "assistant"},
            "usage": {"billed_units": {"input_tokens": 3, "output_tokens": 4}},
        });
        let mut reply = Passthrough::new(CohereWatch::new());
        let passed = reply.whole(Bytes::from(body.to_string())).unwrap();
        assert_eq!(passed, body.to_string());
        let report = reply.report();
        assert_eq!((report.usage.total(), report.finish_reason.as_deref()), (7, Some("length")));
    }

    #[test]
    fn vectors_pass_and_what_is_no_answer_does_not() {
        let whole = |value: Value| Passthrough::new(CohereWatch::new()).whole(value.to_string().into());
        assert!(whole(json!({"id": "i", "embeddings": {"float": [[1.0]]}})).is_ok());
        assert_eq!(whole(json!({"x": 1})).unwrap_err().kind(), ErrorKind::BadReply);
        let failed = json!({"finish_reason": "ERROR", "message": {"role": "assistant"}});
        assert_eq!(whole(failed).unwrap_err().kind(), ErrorKind::ProviderFault);
    }
}
