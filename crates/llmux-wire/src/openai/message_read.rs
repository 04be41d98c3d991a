//! Messages and their parts, as a client sends them.

use llmux_core::{Dialect, Result};
use serde_json::Value;

use crate::{
    chat::{CacheMark, Content, Media, Message, Part, Role, ToolCall},
    json::read::{Item, Object},
};

/// Reads one message.
pub(super) fn read_message(item: Item) -> Result<Message> {
    let mut object = item.object()?;
    let role_item = object.need("role")?;
    let role = role_item.value.as_str().unwrap_or_default().to_owned();
    let name = object.string("name")?;
    let cache = read_cache(&mut object)?;
    let role = match role.as_str() {
        "system" => Role::System,
        "developer" => Role::Developer,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" | "function" => return read_tool_result(object, name, cache),
        _ => return Err(role_item.wrong("one of system, developer, user, assistant, tool, function")),
    };
    let mut parts = if role == Role::Assistant { read_reasoning(&mut object)? } else { Vec::new() };
    parts.extend(read_content(&mut object, role != Role::Assistant)?);
    if role == Role::Assistant {
        read_calls(&mut object, &mut parts)?;
    }
    if let (Some(mark), Some(last)) = (cache, parts.last_mut()) {
        last.cache = Some(mark);
    }
    Ok(Message { role, name, parts })
}

fn read_tool_result(mut object: Object, name: Option<String>, cache: Option<CacheMark>) -> Result<Message> {
    // The legacy `function` role has no call id; its name is the only link.
    let call_id = match object.string("tool_call_id")? {
        Some(id) => id,
        None => name.clone().ok_or_else(|| object.missing("tool_call_id"))?,
    };
    let parts = read_content(&mut object, true)?;
    let content = Content::ToolResult { call_id, parts, is_error: false };
    Ok(Message { role: Role::Tool, name, parts: vec![Part::new(content).with_cache(cache)] })
}

fn read_content(object: &mut Object, required: bool) -> Result<Vec<Part>> {
    let Some(item) = object.take("content") else {
        return if required { Err(object.missing("content")) } else { Ok(Vec::new()) };
    };
    match item.value {
        Value::String(text) => Ok(vec![Part::text(text)]),
        Value::Array(_) => item.list()?.into_iter().map(read_part).collect(),
        _ => Err(item.wrong("a string or an array of parts")),
    }
}

fn read_part(item: Item) -> Result<Part> {
    let whole = item.value.clone();
    let mut object = item.object()?;
    let cache = read_cache(&mut object)?;
    let content = match object.need_string("type")?.as_str() {
        "text" => Content::Text { text: object.need_string("text")?, citations: Vec::new() },
        "refusal" => Content::Refusal(object.need_string("refusal")?),
        "image_url" => read_image(&mut object)?,
        "input_audio" => {
            let mut audio = object.need("input_audio")?.object()?;
            Content::Audio { data: audio.need_string("data")?, format: audio.need_string("format")? }
        }
        "file" => read_file(object.need("file")?.object()?)?,
        _ => Content::Opaque { dialect: Dialect::OpenAi, value: whole },
    };
    Ok(Part { content, cache })
}

fn read_image(object: &mut Object) -> Result<Content> {
    let item = object.need("image_url")?;
    let path = item.path.clone();
    // The reference wants an object; many clients send the URL itself.
    let (url, detail) = match item.value {
        Value::String(url) => (url, None),
        _ => {
            let mut image = item.object()?;
            (image.need_string("url")?, image.string("detail")?)
        }
    };
    Ok(Content::Image { source: Media::of_url(url, &path)?, detail })
}

fn read_file(mut file: Object) -> Result<Content> {
    let name = file.string("filename")?;
    let source = if let Some(id) = file.string("file_id")? {
        // LiteLLM's users put URLs here too.
        if id.starts_with("http://") || id.starts_with("https://") {
            Media::Url(id)
        } else {
            Media::FileId(id)
        }
    } else {
        let path = file.path_of("file_data");
        let data = file.need_string("file_data")?;
        if data.starts_with("data:") || data.starts_with("http") {
            Media::of_url(data, &path)?
        } else {
            let mime = file.string("format")?.unwrap_or_else(|| "application/pdf".to_owned());
            Media::Base64 { mime, data }
        }
    };
    Ok(Content::File { source, name, context: None, citations: None })
}

/// Reasoning of an earlier turn: signed blocks in Anthropic's form, or a plain text.
fn read_reasoning(object: &mut Object) -> Result<Vec<Part>> {
    let blocks = object.list("thinking_blocks")?;
    let plain = object.string("reasoning_content")?;
    if blocks.is_empty() {
        return Ok(plain
            .into_iter()
            .map(|text| Part::new(Content::Reasoning { text, signature: None }))
            .collect());
    }
    blocks
        .into_iter()
        .map(|item| {
            let mut block = item.object()?;
            Ok(Part::new(if let Some(data) = block.string("data")? {
                Content::RedactedReasoning(data)
            } else {
                Content::Reasoning {
                    text: block.string("thinking")?.unwrap_or_default(),
                    signature: block.string("signature")?,
                }
            }))
        })
        .collect()
}

fn read_calls(object: &mut Object, parts: &mut Vec<Part>) -> Result<()> {
    if let Some(text) = object.string("refusal")? {
        parts.push(Part::new(Content::Refusal(text)));
    }
    for item in object.list("tool_calls")? {
        let whole = item.value.clone();
        let mut call = item.object()?;
        let cache = read_cache(&mut call)?;
        let id = call.need_string("id")?;
        let content = match call.object("function")? {
            Some(mut function) => Content::ToolCall(read_function(id, &mut function)?),
            None => Content::Opaque { dialect: Dialect::OpenAi, value: whole },
        };
        parts.push(Part { content, cache });
    }
    if let Some(mut function) = object.object("function_call")? {
        let name = function.peek("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        parts.push(Part::new(Content::ToolCall(read_function(name, &mut function)?)));
    }
    Ok(())
}

fn read_function(id: String, function: &mut Object) -> Result<ToolCall> {
    let name = function.need_string("name")?;
    let arguments = match function.take("arguments") {
        None => String::new(),
        Some(Item { value: Value::String(text), .. }) => text,
        Some(item) => item.value.to_string(),
    };
    Ok(ToolCall { id, name, arguments })
}

/// Reads Anthropic's `cache_control`, which LiteLLM's users put on parts, messages and tools.
pub(super) fn read_cache(object: &mut Object) -> Result<Option<CacheMark>> {
    let Some(mut mark) = object.object("cache_control")? else { return Ok(None) };
    let hour = mark.string("ttl")?.is_some_and(|ttl| ttl == "1h");
    Ok(Some(if hour { CacheMark::OneHour } else { CacheMark::Default }))
}
