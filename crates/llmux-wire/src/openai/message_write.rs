//! Messages and their parts, as OpenAI-like providers take them.

use llmux_core::{Dialect, Error, Result};
use serde_json::{Map, Value, json};

use super::reasoning::write_block;
use crate::chat::{Citation, Content, Fit, Media, Message, Part, Role, ToolCall};

/// Writes the conversation.
pub(super) fn write_messages(messages: &[Message], fit: &mut Fit<'_>) -> Result<Vec<Value>> {
    let mut out = Vec::with_capacity(messages.len());
    for message in messages {
        match message.role {
            Role::Tool => write_results(message, &mut out, fit)?,
            Role::Assistant => out.push(write_assistant(message, fit)?),
            Role::System | Role::Developer | Role::User => {
                let content = write_content(&message.parts, fit)?;
                // Nothing is left of a message whose parts were all left out.
                if !message.parts.is_empty() && content == json!([]) {
                    continue;
                }
                let mut object = Map::new();
                object.insert("role".into(), role(message.role).into());
                object.insert("content".into(), content);
                if let Some(name) = &message.name {
                    object.insert("name".into(), name.as_str().into());
                }
                out.push(Value::Object(object));
            }
        }
    }
    Ok(out)
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::Developer => "developer",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

/// Each result is a message of its own. Tool messages carry text only, so that images and documents of a
/// result follow in a user message.
fn write_results(message: &Message, out: &mut Vec<Value>, fit: &mut Fit<'_>) -> Result<()> {
    let mut beside = Vec::new();
    for part in &message.parts {
        let Content::ToolResult { call_id, parts, .. } = &part.content else { continue };
        let (texts, others): (Vec<_>, Vec<_>) = parts.iter().partition(|part| part.as_text().is_some());
        let text: Vec<_> = texts.into_iter().filter_map(Part::as_text).collect();
        out.push(json!({ "role": "tool", "tool_call_id": call_id, "content": text.join("\n") }));
        beside.extend(others.into_iter().cloned());
    }
    let beside = write_parts(&beside, fit)?;
    if !beside.is_empty() {
        out.push(json!({ "role": "user", "content": beside }));
    }
    Ok(())
}

fn write_assistant(message: &Message, fit: &mut Fit<'_>) -> Result<Value> {
    let mut object = Map::new();
    object.insert("role".into(), "assistant".into());
    object.insert("content".into(), Value::Null);
    if let Some(name) = &message.name {
        object.insert("name".into(), name.as_str().into());
    }
    let mut text = String::new();
    let (mut calls, mut thinking) = (Vec::new(), Vec::new());
    for part in &message.parts {
        match &part.content {
            Content::Text { text: more, .. } => text.push_str(more),
            Content::Refusal(refusal) => {
                object.insert("refusal".into(), refusal.as_str().into());
            }
            Content::ToolCall(call) => calls.push(write_call(call)),
            // Whether and in which form a host wants it back is for the host's own rules.
            Content::Reasoning { .. } | Content::RedactedReasoning(_) => {
                thinking.extend(write_block(&part.content));
            }
            Content::Opaque { dialect: Dialect::OpenAi, value } if value.get("id").is_some() => {
                calls.push(value.clone());
            }
            other => refuse_part(other, fit)?,
        }
    }
    if !text.is_empty() || calls.is_empty() {
        object.insert("content".into(), text.into());
    }
    if !calls.is_empty() {
        object.insert("tool_calls".into(), calls.into());
    }
    if !thinking.is_empty() {
        object.insert("thinking_blocks".into(), thinking.into());
    }
    Ok(Value::Object(object))
}

/// Writes a call as it stands in messages and answers.
pub(super) fn write_call(call: &ToolCall) -> Value {
    let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
    json!({
        "id": call.id,
        "type": "function",
        "function": { "name": call.name, "arguments": arguments },
    })
}

/// Text alone is a string, which every OpenAI-like host takes; anything else is an array of parts.
fn write_content(parts: &[Part], fit: &mut Fit<'_>) -> Result<Value> {
    let texts: Vec<_> = parts.iter().filter_map(Part::as_text).collect();
    if texts.len() == parts.len() {
        return Ok(match texts.as_slice() {
            [one] => Value::from(*one),
            several => Value::from(several.join("\n")),
        });
    }
    Ok(write_parts(parts, fit)?.into())
}

/// The parts that have a form here.
fn write_parts(parts: &[Part], fit: &mut Fit<'_>) -> Result<Vec<Value>> {
    let written = parts.iter().filter_map(|part| write_part(&part.content, fit).transpose());
    written.collect()
}

fn write_part(content: &Content, fit: &mut Fit<'_>) -> Result<Option<Value>> {
    Ok(Some(match content {
        Content::Text { text, .. } | Content::Refusal(text) => json!({ "type": "text", "text": text }),
        Content::Image { source, detail } => {
            let Some(url) = image_url(source) else {
                refuse_part(content, fit)?;
                return Ok(None);
            };
            let mut image = json!({ "url": url });
            if let (Some(object), Some(detail)) = (image.as_object_mut(), detail) {
                object.insert("detail".into(), detail.as_str().into());
            }
            json!({ "type": "image_url", "image_url": image })
        }
        Content::File { source, name, .. } => match file(source, name.as_deref()) {
            Some(part) => part,
            None => {
                refuse_part(content, fit)?;
                return Ok(None);
            }
        },
        Content::Audio { data, format } => {
            json!({ "type": "input_audio", "input_audio": { "data": data, "format": format } })
        }
        Content::Opaque { dialect: Dialect::OpenAi, value } => value.clone(),
        other => {
            refuse_part(other, fit)?;
            return Ok(None);
        }
    }))
}

fn image_url(source: &Media) -> Option<String> {
    match source {
        Media::Url(url) => Some(url.clone()),
        Media::Base64 { mime, data } => Some(format!("data:{mime};base64,{data}")),
        Media::FileId(_) | Media::Text { .. } => None,
    }
}

fn file(source: &Media, name: Option<&str>) -> Option<Value> {
    match source {
        Media::Base64 { mime, data } => Some(json!({ "type": "file", "file": {
            "filename": name.unwrap_or("document"),
            "file_data": format!("data:{mime};base64,{data}"),
        }})),
        Media::FileId(id) => Some(json!({ "type": "file", "file": { "file_id": id } })),
        Media::Text { text, .. } => Some(json!({ "type": "text", "text": text })),
        // Chat completions take no document by URL.
        Media::Url(_) => None,
    }
}

/// A part that has no form here is refused by name, or left out where the deployment drops such things.
fn refuse_part(content: &Content, fit: &mut Fit<'_>) -> Result<()> {
    let what = match content {
        Content::Image { .. } => "messages.content.image (by file id)",
        Content::File { .. } => "messages.content.document (by URL)",
        Content::Opaque { value, .. } => {
            let kind = value.get("type").and_then(Value::as_str).unwrap_or("unknown");
            return fit.refuse(&format!("messages.content.{kind}"));
        }
        Content::ToolCall(_) | Content::ToolResult { .. } => {
            return Err(Error::invalid("messages", "tool calls and results stand in the wrong message"));
        }
        _ => return Ok(()),
    };
    fit.refuse(what)
}

/// Writes citations of a web page as OpenAI's annotations; other kinds have no form here.
pub(super) fn write_annotations(citations: &[Citation]) -> Vec<Value> {
    citations.iter().filter_map(write_annotation).collect()
}

/// Writes one citation, if it has a URL.
pub(super) fn write_annotation(citation: &Citation) -> Option<Value> {
    let url = citation.url.as_deref()?;
    let (start, end) = citation.span.unwrap_or_default();
    Some(json!({
        "type": "url_citation",
        "url_citation": {
            "url": url,
            "title": citation.title.as_deref().unwrap_or_default(),
            "start_index": start,
            "end_index": end,
        },
    }))
}
