//! Content blocks, as clients send and providers answer them.

use llmux_core::{Dialect, Result};
use serde_json::{Map, Value};

use super::{
    citation::read_citation,
    media::{self, Kind},
    redacted,
};
use crate::{
    chat::{CacheMark, Content, Part, ToolCall},
    json::read::{Item, Object},
};

/// Reads a list of blocks. A cache point marks the block before it.
pub(super) fn read_blocks(items: Vec<Item>) -> Result<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::with_capacity(items.len());
    for item in items {
        if let Some(mark) = read_cache(&item.value) {
            if let Some(part) = parts.last_mut() {
                part.cache = Some(mark);
            }
            continue;
        }
        read_block(item, &mut parts)?;
    }
    Ok(parts)
}

/// The mark that a cache point sets.
pub(super) fn read_cache(block: &Value) -> Option<CacheMark> {
    let point = block.get("cachePoint").filter(|point| !point.is_null())?;
    let hour = point.get("ttl").is_some_and(|ttl| ttl == "1h");
    Some(if hour { CacheMark::OneHour } else { CacheMark::Default })
}

/// Reads one block. A kind with no neutral form is kept as it stands.
fn read_block(item: Item, parts: &mut Vec<Part>) -> Result<()> {
    if !has_neutral_form(&item.value) {
        // Clients and the service write `null` for the kinds that a block is not.
        let value = Value::Object(item.object()?.rest());
        parts.push(Part::new(Content::Opaque { dialect: Dialect::BedrockConverse, value }));
        return Ok(());
    }
    let mut block = item.object()?;
    let content = if let Some(text) = block.string("text")? {
        Content::Text { text, citations: Vec::new() }
    } else if let Some(call) = block.object("toolUse")? {
        Content::ToolCall(read_call(call)?)
    } else if let Some(result) = block.object("toolResult")? {
        read_result(result)?
    } else if let Some(mut reasoning) = block.object("reasoningContent")? {
        read_reasoning(&mut reasoning)?
    } else if let Some(cited) = block.object("citationsContent")? {
        read_cited(cited)?
    } else if let Some(audio) = block.take("audio") {
        let text = |pointer: &str| audio.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        Content::Audio { data: text("/source/bytes").to_owned(), format: text("/format").to_owned() }
    } else {
        let value = block.into_value();
        let medium = medium(&value);
        medium.unwrap_or(Content::Opaque { dialect: Dialect::BedrockConverse, value })
    };
    parts.push(Part::new(content));
    Ok(())
}

fn medium(block: &Value) -> Option<Content> {
    let (name, value) = kind(block.as_object()?)?;
    media::read(Kind::of(name)?, value)
}

/// The field that says what a block is; some models' answers name their own `type` beside it.
fn kind(block: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut fields = block.iter().filter(|(name, value)| !value.is_null() && *name != "type");
    fields.next().map(|(name, value)| (name.as_str(), value))
}

fn has_neutral_form(block: &Value) -> bool {
    let Some(fields) = block.as_object() else { return true };
    let Some((name, value)) = kind(fields) else { return false };
    match name {
        "text" | "reasoningContent" | "citationsContent" => true,
        // What the provider runs itself is nothing that the client may answer.
        "toolUse" => value.get("type").is_none_or(|kind| kind != "server_tool_use"),
        "toolResult" => value.get("type").is_none_or(Value::is_null),
        "audio" => value.pointer("/source/bytes").is_some_and(Value::is_string),
        _ => medium(block).is_some(),
    }
}

fn read_call(mut call: Object) -> Result<ToolCall> {
    let id = call.need_string("toolUseId")?;
    let name = call.need_string("name")?;
    // Models without arguments leave out the object, or write an empty text.
    let input = call.take("input").map(|item| item.value).filter(Value::is_object);
    let arguments = input.map_or_else(|| "{}".to_owned(), |input| input.to_string());
    Ok(ToolCall { id, name, arguments })
}

fn read_result(mut result: Object) -> Result<Content> {
    let call_id = result.need_string("toolUseId")?;
    let is_error = result.string("status")?.is_some_and(|status| status == "error");
    let mut parts = Vec::new();
    for item in result.list("content")? {
        match item.value.get("json").filter(|json| !json.is_null()) {
            Some(json) => parts.push(Part::text(json.to_string())),
            None => read_block(item, &mut parts)?,
        }
    }
    Ok(Content::ToolResult { call_id, parts, is_error })
}

fn read_reasoning(reasoning: &mut Object) -> Result<Content> {
    if let Some(blob) = reasoning.string("redactedContent")? {
        return Ok(Content::RedactedReasoning(redacted::read(&blob)));
    }
    let mut text = reasoning.need("reasoningText")?.object()?;
    Ok(Content::Reasoning {
        text: text.need_string("text")?,
        signature: text.string("signature")?.filter(|signature| !signature.is_empty()),
    })
}

fn read_cited(mut cited: Object) -> Result<Content> {
    let content = cited.list("content")?.into_iter();
    let text = content.filter_map(|piece| Some(piece.value.get("text")?.as_str()?.to_owned())).collect();
    let citations = cited.list("citations")?.into_iter().map(|item| read_citation(item.value)).collect();
    Ok(Content::Text { text, citations })
}
