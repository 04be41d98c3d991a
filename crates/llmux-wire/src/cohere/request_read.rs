//! A chat request, as a client sends it.

use llmux_core::{Dialect, Result};
use serde_json::{Map, Value};

use super::{
    format::read_format,
    message_read::{read_document, read_message},
    thinking::read_thinking,
};
use crate::{
    chat::{ChatRequest, Message, Role, Sampling, Tool, ToolChoice},
    json::read::{Item, Object},
};

/// Reads a request. Documents beside the conversation are put in front of what the user said last.
///
/// # Errors
/// A 400 that names line and column of malformed JSON, the missing field, or the field with a wrong type.
pub fn read_request(body: &[u8]) -> Result<ChatRequest> {
    let mut object = Object::parse(body)?;
    let mut request = ChatRequest::new(Dialect::Cohere, object.need_string("model")?);
    let messages = object.need("messages")?.list()?;
    request.messages = messages.into_iter().map(read_message).collect::<Result<_>>()?;
    read_fields(&mut object, &mut request)?;
    request.stream = object.bool("stream")?.unwrap_or_default();
    request.stream_usage = true;
    request.extra = object.rest();
    Ok(request)
}

/// Takes everything but the conversation.
fn read_fields(object: &mut Object, request: &mut ChatRequest) -> Result<()> {
    read_documents(object, &mut request.messages)?;
    read_tools(object, request)?;
    request.format = object.take("response_format").map(read_format).transpose()?;
    request.reasoning = object.take("thinking").map(read_thinking).transpose()?;
    request.sampling = read_sampling(object)?;
    Ok(())
}

/// Checks fields that clients of other dialects wrote under this dialect's names.
///
/// # Errors
/// A 400 that names the field with a wrong type.
pub(super) fn check_fields(fields: Map<String, Value>) -> Result<()> {
    read_fields(&mut Object::root(fields), &mut ChatRequest::new(Dialect::Cohere, ""))
}

fn read_sampling(object: &mut Object) -> Result<Sampling> {
    let stop = object.list("stop_sequences")?.into_iter();
    Ok(Sampling {
        max_tokens: object.count("max_tokens")?,
        temperature: object.number("temperature")?,
        top_p: object.number("p")?,
        top_k: object.count("k")?,
        frequency_penalty: object.number("frequency_penalty")?,
        presence_penalty: object.number("presence_penalty")?,
        seed: object.number("seed")?,
        stop: stop.map(Item::string).collect::<Result<_>>()?,
        logprobs: object.bool("logprobs")?,
        ..Sampling::default()
    })
}

fn read_documents(object: &mut Object, messages: &mut Vec<Message>) -> Result<()> {
    let mode = object.peek("citation_options").and_then(|options| options.get("mode"));
    let cites = mode
        .and_then(|mode| mode.as_str())
        .is_none_or(|mode| !["OFF", "DISABLED"].iter().any(|off| mode.eq_ignore_ascii_case(off)));
    let documents = object.list("documents")?.into_iter();
    let mut parts = documents.map(|item| read_document(item, cites)).collect::<Result<Vec<_>>>()?;
    if parts.is_empty() {
        return Ok(());
    }
    match messages.iter_mut().rfind(|message| message.role == Role::User) {
        Some(message) => {
            parts.append(&mut message.parts);
            message.parts = parts;
        }
        None => messages.push(Message::new(Role::User, parts)),
    }
    Ok(())
}

fn read_tools(object: &mut Object, request: &mut ChatRequest) -> Result<()> {
    let strict = object.bool("strict_tools")?;
    for item in object.list("tools")? {
        let mut tool = item.object()?;
        let mut function = tool.need("function")?.object()?;
        request.tools.push(Tool::Function {
            name: function.need_string("name")?,
            description: function.string("description")?,
            parameters: function.object("parameters")?.map(Object::into_value),
            strict,
            cache: None,
        });
    }
    request.tool_choice = object.take("tool_choice").map(read_choice).transpose()?;
    Ok(())
}

fn read_choice(item: Item) -> Result<ToolChoice> {
    match item.value.as_str() {
        Some("REQUIRED") => Ok(ToolChoice::Required),
        Some("NONE") => Ok(ToolChoice::None),
        _ => Err(item.wrong("REQUIRED or NONE")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chat::{Content, Media, Part, ReasoningRequest, ResponseFormat};

    fn read(value: &Value) -> Result<ChatRequest> {
        read_request(value.to_string().as_bytes())
    }

    #[test]
    fn every_parameter_finds_its_place() {
        let request = read(&json!({
            "model": "command-a", "messages": [{"role": "user", "content": "hi"}], "stream": true,
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
            "strict_tools": true, "tool_choice": "REQUIRED", "k": 3, "p": 0.5, "temperature": 0.1, "seed": 7,
            "max_tokens": 5, "stop_sequences": ["x"], "frequency_penalty": 0.2, "presence_penalty": 0.3,
            "logprobs": true, "thinking": {"type": "enabled", "token_budget": 99},
            "response_format": {"type": "json_object", "json_schema": {"type": "object"}},
            "safety_mode": "STRICT",
        }))
        .unwrap();
        let sampling = &request.sampling;
        assert_eq!((sampling.top_k, sampling.max_tokens, sampling.logprobs), (Some(3), Some(5), Some(true)));
        assert_eq!(
            (sampling.top_p.clone().unwrap().as_f64(), &*sampling.stop),
            (Some(0.5), &["x".into()][..])
        );
        assert!(matches!(&request.tools[0], Tool::Function { strict: Some(true), .. }));
        assert_eq!(request.tool_choice, Some(ToolChoice::Required));
        assert!(matches!(&request.format, Some(ResponseFormat::JsonSchema { .. })));
        let thinking = ReasoningRequest { budget: Some(99), ..ReasoningRequest::default() };
        assert_eq!((request.reasoning, request.stream, request.stream_usage), (Some(thinking), true, true));
        assert_eq!(request.extra, json!({"safety_mode": "STRICT"}).as_object().unwrap().clone());
    }

    #[test]
    fn documents_stand_in_front_of_the_last_question() {
        let request = read(&json!({
            "model": "m",
            "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
                {"role": "user", "content": "c"}],
            "documents": ["plain", {"id": "d", "data": {"title": "t", "text": "words"}}],
        }))
        .unwrap();
        let document = |text: &str, name: Option<&str>| {
            Part::new(Content::File {
                source: Media::Text { mime: "text/plain".into(), text: text.into() },
                name: name.map(str::to_owned),
                context: None,
                citations: Some(true),
            })
        };
        let parts = [document("plain", None), document("words", Some("t")), Part::text("c")];
        assert_eq!(request.messages[2].parts, parts);
    }

    #[test]
    fn a_wrong_word_names_its_field() {
        let error = read(&json!({"model": "m", "messages": [], "tool_choice": "auto"})).unwrap_err();
        assert_eq!(error.param(), Some("tool_choice"));
        let error = read(&json!({"model": "m", "messages": [{"role": "boss", "content": ""}]})).unwrap_err();
        assert_eq!(error.param(), Some("messages[0].role"));
    }
}
