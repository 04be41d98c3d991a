//! Cohere's error bodies: `{"id", "message"}`.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use llmux_core::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::failure;

/// The body of an error for a client.
#[must_use]
pub fn write_error(error: &Error) -> Bytes {
    json!({ "message": error.message() }).to_string().into()
}

/// Reads a provider's failed answer. `provider` is named in the error.
#[must_use]
pub fn read_error(status: StatusCode, headers: &HeaderMap, body: &[u8], provider: &str) -> Error {
    let error = failure::read(body).into_error(status, headers, provider).with_headers(headers.clone());
    match status.as_u16() {
        // Cohere's reference: the request or the answer holds a token that the account has on its list.
        498 => error.with_kind(ErrorKind::ContentPolicy),
        _ => error,
    }
}

/// Reads an error that stands in a stream, or in an answer that pretends to be none.
pub(super) fn read_inner_error(value: &Value) -> Error {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    failure::from_value(value).into_error(status, &HeaderMap::new(), "the provider")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, message: &str) -> ErrorKind {
        let body = json!({"id": "x", "message": message}).to_string();
        let status = StatusCode::from_u16(status).unwrap();
        read_error(status, &HeaderMap::new(), body.as_bytes(), "cohere").kind()
    }

    #[test]
    fn statuses_and_messages_become_kinds() {
        assert_eq!(kind(401, "invalid api token"), ErrorKind::Authentication);
        assert_eq!(kind(404, "model 'x' not found"), ErrorKind::NotFound);
        assert_eq!(kind(429, "You are using a Trial key"), ErrorKind::RateLimited);
        assert_eq!(kind(498, "blocked"), ErrorKind::ContentPolicy);
        let long = "too many tokens: total number of tokens in the prompt cannot exceed 4081";
        assert_eq!(kind(400, long), ErrorKind::ContextWindowExceeded);
    }
}
