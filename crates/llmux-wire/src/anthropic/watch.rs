//! Watching Anthropic's answers that pass untouched.

use std::ops::ControlFlow;

use bytes::{Bytes, BytesMut};
use llmux_core::{Error, ReplyReport, Result, ServiceTier};
use memchr::memmem;
use serde::Deserialize;
use serde_json::Value;

use super::{
    answer_read::{bad, read_finish},
    error::{read_stream_error, write_error},
    usage::Report,
};
use crate::{
    needle::{ERROR, MESSAGE_STOP, USAGE},
    passthrough::{Watch, carries_data, frame_data},
    sse,
};

/// What is worth knowing of an answer or an event.
#[derive(Deserialize)]
struct Digest {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    message: Option<Inner>,
    #[serde(default)]
    delta: Option<Inner>,
    /// The answer of a token count.
    #[serde(default)]
    input_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Inner {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(default)]
    stop_reason: Option<String>,
}

/// Watches messages and token counts.
#[derive(Debug, Default)]
pub struct AnthropicWatch {
    done: bool,
    usage: Report,
}

impl AnthropicWatch {
    /// A watch at the start of an answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn note(&mut self, digest: Digest, report: &mut ReplyReport) {
        let (model, usage, reason) = match digest.message.or(digest.delta) {
            Some(inner) => (inner.model, inner.usage, inner.stop_reason),
            None => (None, None, None),
        };
        if let Some(model) = digest.model.or(model) {
            report.model = Some(model);
        }
        if let Some(usage) = digest.usage.or(usage).filter(Value::is_object) {
            self.usage.update(&usage);
            report.usage = self.usage.usage();
            if let Some(tier) = usage.get("service_tier").and_then(Value::as_str) {
                report.service = ServiceTier::from_word(tier);
            }
            report.usage_reported = true;
        }
        if let Some(reason) = digest.stop_reason.or(reason) {
            report.finish_reason = Some(read_finish(reason, None).openai().to_owned());
        }
    }
}

fn digest(json: &[u8]) -> Result<Digest> {
    let digest: Digest = serde_json::from_slice(json).map_err(|error| bad(&error.to_string()))?;
    if digest.kind == "error" {
        return Err(read_stream_error(&serde_json::from_slice(json).unwrap_or_default()));
    }
    Ok(digest)
}

impl Watch for AnthropicWatch {
    fn whole(&mut self, body: &[u8], report: &mut ReplyReport) -> Result<()> {
        let digest = digest(body)?;
        if digest.kind != "message" && digest.input_tokens.is_none() {
            return Err(bad("it is neither a message nor a token count"));
        }
        self.note(digest, report);
        Ok(())
    }

    fn is_dull(&self, frames: &[u8]) -> bool {
        !USAGE.is_in(frames) && !MESSAGE_STOP.is_in(frames) && !ERROR.is_in(frames)
    }

    fn frame(&mut self, frame: &[u8], report: &mut ReplyReport) -> Result<ControlFlow<Bytes>> {
        let Some(data) = frame_data(frame).filter(|data| !data.is_empty()) else {
            return Ok(ControlFlow::Continue(()));
        };
        let digest = digest(data)?;
        match digest.kind.as_str() {
            "message_stop" => self.done = true,
            "message_start" | "message_delta" => self.note(digest, report),
            _ => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    fn is_preamble(&self, frame: &[u8]) -> bool {
        let is = |kind: &[u8]| memmem::find(frame, kind).is_some();
        !carries_data(frame) || is(b"\"message_start\"") || is(b"\"ping\"")
    }

    fn is_complete(&self) -> bool {
        self.done
    }

    fn write_error(&self, error: &Error, out: &mut BytesMut) {
        sse::write(out, "error", &write_error(error));
    }
}
