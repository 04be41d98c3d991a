//! The items of a conversation, as a client sends them.

use llmux_core::{Dialect, Error, Result};
use serde_json::Value;

use super::reasoning;
use crate::{
    chat::{Content, Media, Message, Part, Role, ToolCall},
    json::read::{Item, Object},
};

/// Reads the input: a text, or items. What the model did in one turn becomes one message, so do the results that
/// follow it.
pub(super) fn read_input(item: Item) -> Result<Vec<Message>> {
    if let Value::String(text) = item.value {
        return Ok(vec![Message::new(Role::User, vec![Part::text(text)])]);
    }
    if !item.value.is_array() {
        return Err(item.wrong("a string or an array of items"));
    }
    let mut messages = Vec::new();
    for item in item.list()? {
        read_item(item, &mut messages)?;
    }
    Ok(messages)
}

fn read_item(item: Item, messages: &mut Vec<Message>) -> Result<()> {
    let (path, whole) = (item.path.clone(), item.value.clone());
    let mut object = item.object()?;
    let kind = object.string("type")?;
    let opaque = || Content::Opaque { dialect: Dialect::OpenAiResponses, value: whole };
    match kind.as_deref() {
        None | Some("message") => read_message(object, messages)?,
        Some("reasoning") => join(Role::Assistant, read_reasoning(object)?, messages),
        Some("function_call") => {
            let call = ToolCall {
                id: object.need_string("call_id")?,
                name: object.need_string("name")?,
                arguments: object.string("arguments")?.unwrap_or_default(),
            };
            join(Role::Assistant, Content::ToolCall(call), messages);
        }
        Some("function_call_output") => {
            let call_id = object.need_string("call_id")?;
            let parts = read_content(object.need("output")?)?;
            join(Role::Tool, Content::ToolResult { call_id, parts, is_error: false }, messages);
        }
        Some("item_reference") => {
            return Err(Error::unsupported(
                &*path,
                format!("`{path}` refers to an item that is stored elsewhere; send the item itself"),
            ));
        }
        Some(_) if messages.last().is_some_and(|last| last.role == Role::Assistant) => {
            join(Role::Assistant, opaque(), messages);
        }
        Some(_) => messages.push(Message::new(Role::User, vec![Part::new(opaque())])),
    }
    Ok(())
}

/// Adds to the last message if it is of the same side.
fn join(role: Role, content: Content, messages: &mut Vec<Message>) {
    match messages.last_mut() {
        Some(last) if last.role == role => last.parts.push(Part::new(content)),
        _ => messages.push(Message::new(role, vec![Part::new(content)])),
    }
}

fn read_message(mut object: Object, messages: &mut Vec<Message>) -> Result<()> {
    let role_item = object.need("role")?;
    let role = match role_item.value.as_str().unwrap_or_default() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        "developer" => Role::Developer,
        _ => return Err(role_item.wrong("one of user, assistant, system, developer")),
    };
    let parts = read_content(object.need("content")?)?;
    let spoken = |part: &Part| matches!(part.content, Content::Text { .. } | Content::Refusal(_));
    match messages.last_mut() {
        // Two messages of the model are two things said, even in one turn.
        Some(last) if role == Role::Assistant && last.role == role && !last.parts.iter().any(spoken) => {
            last.parts.extend(parts);
        }
        _ => messages.push(Message::new(role, parts)),
    }
    Ok(())
}

fn read_reasoning(mut object: Object) -> Result<Content> {
    let encrypted = object.string("encrypted_content")?;
    let mut texts = read_texts(object.list("summary")?)?;
    if texts.is_empty() {
        texts = read_texts(object.list("content")?)?;
    }
    Ok(reasoning::open(texts.join("\n\n"), encrypted.as_deref()))
}

fn read_texts(items: Vec<Item>) -> Result<Vec<String>> {
    items.into_iter().map(|item| item.object()?.need_string("text")).collect()
}

fn read_content(item: Item) -> Result<Vec<Part>> {
    match item.value {
        Value::String(text) => Ok(vec![Part::text(text)]),
        Value::Array(_) => item.list()?.into_iter().map(read_part).collect(),
        _ => Err(item.wrong("a string or an array of parts")),
    }
}

fn read_part(item: Item) -> Result<Part> {
    let whole = item.value.clone();
    let mut object = item.object()?;
    let content = match object.need_string("type")?.as_str() {
        "input_text" | "output_text" | "text" => {
            Content::Text { text: object.need_string("text")?, citations: Vec::new() }
        }
        "refusal" => match object.string("refusal")? {
            Some(text) => Content::Refusal(text),
            None => Content::Refusal(object.need_string("text")?),
        },
        "input_image" => read_image(&mut object)?,
        "input_file" => read_file(&mut object)?,
        "input_audio" => {
            let mut audio = object.need("input_audio")?.object()?;
            Content::Audio { data: audio.need_string("data")?, format: audio.need_string("format")? }
        }
        _ => Content::Opaque { dialect: Dialect::OpenAiResponses, value: whole },
    };
    Ok(Part::new(content))
}

fn read_image(object: &mut Object) -> Result<Content> {
    let detail = object.string("detail")?;
    let source = match object.string("file_id")? {
        Some(id) => Media::FileId(id),
        None => Media::of_url(object.need_string("image_url")?, &object.path_of("image_url"))?,
    };
    Ok(Content::Image { source, detail })
}

fn read_file(object: &mut Object) -> Result<Content> {
    let name = object.string("filename")?;
    let source = if let Some(id) = object.string("file_id")? {
        Media::FileId(id)
    } else if let Some(url) = object.string("file_url")? {
        Media::of_url(url, &object.path_of("file_url"))?
    } else {
        let data = object.need_string("file_data")?;
        if data.starts_with("data:") {
            Media::of_url(data, &object.path_of("file_data"))?
        } else {
            Media::Base64 { mime: "application/pdf".to_owned(), data }
        }
    };
    Ok(Content::File { source, name, context: None, citations: None })
}
