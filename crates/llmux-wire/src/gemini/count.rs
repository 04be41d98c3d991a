//! Counting a prompt's tokens: `countTokens`.

use bytes::Bytes;
use llmux_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::{
    object::{open, parse},
    request_read, request_write,
};
use crate::chat::{ChatRequest, Fit};

/// Reads a request to count a prompt's tokens: contents alone, or a whole request around them.
///
/// # Errors
/// As for [`read_request`](super::read_request).
pub fn read_count_request(body: &[u8]) -> Result<ChatRequest> {
    let mut object = parse(body)?;
    match object.take("generateContentRequest") {
        Some(request) => request_read::read(open(request)?),
        None => request_read::read(object),
    }
}

/// Writes a request to count a prompt's tokens, instructions and tools included.
///
/// # Errors
/// As for [`write_request`](super::write_request).
pub fn write_count_request(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Bytes> {
    let mut fields = Map::new();
    fields.insert("model".into(), format!("models/{model}").into());
    fields.extend(request_write::build(request, model, fit)?);
    Ok(json!({ "generateContentRequest": fields }).to_string().into())
}

/// The same as Vertex AI has it, by its API reference: the members themselves, without generation's settings for
/// safety and labels that it does not know.
///
/// # Errors
/// As for [`write_request`](super::write_request).
pub fn write_plain_count_request(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Bytes> {
    let mut fields = request_write::build(request, model, fit)?;
    fields
        .retain(|name, _| ["contents", "systemInstruction", "tools", "generationConfig"].contains(&&**name));
    Ok(Value::Object(fields).to_string().into())
}

/// Reads a count, in tokens.
///
/// # Errors
/// [`ErrorKind::BadReply`] when the body holds none.
pub fn read_count(body: &[u8]) -> Result<u64> {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    let count = value.as_ref().and_then(|value| value.get("totalTokens")?.as_u64());
    count.ok_or_else(|| Error::upstream(ErrorKind::BadReply, "the provider's answer holds no token count"))
}

/// Writes a count, in tokens.
#[must_use]
pub fn write_count(tokens: u64) -> Bytes {
    json!({ "totalTokens": tokens }).to_string().into()
}

#[cfg(test)]
mod tests {
    use llmux_core::Shaping;

    use super::*;

    #[test]
    fn a_count_is_asked_for_in_either_form_and_read_as_it_is_written() {
        let plain = json!({"contents": [{"parts": [{"text": "hi"}]}]});
        let wrapped = json!({"generateContentRequest": plain});
        let read = |body: &Value| read_count_request(body.to_string().as_bytes()).unwrap();
        assert_eq!(read(&plain).messages, read(&wrapped).messages);
        let written = write_count_request(&read(&plain), "g", &mut Fit::new("gemini", &Shaping::default()));
        let written: Value = serde_json::from_slice(&written.unwrap()).unwrap();
        assert_eq!(written["generateContentRequest"]["model"], "models/g");
        assert_eq!(read_count(&write_count(42)).unwrap(), 42);
    }
}
