//! Anthropic's error bodies.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use llmux_core::{Error, ErrorKind};
use serde_json::{Map, Value};

use crate::failure::{self, Failure};

/// The body of an error for a client: `{"type": "error", "error": {"type", "message"}}`, with the provider's
/// `request_id` where it gave one.
#[must_use]
pub fn write_error(error: &Error) -> Bytes {
    let mut object = Map::new();
    object.insert("type".into(), error.kind().anthropic_type().into());
    object.insert("message".into(), error.message().into());
    let mut out = Map::new();
    out.insert("type".into(), "error".into());
    out.insert("error".into(), object.into());
    let id = error.headers().and_then(|headers| headers.get("request-id")?.to_str().ok());
    if let Some(id) = id {
        out.insert("request_id".into(), id.into());
    }
    Value::Object(out).to_string().into()
}

/// Reads a provider's failed answer. `provider` is named in the error.
#[must_use]
pub fn read_error(status: StatusCode, headers: &HeaderMap, body: &[u8], provider: &str) -> Error {
    judge(failure::read(body), Some(status), headers, provider).with_headers(headers.clone())
}

/// Reads the data of an `error` event.
pub(super) fn read_stream_error(value: &Value) -> Error {
    judge(failure::from_value(value), None, &HeaderMap::new(), "the provider")
}

fn judge(failure: Failure, status: Option<StatusCode>, headers: &HeaderMap, provider: &str) -> Error {
    let by_type = failure.kind.as_deref().and_then(kind_of);
    let fallback = by_type.unwrap_or(ErrorKind::ProviderFault).default_status();
    let by_message = kind_by_message(&failure.message);
    let error = failure.into_error(status.unwrap_or(fallback), headers, provider);
    // What the shared reader found out from the message is finer than the type.
    let found = matches!(error.kind(), ErrorKind::ContextWindowExceeded | ErrorKind::ContentPolicy);
    match by_message.or(by_type.filter(|_| !found)) {
        Some(ErrorKind::ContextWindowExceeded) => {
            error.with_kind(ErrorKind::ContextWindowExceeded).with_code("context_length_exceeded")
        }
        Some(kind) => error.with_kind(kind),
        None => error,
    }
}

/// The kind that an error type stands for.
fn kind_of(word: &str) -> Option<ErrorKind> {
    Some(match word {
        "invalid_request_error" => ErrorKind::InvalidRequest,
        "authentication_error" => ErrorKind::Authentication,
        "billing_error" => ErrorKind::PaymentRequired,
        "permission_error" => ErrorKind::PermissionDenied,
        "not_found_error" => ErrorKind::NotFound,
        "conflict_error" => ErrorKind::Conflict,
        "request_too_large" => ErrorKind::PayloadTooLarge,
        "rate_limit_error" => ErrorKind::RateLimited,
        "timeout_error" => ErrorKind::Timeout,
        "api_error" => ErrorKind::ProviderFault,
        "overloaded_error" => ErrorKind::Unavailable,
        _ => return None,
    })
}

/// Faults that share a type with plain mistakes and are told apart by their words only.
fn kind_by_message(message: &str) -> Option<ErrorKind> {
    let message = message.to_ascii_lowercase();
    let says = |part| message.contains(part);
    if says("credit balance is too low") {
        return Some(ErrorKind::PaymentRequired);
    }
    if says("content filtering policy") {
        return Some(ErrorKind::ContentPolicy);
    }
    // "input length and `max_tokens` exceed context limit"
    (says("prompt is too long") || says("exceed context limit")).then_some(ErrorKind::ContextWindowExceeded)
}

#[cfg(test)]
mod tests {
    use llmux_core::Retry;
    use serde_json::json;

    use super::*;

    fn read(status: u16, body: &str) -> Error {
        read_error(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes(), "anthropic")
    }

    fn body(kind: &str, message: &str) -> String {
        json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})
            .to_string()
    }

    #[test]
    fn type_message_and_status_are_kept() {
        let error = read(529, &body("overloaded_error", "Overloaded"));
        assert_eq!((error.kind(), error.status().as_u16()), (ErrorKind::Unavailable, 529));
        assert_eq!((error.message(), error.retry()), ("Overloaded", Retry::Anywhere));
    }

    #[test]
    fn faults_that_only_their_words_tell_apart_are_recognised() {
        let kind = |message| read(400, &body("invalid_request_error", message)).kind();
        assert_eq!(kind("prompt is too long: 9 tokens > 8 maximum"), ErrorKind::ContextWindowExceeded);
        assert_eq!(
            kind("input length and `max_tokens` exceed context limit: 9 + 9 > 10"),
            ErrorKind::ContextWindowExceeded
        );
        assert_eq!(kind("Your credit balance is too low to access the API"), ErrorKind::PaymentRequired);
        assert_eq!(kind("Output blocked by content filtering policy"), ErrorKind::ContentPolicy);
        assert_eq!(kind("messages: at least one message is required"), ErrorKind::InvalidRequest);
    }

    #[test]
    fn a_prompt_that_is_too_long_has_the_code_that_clients_look_for() {
        let error = read(400, &body("invalid_request_error", "prompt is too long"));
        assert_eq!(error.code(), Some("context_length_exceeded"));
    }

    #[test]
    fn a_web_page_never_reaches_the_client() {
        let error = read(502, "<html><head><title>Bad Gateway</title></head><body>long</body></html>");
        assert!(error.message().contains("Bad Gateway") && !error.message().contains("long"));
        assert_eq!(error.kind(), ErrorKind::BadReply);
    }

    #[test]
    fn an_error_in_a_stream_is_judged_by_its_type() {
        let value = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
        assert_eq!(read_stream_error(&value).kind(), ErrorKind::Unavailable);
        assert_eq!(read_stream_error(&json!({"error": {"message": "?"}})).kind(), ErrorKind::ProviderFault);
    }

    #[test]
    fn what_is_written_names_type_message_and_request() {
        let mut headers = HeaderMap::new();
        headers.insert("request-id", "req_7".parse().unwrap());
        let error = Error::invalid("max_tokens", "`max_tokens` is required").with_headers(headers);
        let written: Value = serde_json::from_slice(&write_error(&error)).unwrap();
        let object = json!({"type": "invalid_request_error", "message": "`max_tokens` is required"});
        assert_eq!(written, json!({"type": "error", "error": object, "request_id": "req_7"}));
    }
}
