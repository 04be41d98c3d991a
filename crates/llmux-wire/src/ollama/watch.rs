//! Watching Ollama's answers that pass untouched.

use std::ops::ControlFlow;

use bytes::{Bytes, BytesMut};
use llmux_core::{Error, ReplyReport, Result};
use memchr::memmem;
use serde_json::Value;

use super::{
    answer_read::{bad, read_finish},
    error::{read_inner_error, write_error},
    usage::read_usage,
};
use crate::{ndjson, passthrough::Watch};

/// What an answer of any kind has: chats, prompts, embeddings in both forms.
const ANSWERS: [&str; 4] = ["message", "response", "embeddings", "embedding"];

/// Watches chats, prompts and embeddings.
#[derive(Debug, Default)]
pub struct OllamaWatch {
    done: bool,
    calls: bool,
}

impl OllamaWatch {
    /// A watch at the start of an answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn note(&mut self, value: &Value, report: &mut ReplyReport) {
        if let Some(model) = value.get("model").and_then(Value::as_str) {
            report.model = Some(model.to_owned());
        }
        self.calls |= value.pointer("/message/tool_calls").is_some_and(|calls| !calls.is_null());
        if value.get("prompt_eval_count").or_else(|| value.get("eval_count")).is_some() {
            report.usage.update(&read_usage(value));
            report.usage_reported = true;
        }
        if value.get("done").is_some_and(|done| *done == true) {
            self.done = true;
            let word = value.get("done_reason").and_then(Value::as_str).unwrap_or("stop");
            report.finish_reason = Some(read_finish(word, self.calls).openai().to_owned());
        }
    }
}

/// Reads an answer or a line.
fn parse(json: &[u8]) -> Result<Value> {
    let value: Value = serde_json::from_slice(json).map_err(|error| bad(&error.to_string()))?;
    if value.get("error").is_some_and(|error| !error.is_null()) {
        return Err(read_inner_error(&value));
    }
    if ANSWERS.iter().all(|name| value.get(name).is_none()) {
        return Err(bad("it says nothing"));
    }
    Ok(value)
}

impl Watch for OllamaWatch {
    fn whole(&mut self, body: &[u8], report: &mut ReplyReport) -> Result<()> {
        self.note(&parse(body)?, report);
        Ok(())
    }

    fn is_dull(&self, frames: &[u8]) -> bool {
        let holds = |word: &[u8]| memmem::find(frames, word).is_some();
        ![&b"done_reason"[..], b"eval_count", b"\"error\"", b"tool_calls", b"true"].into_iter().any(holds)
    }

    fn frame(&mut self, frame: &[u8], report: &mut ReplyReport) -> Result<ControlFlow<Bytes>> {
        let line = frame.trim_ascii();
        if !line.is_empty() {
            self.note(&parse(line)?, report);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn is_preamble(&self, frame: &[u8]) -> bool {
        frame.trim_ascii().is_empty()
    }

    fn frame_end(&self, bytes: &[u8]) -> Option<usize> {
        memchr::memchr(b'\n', bytes).map(|at| at + 1)
    }

    fn last_frame_end(&self, bytes: &[u8]) -> usize {
        memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1)
    }

    fn complete(&self, last: &mut BytesMut) {
        let _ = last.split_off(last.trim_ascii_end().len());
        last.extend_from_slice(b"\n");
    }

    fn is_complete(&self) -> bool {
        self.done
    }

    fn write_error(&self, error: &Error, out: &mut BytesMut) {
        ndjson::write(out, &write_error(error));
    }
}

#[cfg(test)]
mod tests {
    use llmux_core::{ErrorKind, Frames, Reply};
    use serde_json::json;

    use super::*;
    use crate::passthrough::Passthrough;

    const STREAM: &str = "{\"model\":\"m\",\"message\":{\"content\":\"a\"},\"done\":false}\n\
        {\"model\":\"m\",\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"length\",\"eval_count\":4}\n";

    fn pass(stream: &str, size: usize) -> (String, ReplyReport, Result<()>) {
        let (mut reply, mut out, mut passed) =
            (Passthrough::new(OllamaWatch::new()), Frames::default(), Vec::new());
        let mut result = Ok(());
        for piece in stream.as_bytes().chunks(size) {
            result = result.and_then(|()| reply.push(Bytes::copy_from_slice(piece), &mut out));
        }
        result = result.and_then(|()| reply.finish(&mut out));
        while let Some(frame) = out.pop() {
            passed.extend_from_slice(&frame);
        }
        (String::from_utf8(passed).unwrap(), reply.report(), result)
    }

    #[test]
    fn lines_pass_as_they_came_however_they_are_split() {
        for size in [1, 7, STREAM.len()] {
            let (passed, report, result) = pass(STREAM, size);
            assert!(result.is_ok());
            assert_eq!(passed, STREAM, "{size}");
            assert_eq!((report.usage.output, report.finish_reason.as_deref()), (4, Some("length")));
        }
        // The last line needs no end.
        let (passed, report, _) = pass(STREAM.trim_end(), 5);
        assert_eq!((passed.as_str(), report.cut_short), (STREAM, false));
    }

    #[test]
    fn a_stream_that_stops_ends_in_an_error_line() {
        let first = STREAM.split_inclusive('\n').next().unwrap();
        let (passed, report, _) = pass(first, 9);
        assert!(report.cut_short);
        let last = passed.strip_prefix(first).unwrap();
        assert!(last.starts_with("{\"error\":") && last.ends_with("}\n"), "{last}");
    }

    #[test]
    fn an_error_in_place_of_an_answer_fails() {
        let (passed, _, result) = pass("{\"error\":\"model 'x' not found\"}\n", 6);
        assert_eq!((passed.as_str(), result.unwrap_err().message()), ("", "model 'x' not found"));
        let whole = |value: Value| Passthrough::new(OllamaWatch::new()).whole(value.to_string().into());
        assert!(whole(json!({"embeddings": [[1.0]], "prompt_eval_count": 2})).is_ok());
        assert!(whole(json!({"response": "", "done": true})).is_ok());
        assert_eq!(whole(json!({"x": 1})).unwrap_err().kind(), ErrorKind::BadReply);
    }
}
