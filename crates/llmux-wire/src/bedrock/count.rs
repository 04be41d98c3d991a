//! Counting a prompt's tokens: `count-tokens`.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use llmux_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::{request_read, request_write};
use crate::{
    anthropic,
    chat::{ChatRequest, Fit},
    json::read::{Item, Object},
};

/// Fields that a count takes; the others are about the answer.
const FIELDS: [&str; 4] = ["messages", "system", "toolConfig", "additionalModelRequestFields"];

/// Reads a request to count a prompt's tokens: a conversation of Converse's, or the body that `invoke` would get,
/// which is read as one of Anthropic's.
///
/// # Errors
/// As for [`read_request`](super::read_request).
pub fn read_count_request(body: &[u8]) -> Result<ChatRequest> {
    let mut object = Object::parse(body)?;
    let mut input = object.need("input")?.object()?;
    if let Some(mut invoke) = input.object("invokeModel")? {
        let body = invoke.need("body")?;
        let bytes = body.value.as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
        let bytes = bytes.ok_or_else(|| body.wrong("a body in base64"))?;
        let fields = serde_json::from_slice(&bytes).map_err(|_| body.wrong("a body of JSON"))?;
        let mut fields: Value = Item::new(body.path, fields).object()?.into_value();
        if let Some(fields) = fields.as_object_mut() {
            // The model stands in the path.
            fields.entry("model").or_insert_with(|| "".into());
        }
        return anthropic::read_count_request(fields.to_string().as_bytes());
    }
    request_read::read(input.need("converse")?.object()?)
}

/// Writes a request to count a conversation's tokens.
///
/// # Errors
/// As for [`write_request`](super::write_request).
pub fn write_count_request(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Bytes> {
    let mut fields = request_write::build(request, model, fit)?;
    fields.retain(|name, _| FIELDS.contains(&name.as_str()));
    Ok(json!({ "input": { "converse": fields } }).to_string().into())
}

/// Writes a request to count the tokens of a body for `invoke`.
#[must_use]
pub fn write_invoke_count_request(body: &[u8]) -> Bytes {
    let body = BASE64_STANDARD.encode(body);
    json!({ "input": { "invokeModel": { "body": body } } }).to_string().into()
}

/// Reads a count, in tokens.
///
/// # Errors
/// [`ErrorKind::BadReply`] when the body holds none.
pub fn read_count(body: &[u8]) -> Result<u64> {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    let count = value.as_ref().and_then(|value| value.get("inputTokens")?.as_u64());
    count.ok_or_else(|| Error::upstream(ErrorKind::BadReply, "the provider's answer holds no token count"))
}

/// Writes a count, in tokens.
#[must_use]
pub fn write_count(tokens: u64) -> Bytes {
    json!({ "inputTokens": tokens }).to_string().into()
}

#[cfg(test)]
mod tests {
    use llmux_core::Shaping;

    use super::*;

    #[test]
    fn a_count_is_asked_for_in_either_form() {
        let conversation = json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]});
        let body = json!({"input": {"converse": conversation}}).to_string();
        let request = read_count_request(body.as_bytes()).unwrap();
        let written = write_count_request(&request, "m", &mut Fit::new("Bedrock", &Shaping::default()));
        assert_eq!(written.unwrap(), body);
        let invoke = br#"{"anthropic_version": "x", "messages": [{"role": "user", "content": "hi"}]}"#;
        let again = read_count_request(&write_invoke_count_request(invoke)).unwrap();
        assert_eq!(again.messages, request.messages);
        assert_eq!(read_count(&write_count(42)).unwrap(), 42);
    }

    #[test]
    fn a_body_that_is_none_is_told() {
        let body = br#"{"input": {"invokeModel": {"body": "%"}}}"#;
        assert_eq!(read_count_request(body).unwrap_err().param(), Some("input.invokeModel.body"));
    }
}
