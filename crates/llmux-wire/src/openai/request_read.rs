//! A chat completion request, as a client sends it.

use llmux_core::{Dialect, Result};
use serde_json::{Map, Value};

use super::message_read::{read_cache, read_message};
use crate::{
    chat::{ChatRequest, ReasoningRequest, ResponseFormat, Sampling, Tool, ToolChoice},
    json::read::{Item, Object},
};

/// Reads a chat completion request.
///
/// # Errors
/// A 400 that names line and column of malformed JSON, or the field with a wrong type.
pub fn read_request(body: &[u8]) -> Result<ChatRequest> {
    let mut object = Object::parse(body)?;
    let mut request = ChatRequest::new(Dialect::OpenAi, object.need_string("model")?);
    let messages = object.need("messages")?.list()?;
    request.messages = messages.into_iter().map(read_message).collect::<Result<_>>()?;
    read_fields(&mut object, &mut request)?;
    request.extra = object.rest();
    Ok(request)
}

/// Takes every known field beside model and messages.
fn read_fields(object: &mut Object, request: &mut ChatRequest) -> Result<()> {
    read_tools(object, request)?;
    request.format = object.take("response_format").map(read_format).transpose()?;
    request.reasoning = object
        .string("reasoning_effort")?
        .map(|effort| ReasoningRequest { effort: Some(effort), ..ReasoningRequest::default() });
    request.sampling = read_sampling(object)?;
    request.stream = object.bool("stream")?.unwrap_or_default();
    if let Some(mut options) = object.object("stream_options")? {
        request.stream_usage = options.bool("include_usage")?.unwrap_or_default();
    }
    let safety = object.string("safety_identifier")?;
    request.user = object.string("user")?.or(safety);
    request.metadata = object.object("metadata")?.map(Object::rest);
    request.service_tier = object.string("service_tier")?;
    request.cache = read_cache(object)?;
    Ok(())
}

/// Checks fields that clients of other dialects wrote under this dialect's names.
///
/// # Errors
/// A 400 that names the field with a wrong type.
pub(super) fn check_fields(fields: Map<String, Value>) -> Result<()> {
    read_fields(&mut Object::root(fields), &mut ChatRequest::new(Dialect::OpenAi, ""))
}

/// Reads the sampling parameters; shared with legacy completions and Responses.
pub(crate) fn read_sampling(object: &mut Object) -> Result<Sampling> {
    let older = object.count("max_tokens")?;
    Ok(Sampling {
        max_tokens: object.count("max_completion_tokens")?.or(older),
        temperature: object.number("temperature")?,
        top_p: object.number("top_p")?,
        top_k: object.count("top_k")?,
        frequency_penalty: object.number("frequency_penalty")?,
        presence_penalty: object.number("presence_penalty")?,
        seed: object.number("seed")?,
        stop: read_stop(object)?,
        n: object.count("n")?,
        logit_bias: object.object("logit_bias")?.map(Object::into_value),
        logprobs: object.bool("logprobs")?,
        top_logprobs: object.count("top_logprobs")?,
    })
}

fn read_stop(object: &mut Object) -> Result<Vec<String>> {
    match object.take("stop") {
        None => Ok(Vec::new()),
        Some(Item { value: Value::String(text), .. }) => Ok(vec![text]),
        Some(item @ Item { value: Value::Array(_), .. }) => {
            item.list()?.into_iter().map(Item::string).collect()
        }
        Some(item) => Err(item.wrong("a string or an array of strings")),
    }
}

fn read_tools(object: &mut Object, request: &mut ChatRequest) -> Result<()> {
    for item in object.list("tools")? {
        request.tools.push(read_tool(item)?);
    }
    for item in object.list("functions")? {
        request.tools.push(read_function(item.object()?)?);
    }
    request.tool_choice = object.take("tool_choice").map(read_choice).transpose()?;
    if let Some(item) = object.take("function_call") {
        request.tool_choice = Some(read_choice(item)?);
    }
    request.parallel_tool_calls = object.bool("parallel_tool_calls")?;
    Ok(())
}

fn read_tool(item: Item) -> Result<Tool> {
    let whole = item.value.clone();
    let mut tool = item.object()?;
    let cache = read_cache(&mut tool)?;
    if tool.need_string("type")? != "function" {
        return Ok(Tool::Opaque { dialect: Dialect::OpenAi, value: whole });
    }
    let mut read = read_function(tool.need("function")?.object()?)?;
    if let (Tool::Function { cache: mark, .. }, Some(_)) = (&mut read, cache) {
        *mark = cache;
    }
    Ok(read)
}

fn read_function(mut function: Object) -> Result<Tool> {
    Ok(Tool::Function {
        name: function.need_string("name")?,
        description: function.string("description")?,
        parameters: function.object("parameters")?.map(Object::into_value),
        strict: function.bool("strict")?,
        cache: read_cache(&mut function)?,
    })
}

fn read_choice(item: Item) -> Result<ToolChoice> {
    let expected = "\"auto\", \"none\", \"required\" or an object that names a function";
    match &item.value {
        Value::String(word) => match word.as_str() {
            "auto" => Ok(ToolChoice::Auto),
            "none" => Ok(ToolChoice::None),
            "required" | "any" => Ok(ToolChoice::Required),
            _ => Err(item.wrong(expected)),
        },
        Value::Object(object) => {
            let name = object.get("function").and_then(|f| f.get("name")).or_else(|| object.get("name"));
            match name.and_then(Value::as_str) {
                Some(name) => Ok(ToolChoice::Named(name.to_owned())),
                None => Err(item.wrong(expected)),
            }
        }
        _ => Err(item.wrong(expected)),
    }
}

fn read_format(item: Item) -> Result<ResponseFormat> {
    let mut format = item.object()?;
    let kind = format.need("type")?;
    match kind.value.as_str().unwrap_or_default() {
        "text" => Ok(ResponseFormat::Text),
        "json_object" => Ok(ResponseFormat::JsonObject),
        "json_schema" => {
            let mut schema = format.need("json_schema")?.object()?;
            Ok(ResponseFormat::JsonSchema {
                name: schema.string("name")?,
                description: schema.string("description")?,
                schema: schema.need("schema")?.object()?.into_value(),
                strict: schema.bool("strict")?,
            })
        }
        _ => Err(kind.wrong("one of text, json_object, json_schema")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chat::{CacheMark, Content, Media, Role};

    fn read(value: &Value) -> ChatRequest {
        read_request(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_conversation_with_tools_is_read() {
        let request = read(&json!({
            "model": "m",
            "messages": [
                {"role": "system", "content": "be kind"},
                {"role": "user", "content": [
                    {"type": "text", "text": "look", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}]},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "42"}],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": true}}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "max_tokens": 5, "max_completion_tokens": 7, "temperature": 0.10, "stop": "x",
            "stream": true, "stream_options": {"include_usage": true}, "something_new": 1,
        }));
        assert_eq!(request.messages.len(), 4);
        assert_eq!(request.messages[1].parts[0].cache, Some(CacheMark::OneHour));
        assert!(matches!(
            &request.messages[1].parts[1].content,
            Content::Image { source: Media::Base64 { mime, .. }, .. } if mime == "image/png"
        ));
        assert!(
            matches!(&request.messages[2].parts[0].content, Content::ToolCall(c) if c.arguments == "{\"a\": 1}")
        );
        assert_eq!(request.messages[3].role, Role::Tool);
        assert_eq!(request.tool_choice, Some(ToolChoice::Named("f".into())));
        assert_eq!(request.sampling.max_tokens, Some(7));
        assert_eq!(request.sampling.stop, ["x"]);
        assert!(request.stream && request.stream_usage);
        assert_eq!(request.extra.keys().collect::<Vec<_>>(), ["something_new"]);
    }

    #[test]
    fn signed_reasoning_of_an_earlier_turn_is_kept() {
        let request = read(&json!({"model": "m", "messages": [{
            "role": "assistant", "content": "hi", "reasoning_content": "hm",
            "thinking_blocks": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "redacted_thinking", "data": "d"}]}]}));
        let parts = &request.messages[0].parts;
        assert_eq!(parts[0].content, Content::Reasoning { text: "hm".into(), signature: Some("s".into()) });
        assert_eq!(parts[1].content, Content::RedactedReasoning("d".into()));
        assert_eq!(parts[2].as_text(), Some("hi"));
    }

    #[test]
    fn wrong_types_name_the_field() {
        let cases = [
            (json!({"messages": []}), "model"),
            (json!({"model": "m"}), "messages"),
            (json!({"model": "m", "messages": [{"role": "bot", "content": "x"}]}), "messages[0].role"),
            (json!({"model": "m", "messages": [{"role": "user"}]}), "messages[0].content"),
            (
                json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "text"}]}]}),
                "messages[0].content[0].text",
            ),
            (json!({"model": "m", "messages": [], "temperature": "hot"}), "temperature"),
            (json!({"model": "m", "messages": [], "stream": "false"}), "stream"),
            (json!({"model": "m", "messages": [], "tools": [{"type": "function"}]}), "tools[0].function"),
            (
                json!({"model": "m", "messages": [], "response_format": {"type": "xml"}}),
                "response_format.type",
            ),
        ];
        for (body, param) in cases {
            let error = read_request(body.to_string().as_bytes()).unwrap_err();
            assert_eq!((error.param(), error.status().as_u16()), (Some(param), 400), "{body}");
        }
    }
}
