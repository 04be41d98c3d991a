//! Ollama's error bodies: `{"error": "…"}`, also as a line of a stream.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use llmux_core::Error;
use serde_json::{Value, json};

use crate::failure;

/// The body of an error for a client.
#[must_use]
pub fn write_error(error: &Error) -> Bytes {
    json!({ "error": error.message() }).to_string().into()
}

/// Reads a provider's failed answer. `provider` is named in the error.
#[must_use]
pub fn read_error(status: StatusCode, headers: &HeaderMap, body: &[u8], provider: &str) -> Error {
    failure::read(body).into_error(status, headers, provider).with_headers(headers.clone())
}

/// Reads an error that stands in a stream, or in an answer that pretends to be none.
pub(super) fn read_inner_error(value: &Value) -> Error {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    failure::from_value(value).into_error(status, &HeaderMap::new(), "the provider")
}

#[cfg(test)]
mod tests {
    use llmux_core::ErrorKind;

    use super::*;

    #[test]
    fn an_error_is_its_text() {
        let body = br#"{"error":"model 'x' not found"}"#;
        let error = read_error(StatusCode::NOT_FOUND, &HeaderMap::new(), body, "Ollama");
        assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, "model 'x' not found"));
        assert_eq!(&write_error(&error)[..], body);
    }
}
