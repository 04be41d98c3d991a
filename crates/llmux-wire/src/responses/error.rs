//! Errors inside responses. An answer that fails as a whole has the error body of OpenAI's other APIs.

use llmux_core::{Error, ErrorKind};
use serde_json::{Map, Value, json};

use crate::openai::{error_object, read_stream_error};

/// The fields of an `error` event besides its type and number. The reference has them in the event itself; what
/// OpenAI sends, and its client libraries raise, is an object.
pub(super) fn event_fields(error: &Error) -> Map<String, Value> {
    let inner = error_object(error);
    let mut fields = Map::new();
    for name in ["code", "message", "param"] {
        fields.insert(name.to_owned(), inner.get(name).cloned().unwrap_or_default());
    }
    fields.insert("error".into(), inner);
    fields
}

/// The `error` of a response that failed.
pub(super) fn response_error(error: &Error) -> Value {
    let code = match error.kind() {
        ErrorKind::RateLimited => "rate_limit_exceeded",
        ErrorKind::InvalidRequest | ErrorKind::UnsupportedParameter | ErrorKind::ContextWindowExceeded => {
            "invalid_prompt"
        }
        _ => "server_error",
    };
    json!({ "code": code, "message": error.message() })
}

/// Reads the error of a response that failed, or of an `error` event. The code tells what the type tells
/// elsewhere.
pub(super) fn read(mut error: Map<String, Value>) -> Error {
    if !error.get("type").is_some_and(|kind| kind != "error" && kind.is_string())
        && let Some(code) = error.get("code").cloned()
    {
        error.insert("type".into(), code);
    }
    read_stream_error(&json!({ "error": error }))
}
