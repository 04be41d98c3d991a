//! Watching OpenAI-like answers that pass untouched.

use std::{borrow::Cow, ops::ControlFlow};

use bytes::{BufMut, Bytes, BytesMut};
use llmux_core::{Error, ErrorKind, ReplyReport, Result, ServiceTier};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use super::{answer_read::bad, error::read_stream_error, error::write_error, usage};
use crate::{
    json::{edit::Edits, envelope},
    needle::{DONE, ERROR_FIELD, FINISH_REASON, USAGE},
    passthrough::{Watch, frame_data},
    sse,
};

/// What is worth knowing of a whole answer or of a chunk.
#[derive(Deserialize)]
struct Digest<'a> {
    #[serde(default, borrow)]
    model: Option<Cow<'a, str>>,
    #[serde(default)]
    choices: Option<Vec<DigestChoice<'a>>>,
    /// The vectors of an embeddings answer.
    #[serde(default)]
    data: Option<IgnoredAny>,
    #[serde(default)]
    usage: Option<usage::Wire>,
    #[serde(default, borrow)]
    service_tier: Option<Cow<'a, str>>,
    #[serde(default)]
    x_groq: Option<Beside>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Beside {
    #[serde(default)]
    usage: Option<usage::Wire>,
}

#[derive(Deserialize)]
struct DigestChoice<'a> {
    #[serde(default, borrow)]
    finish_reason: Option<Cow<'a, str>>,
    #[serde(default)]
    usage: Option<usage::Wire>,
}

impl Digest<'_> {
    fn note(self, report: &mut ReplyReport) {
        if let Some(model) = self.model.filter(|_| report.model.is_none()) {
            report.model = Some(model.into_owned());
        }
        if let Some(tier) = self.service_tier {
            report.service = ServiceTier::from_word(&tier);
        }
        let mut usage = self.usage.or(self.x_groq.and_then(|beside| beside.usage));
        for choice in self.choices.unwrap_or_default() {
            if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
                report.finish_reason = Some(reason.into_owned());
            }
            usage = usage.or(choice.usage);
        }
        if let Some(usage) = usage {
            report.usage.update(&usage.buckets());
            report.usage_reported = true;
        }
    }
}

/// Watches chat completions, text completions and embeddings.
pub struct OpenAiWatch {
    /// The gateway asked for usage, the client did not: it is kept from the client.
    hide_usage: bool,
    done: bool,
    finished: bool,
}

impl OpenAiWatch {
    /// `hide_usage`: usage was asked for on the gateway's account, and is kept from the client.
    #[must_use]
    pub fn new(hide_usage: bool) -> Self {
        Self { hide_usage, done: false, finished: false }
    }

    /// The frame without its usage: nothing at all if it carries nothing else.
    fn without_usage(frame: &[u8], data: &[u8], only_usage: bool) -> ControlFlow<Bytes> {
        if only_usage {
            return ControlFlow::Break(Bytes::new());
        }
        let body = Bytes::copy_from_slice(data);
        let Ok(fields) = envelope::read(&body) else { return ControlFlow::Continue(()) };
        let mut edits = Edits::new();
        edits.remove("usage");
        let changed = edits.apply(&body, &fields);
        let start = (data.as_ptr() as usize).saturating_sub(frame.as_ptr() as usize);
        let mut out = BytesMut::with_capacity(frame.len());
        out.put_slice(frame.get(..start).unwrap_or_default());
        out.put_slice(&changed);
        out.put_slice(frame.get(start.saturating_add(data.len())..).unwrap_or_default());
        ControlFlow::Break(out.freeze())
    }
}

impl Watch for OpenAiWatch {
    fn whole(&mut self, body: &[u8], report: &mut ReplyReport) -> Result<()> {
        if plain_answer(body, report).is_some() {
            return Ok(());
        }
        let digest: Digest<'_> = serde_json::from_slice(body).map_err(|error| bad(body, error))?;
        if let Some(error) =
            digest.error.as_ref().filter(|error| !error.is_null() && digest.choices.is_none())
        {
            return Err(read_stream_error(&serde_json::json!({ "error": error })));
        }
        if digest.choices.is_none() && digest.data.is_none() {
            return Err(Error::upstream(
                ErrorKind::BadReply,
                "the provider's answer has neither choices nor data",
            ));
        }
        digest.note(report);
        Ok(())
    }

    fn is_dull(&self, frames: &[u8]) -> bool {
        !USAGE.is_in(frames) && !DONE.is_in(frames) && !ERROR_FIELD.is_in(frames) && !finishes(frames)
    }

    fn frame(&mut self, frame: &[u8], report: &mut ReplyReport) -> Result<ControlFlow<Bytes>> {
        let Some(data) = frame_data(frame).filter(|data| !data.is_empty()) else {
            return Ok(ControlFlow::Continue(()));
        };
        if data == b"[DONE]" {
            self.done = true;
            return Ok(ControlFlow::Continue(()));
        }
        let digest: Digest<'_> = serde_json::from_slice(data).map_err(|error| bad(data, error))?;
        if let Some(error) = digest.error.as_ref().filter(|error| !error.is_null()) {
            return Err(read_stream_error(&serde_json::json!({ "error": error })));
        }
        let only_usage = digest.usage.is_some() && digest.choices.as_ref().is_some_and(Vec::is_empty);
        digest.note(report);
        self.finished |= report.finish_reason.is_some();
        if self.hide_usage && USAGE.is_in(data) {
            return Ok(Self::without_usage(frame, data, only_usage));
        }
        Ok(ControlFlow::Continue(()))
    }

    fn is_complete(&self) -> bool {
        // Some hosts never send [DONE]; a finish reason says as much.
        self.done || self.finished
    }

    fn write_error(&self, error: &Error, out: &mut BytesMut) {
        sse::write(out, "", &write_error(error));
    }
}

/// Reads an answer that is as OpenAI's reference has it, by searching for what is wanted; `None` for any other.
fn plain_answer(body: &[u8], report: &mut ReplyReport) -> Option<()> {
    let fields = envelope::read(body).ok()?;
    let get = |name: &str| fields.get(body, name).filter(|raw| *raw != b"null");
    let answer = get("choices").or_else(|| get("data"))?;
    let usage = usage::Wire::read(get("usage")?)?;
    if get("error").is_some() {
        return None;
    }
    report.model = get("model").and_then(first_text).map(Cow::into_owned);
    let tier = get("service_tier").and_then(first_text);
    report.service = tier.map(|tier| ServiceTier::from_word(&tier)).unwrap_or_default();
    // The first choice's reason: inside a string the word's quotes would be escaped.
    let reason = FINISH_REASON.tails(answer).next().map(<[u8]>::trim_ascii_start);
    let reason = reason.and_then(|rest| rest.strip_prefix(b":")).map(<[u8]>::trim_ascii_start);
    let reason = reason.and_then(first_text).filter(|reason| !reason.is_empty());
    report.finish_reason = reason.map(Cow::into_owned);
    report.usage.update(&usage.buckets());
    report.usage_reported = true;
    Some(())
}

/// The text at the start of `json`, if there is one. A parser is asked only for what is written with escapes.
fn first_text(json: &[u8]) -> Option<Cow<'_, str>> {
    let text = json.strip_prefix(b"\"")?;
    let end = memchr::memchr2(b'"', b'\\', text)?;
    if text.get(end) == Some(&b'"') {
        return std::str::from_utf8(text.get(..end)?).ok().map(Cow::Borrowed);
    }
    serde_json::Deserializer::from_slice(json).into_iter::<String>().next()?.ok().map(Cow::Owned)
}

/// Whether any chunk has a finish reason that is text: a plain search, since each chunk has the field.
fn finishes(frames: &[u8]) -> bool {
    let is_text = |rest: &[u8]| rest.iter().find(|byte| !matches!(byte, b' ' | b':')) == Some(&b'"');
    FINISH_REASON.tails(frames).any(is_text)
}
