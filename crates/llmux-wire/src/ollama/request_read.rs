//! A chat request, as a client sends it.

use llmux_core::{Dialect, Result};
use serde_json::{Map, Value};

use super::{message_read::read_message, options::read_options, thinking::read_think};
use crate::{
    chat::{Calls, ChatRequest, ResponseFormat, Tool},
    json::read::{Item, Object},
};

/// Reads a request. It streams unless it says otherwise.
///
/// # Errors
/// A 400 that names line and column of malformed JSON, the missing field, or the field with a wrong type.
pub fn read_request(body: &[u8]) -> Result<ChatRequest> {
    let mut object = Object::parse(body)?;
    let mut request = ChatRequest::new(Dialect::Ollama, object.need_string("model")?);
    let mut calls = Calls::default();
    for item in object.list("messages")? {
        request.messages.push(read_message(item, &mut calls)?);
    }
    read_fields(&mut object, &mut request)?;
    request.extra.extend(object.rest());
    Ok(request)
}

/// Takes every known field of a chat beside model and messages.
fn read_fields(object: &mut Object, request: &mut ChatRequest) -> Result<()> {
    for item in object.list("tools")? {
        request.tools.push(read_tool(item)?);
    }
    read_common(object, request)
}

/// Takes what chats and completions share.
pub(super) fn read_common(object: &mut Object, request: &mut ChatRequest) -> Result<()> {
    read_options(object, request)?;
    request.format = object.take("format").map(read_format).transpose()?.flatten();
    request.reasoning = object.take("think").map(read_think).transpose()?;
    request.stream = object.bool("stream")?.unwrap_or(true);
    request.stream_usage = true;
    Ok(())
}

/// Checks fields that clients of other dialects wrote under this dialect's names.
///
/// # Errors
/// A 400 that names the field with a wrong type.
pub(super) fn check_fields(fields: Map<String, Value>) -> Result<()> {
    read_fields(&mut Object::root(fields), &mut ChatRequest::new(Dialect::Ollama, ""))
}

fn read_format(item: Item) -> Result<Option<ResponseFormat>> {
    match &item.value {
        Value::String(word) if word.is_empty() => Ok(None),
        Value::String(word) if word == "json" => Ok(Some(ResponseFormat::JsonObject)),
        Value::Object(_) => Ok(Some(ResponseFormat::JsonSchema {
            name: None,
            description: None,
            schema: item.value,
            strict: Some(true),
        })),
        _ => Err(item.wrong("json or a schema")),
    }
}

fn read_tool(item: Item) -> Result<Tool> {
    let mut function = item.object()?.need("function")?.object()?;
    Ok(Tool::Function {
        name: function.need_string("name")?,
        description: function.string("description")?,
        parameters: function.object("parameters")?.map(Object::into_value),
        strict: None,
        cache: None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_parameter_finds_its_place() {
        let body = json!({
            "model": "m", "messages": [{"role": "user", "content": "hi"}], "think": "low",
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
            "format": {"type": "object"}, "keep_alive": "5m", "logprobs": true, "top_logprobs": 2,
            "options": {"num_predict": -1, "temperature": 0, "top_k": 4, "stop": "x", "num_ctx": 9},
        });
        let request = read_request(body.to_string().as_bytes()).unwrap();
        let sampling = &request.sampling;
        assert_eq!(
            (sampling.max_tokens, sampling.top_k, &*sampling.stop),
            (None, Some(4), &["x".into()][..])
        );
        assert_eq!((sampling.logprobs, sampling.top_logprobs), (Some(true), Some(2)));
        assert!(matches!(&request.format, Some(ResponseFormat::JsonSchema { .. })));
        assert_eq!(request.reasoning.unwrap().effort.as_deref(), Some("low"));
        assert_eq!((request.tools.len(), request.stream), (1, true));
        assert_eq!(Value::from(request.extra), json!({"options": {"num_ctx": 9}, "keep_alive": "5m"}));
    }

    #[test]
    fn a_wrong_form_names_its_field() {
        let body = br#"{"model":"m","messages":[],"format":"yaml"}"#;
        let error = read_request(body).unwrap_err();
        assert_eq!(
            (error.param(), error.message()),
            (Some("format"), "`format` must be json or a schema, but is a string")
        );
    }
}
