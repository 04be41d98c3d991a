//! Google's error bodies: `{"error": {"code", "message", "status", "details"}}`.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use llmux_core::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::failure;

/// The body of an error for a client.
#[must_use]
pub fn write_error(error: &Error) -> Bytes {
    let status = error.status();
    json!({ "error": {
        "code": status.as_u16(),
        "message": error.message(),
        "status": word(status),
    }})
    .to_string()
    .into()
}

/// Google's word for a status, by its table of canonical codes.
fn word(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "UNAUTHENTICATED",
        402 => "FAILED_PRECONDITION",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        408 | 504 => "DEADLINE_EXCEEDED",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        502 | 503 | 529 => "UNAVAILABLE",
        405 | 501 => "UNIMPLEMENTED",
        400..=498 => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    }
}

/// Reads a provider's failed answer. `provider` is named in the error.
#[must_use]
pub fn read_error(status: StatusCode, headers: &HeaderMap, body: &[u8], provider: &str) -> Error {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    judge(failure::read(body), &value, status, headers, provider).with_headers(headers.clone())
}

/// Reads an error that stands in a stream, or in an answer that pretends to be none.
pub(super) fn read_inner_error(value: &Value) -> Error {
    let code = object(value).get("code").and_then(Value::as_u64);
    let status =
        code.and_then(|code| u16::try_from(code).ok()).and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.filter(|status| status.as_u16() >= 400).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    judge(failure::from_value(value), value, status, &HeaderMap::new(), "the provider")
}

fn object(value: &Value) -> &Value {
    let value = value.as_array().and_then(|list| list.first()).unwrap_or(value);
    value.get("error").unwrap_or(value)
}

fn judge(
    failure: failure::Failure,
    value: &Value,
    status: StatusCode,
    headers: &HeaderMap,
    provider: &str,
) -> Error {
    let message = failure.message.to_ascii_lowercase();
    let says = |part| message.contains(part);
    let kind = if says("api key not valid") || says("api key expired") {
        // Google calls that a bad argument, but another account may do.
        Some(ErrorKind::Authentication)
    } else if says("token count") && says("exceeds the maximum") {
        Some(ErrorKind::ContextWindowExceeded)
    } else if says("location is not supported") {
        Some(ErrorKind::PermissionDenied)
    } else {
        None
    };
    let mut error = failure.into_error(status, headers, provider);
    let wait = error.retry_after().or_else(|| retry_delay(object(value)));
    error = error.with_retry_after(wait);
    match kind {
        Some(ErrorKind::ContextWindowExceeded) => {
            error.with_kind(ErrorKind::ContextWindowExceeded).with_code("context_length_exceeded")
        }
        Some(kind) => error.with_kind(kind),
        None => error,
    }
}

/// The wait that a `RetryInfo` among the details asks for.
fn retry_delay(error: &Value) -> Option<Duration> {
    let details = error.get("details")?.as_array()?;
    let text = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    let seconds = text.strip_suffix('s')?.parse::<f64>().ok()?;
    Duration::try_from_secs_f64(seconds).ok().filter(|delay| *delay <= Duration::from_secs(3_600))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, error: Value) -> Error {
        let body = json!({ "error": error }).to_string();
        read_error(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes(), "gemini")
    }

    #[test]
    fn a_quota_error_says_how_long_to_wait() {
        let details = json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}]);
        let error = read(429, json!({"code": 429, "message": "quota", "details": details}));
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(error.retry_after(), Some(Duration::from_millis(34_500)));
    }

    #[test]
    fn faults_that_only_their_words_tell_apart_are_recognised() {
        let kind = |message| read(400, json!({"code": 400, "message": message})).kind();
        assert_eq!(kind("API key not valid. Please pass a valid API key."), ErrorKind::Authentication);
        let long = "The input token count (9) exceeds the maximum number of tokens allowed (8).";
        assert_eq!(kind(long), ErrorKind::ContextWindowExceeded);
        assert_eq!(kind("bad"), ErrorKind::InvalidRequest);
    }

    #[test]
    fn an_error_in_a_stream_has_its_own_status() {
        let error = read_inner_error(&json!([{"error": {"code": 503, "message": "busy"}}]));
        assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "busy"));
    }

    #[test]
    fn what_is_written_has_googles_shape() {
        let written: Value = serde_json::from_slice(&write_error(&Error::invalid("contents", "no"))).unwrap();
        let object = json!({"code": 400, "message": "no", "status": "INVALID_ARGUMENT"});
        assert_eq!(written, json!({ "error": object }));
    }
}
