//! Watching Gemini's answers that pass untouched.

use std::ops::ControlFlow;

use bytes::{Bytes, BytesMut};
use llmux_core::{Error, ReplyReport, Result, ServiceTier};
use memchr::memmem;
use serde_json::Value;

use super::{
    answer_read::{bad, block_reason, parse, pieces},
    error::write_error,
    finish::read_finish,
    usage::read_reported,
};
use crate::{
    passthrough::{Watch, frame_data},
    sse,
};

/// Watches answers, token counts and embeddings.
#[derive(Debug, Default)]
pub struct GeminiWatch {
    done: bool,
    calls: bool,
}

impl GeminiWatch {
    /// A watch at the start of an answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn note(&mut self, answer: &Value, report: &mut ReplyReport) {
        if let Some(model) = answer.get("modelVersion").and_then(Value::as_str) {
            report.model = Some(model.to_owned());
        }
        if let Some(usage) = read_reported(answer) {
            report.usage.update(&usage);
            if let Some(tier) = answer.pointer("/usageMetadata/serviceTier").and_then(Value::as_str) {
                report.service = ServiceTier::from_word(&tier.to_ascii_lowercase());
            }
            report.usage_reported = true;
        }
        let candidate = answer.pointer("/candidates/0").unwrap_or(&Value::Null);
        self.calls |= pieces(candidate).iter().any(|piece| piece.get("functionCall").is_some());
        let word = candidate.get("finishReason").and_then(Value::as_str);
        let reason = word.map(|word| read_finish(word, self.calls)).or_else(|| block_reason(answer));
        if let Some(reason) = reason {
            self.done = true;
            report.finish_reason = Some(reason.openai().to_owned());
        }
    }
}

impl Watch for GeminiWatch {
    fn whole(&mut self, body: &[u8], report: &mut ReplyReport) -> Result<()> {
        let value: Value = serde_json::from_slice(body).map_err(|error| bad(&error.to_string()))?;
        if let Some(tokens) = value.get("totalTokens").and_then(Value::as_u64) {
            report.usage.input = tokens;
            return Ok(());
        }
        if value.get("embeddings").or_else(|| value.get("embedding")).is_some() {
            return Ok(());
        }
        self.note(&parse(body)?, report);
        Ok(())
    }

    fn is_dull(&self, frames: &[u8]) -> bool {
        let holds = |word: &[u8]| memmem::find(frames, word).is_some();
        ![&b"usageMetadata"[..], b"finishReason", b"blockReason", b"\"error\"", b"functionCall"]
            .into_iter()
            .any(holds)
    }

    fn frame(&mut self, frame: &[u8], report: &mut ReplyReport) -> Result<ControlFlow<Bytes>> {
        if let Some(data) = frame_data(frame).filter(|data| !data.is_empty() && *data != b"[DONE]") {
            self.note(&parse(data)?, report);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn is_complete(&self) -> bool {
        self.done
    }

    fn write_error(&self, error: &Error, out: &mut BytesMut) {
        sse::write(out, "", &write_error(error));
    }
}
