//! Watching responses that pass untouched.

use std::{borrow::Cow, ops::ControlFlow};

use bytes::{Bytes, BytesMut};
use llmux_core::{Error, ErrorKind, ReplyReport, Result, ServiceTier};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value};

use super::{
    error::{event_fields, read},
    usage,
};
use crate::{
    needle::{ERROR_FIELD, RESPONSE_FIELD},
    openai::bad,
    passthrough::{Watch, frame_data},
    sse,
};

/// What is worth knowing of a response.
#[derive(Deserialize)]
struct Digest<'a> {
    #[serde(default, borrow)]
    model: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    status: Option<Cow<'a, str>>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    incomplete_details: Option<Details>,
    #[serde(default, borrow)]
    output: Option<Vec<DigestItem<'a>>>,
    #[serde(default)]
    usage: Option<usage::Wire>,
    #[serde(default, borrow)]
    service_tier: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize)]
struct DigestItem<'a> {
    #[serde(rename = "type", default, borrow)]
    kind: Cow<'a, str>,
}

impl Digest<'_> {
    fn note(self, report: &mut ReplyReport) {
        let searched = self.output.iter().flatten().filter(|item| item.kind == "web_search_call").count();
        let calls = self.output.iter().flatten().any(|item| item.kind.ends_with("function_call"));
        let reason = self.incomplete_details.and_then(|details| details.reason);
        let finish = match (self.status.as_deref(), reason.as_deref()) {
            (_, Some("content_filter")) => Some("content_filter"),
            (Some("incomplete"), _) => Some("length"),
            (Some("completed"), _) if calls => Some("tool_calls"),
            (Some("completed"), _) => Some("stop"),
            _ => None,
        };
        report.finish_reason = finish.map(str::to_owned).or_else(|| report.finish_reason.take());
        report.model = self.model.map(Cow::into_owned).or_else(|| report.model.take());
        if let Some(tier) = self.service_tier {
            report.service = ServiceTier::from_word(&tier);
        }
        if let Some(usage) = self.usage {
            report.usage.update(&usage.buckets());
            report.usage_reported = true;
            // Searches are items of the answer; the usage object does not tell them.
            report.usage.web_searches = searched as u64;
        }
    }

    /// The error of a response that failed.
    fn failure(&self) -> Option<Error> {
        match (&self.error, self.status.as_deref()) {
            (Some(Value::Object(error)), _) => Some(read(error.clone())),
            (_, Some("failed")) => {
                Some(Error::upstream(ErrorKind::ProviderFault, "the provider says that the response failed"))
            }
            _ => None,
        }
    }
}

/// An event of a stream.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(rename = "type", default, borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    response: Option<Digest<'a>>,
    /// Some hosts send a bare error, without a type.
    #[serde(default)]
    error: Option<IgnoredAny>,
}

/// The type of an event alone.
#[derive(Deserialize)]
struct FrameType<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "response", default)]
    _response: IgnoredAny,
}

/// Watches responses.
#[derive(Debug, Default)]
pub struct ResponsesWatch {
    /// A part of the answer has come: an error is the client's to see.
    begun: bool,
    done: bool,
}

impl ResponsesWatch {
    /// A watch at the start of an answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An error in front of the answer is another deployment's chance. Later it passes, with what follows it.
    fn fail(&mut self, error: Error, report: &mut ReplyReport) -> Result<ControlFlow<Bytes>> {
        if !self.begun {
            return Err(error);
        }
        self.done = true;
        report.stream_error.get_or_insert_with(|| error.message().to_owned());
        Ok(ControlFlow::Continue(()))
    }
}

impl Watch for ResponsesWatch {
    fn whole(&mut self, body: &[u8], report: &mut ReplyReport) -> Result<()> {
        let digest: Digest<'_> = serde_json::from_slice(body).map_err(|error| bad(body, error))?;
        if let Some(error) = digest.failure() {
            return Err(error);
        }
        if digest.output.is_none() {
            return Err(Error::upstream(ErrorKind::BadReply, "the provider's answer has no output"));
        }
        digest.note(report);
        Ok(())
    }

    fn frame(&mut self, frame: &[u8], report: &mut ReplyReport) -> Result<ControlFlow<Bytes>> {
        let Some(data) = frame_data(frame).filter(|data| !data.is_empty() && *data != b"[DONE]") else {
            return Ok(ControlFlow::Continue(()));
        };
        let event: Frame<'_> = serde_json::from_slice(data).map_err(|error| bad(data, error))?;
        match &*event.kind {
            "error" => return self.fail(stream_error(data), report),
            "" if event.error.is_some() => return self.fail(stream_error(data), report),
            "response.failed" => {
                let failure = event.response.as_ref().and_then(Digest::failure);
                let failure = failure.unwrap_or_else(|| read(Map::new()));
                if let Some(response) = event.response.filter(|_| self.begun) {
                    response.note(report);
                }
                return self.fail(failure, report);
            }
            "response.completed" | "response.incomplete" | "response.cancelled" => self.done = true,
            _ => {}
        }
        if let Some(response) = event.response {
            response.note(report);
        }
        self.begun |= !self.is_preamble(frame);
        Ok(ControlFlow::Continue(()))
    }

    fn is_dull(&self, frames: &[u8]) -> bool {
        !RESPONSE_FIELD.is_in(frames) && !ERROR_FIELD.is_in(frames)
    }

    fn is_preamble(&self, frame: &[u8]) -> bool {
        let Some(data) = frame_data(frame) else { return true };
        let Ok(event) = serde_json::from_slice::<FrameType<'_>>(data) else { return false };
        matches!(&*event.kind, "response.created" | "response.in_progress" | "response.queued" | "keepalive")
    }

    fn is_complete(&self) -> bool {
        self.done
    }

    fn write_error(&self, error: &Error, out: &mut BytesMut) {
        let mut event = Map::new();
        event.insert("type".into(), "error".into());
        event.insert("sequence_number".into(), 0.into());
        event.extend(event_fields(error));
        sse::write(out, "error", Value::Object(event).to_string().as_bytes());
    }
}

/// The error of an event: its fields stand in the event itself, or in an object.
fn stream_error(data: &[u8]) -> Error {
    let event: Map<String, Value> = serde_json::from_slice(data).unwrap_or_default();
    match event.get("error") {
        Some(Value::Object(error)) => read(error.clone()),
        _ => read(event),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn frame(event: &Value) -> Vec<u8> {
        format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default()).into_bytes()
    }

    #[test]
    fn usage_and_the_reason_to_end_are_noted() {
        let (mut watch, mut report) = (ResponsesWatch::new(), ReplyReport::default());
        let body = br#"{"status":"completed","model":"m","output":[{"type":"function_call"}],
            "usage":{"input_tokens":3,"output_tokens":4,"total_tokens":7}}"#;
        watch.whole(body, &mut report).unwrap();
        assert_eq!((report.finish_reason.as_deref(), report.usage.total()), (Some("tool_calls"), 7));
    }

    #[test]
    fn searches_and_the_class_of_service_are_noted_for_the_bill() {
        let body = br#"{"object":"response","status":"completed","service_tier":"flex",
            "output":[{"type":"web_search_call"},{"type":"message"},{"type":"web_search_call"}],
            "usage":{"input_tokens":3,"output_tokens":4,"total_tokens":7}}"#;
        let mut report = ReplyReport::default();
        ResponsesWatch::new().whole(body, &mut report).unwrap();
        assert_eq!((report.usage.web_searches, report.service), (2, ServiceTier::Flex));
    }

    #[test]
    fn a_response_that_failed_is_an_error_although_its_status_was_good() {
        let body =
            br#"{"status":"failed","output":[],"error":{"code":"rate_limit_exceeded","message":"busy"}}"#;
        let error = ResponsesWatch::new().whole(body, &mut ReplyReport::default()).unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::RateLimited, "busy"));
    }

    #[test]
    fn an_error_passes_once_the_answer_has_begun_and_fails_before() {
        let error = frame(&json!({"type": "error", "sequence_number": 2, "message": "down", "code": null}));
        let (mut watch, mut report) = (ResponsesWatch::new(), ReplyReport::default());
        let _ =
            watch.frame(&frame(&json!({"type": "response.created", "response": {}})), &mut report).unwrap();
        assert_eq!(watch.frame(&error, &mut report).unwrap_err().message(), "down");
        let _ = watch.frame(&frame(&json!({"type": "response.output_item.added"})), &mut report).unwrap();
        assert!(watch.frame(&error, &mut report).is_ok() && watch.is_complete());
        assert_eq!(report.stream_error.as_deref(), Some("down"));
    }
}
