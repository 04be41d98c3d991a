//! Counting a prompt's tokens: `/v1/messages/count_tokens`.

use bytes::Bytes;
use llmux_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::{request_read, request_write};
use crate::chat::{ChatRequest, Fit};

/// Fields that a count takes; the others are about the answer.
const FIELDS: [&str; 10] = [
    "cache_control",
    "context_management",
    "mcp_servers",
    "messages",
    "model",
    "output_config",
    "system",
    "thinking",
    "tool_choice",
    "tools",
];

/// Reads a request to count a prompt's tokens: as a Messages request, but without `max_tokens`.
///
/// # Errors
/// As for [`read_request`](super::read_request).
pub fn read_count_request(body: &[u8]) -> Result<ChatRequest> {
    request_read::read(body, false)
}

/// Writes a request to count a prompt's tokens.
///
/// # Errors
/// As for [`write_request`](super::write_request).
pub fn write_count_request(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Bytes> {
    let mut fields = request_write::build(request, model, fit)?;
    fields.retain(|name, _| FIELDS.contains(&name.as_str()));
    Ok(Value::Object(fields).to_string().into())
}

/// Reads a count, in tokens.
///
/// # Errors
/// [`ErrorKind::BadReply`] when the body holds none.
pub fn read_count(body: &[u8]) -> Result<u64> {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    let count = value.as_ref().and_then(|value| value.get("input_tokens")?.as_u64());
    count.ok_or_else(|| Error::upstream(ErrorKind::BadReply, "the provider's answer holds no token count"))
}

/// Writes a count, in tokens.
#[must_use]
pub fn write_count(tokens: u64) -> Bytes {
    json!({ "input_tokens": tokens }).to_string().into()
}

#[cfg(test)]
mod tests {
    use llmux_core::Shaping;

    use super::*;

    #[test]
    fn a_count_needs_no_token_limit_and_is_sent_without_one() {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": true});
        let request = read_count_request(body.to_string().as_bytes()).unwrap();
        let shaping = Shaping::default();
        let written = write_count_request(&request, "claude", &mut Fit::new("anthropic", &shaping)).unwrap();
        let written: Value = serde_json::from_slice(&written).unwrap();
        let user = json!({"role": "user", "content": [{"type": "text", "text": "hi"}]});
        assert_eq!(written, json!({"model": "claude", "messages": [user]}));
    }

    #[test]
    fn a_count_is_read_as_it_is_written() {
        assert_eq!(read_count(&write_count(42)).unwrap(), 42);
        assert_eq!(read_count(b"{}").unwrap_err().kind(), ErrorKind::BadReply);
    }
}
