//! Content blocks, as clients send and providers answer them.

use llmux_core::{Dialect, Result};
use serde_json::Value;

use super::citation::read_citation;
use crate::{
    chat::{CacheMark, Content, Media, Part, ToolCall},
    json::read::{Item, Object},
};

/// Reads content that is either a text or a list of blocks.
pub(super) fn read_content(item: Item) -> Result<Vec<Part>> {
    match item.value {
        Value::String(text) => Ok(vec![Part::text(text)]),
        Value::Array(_) => item.list()?.into_iter().map(read_block).collect(),
        _ => Err(item.wrong("a string or an array of content blocks")),
    }
}

/// Reads one block. A kind with no neutral form is kept as it stands, cache mark included.
pub(super) fn read_block(item: Item) -> Result<Part> {
    if !has_neutral_form(&item.value) {
        let path = item.path.clone();
        let object = item.object()?;
        return match object.peek("type") {
            Some(Value::String(_)) => Ok(opaque(object.into_value())),
            Some(other) => Err(Item::new(format!("{path}.type"), other.clone()).wrong("a string")),
            None => Err(object.missing("type")),
        };
    }
    let mut block = item.object()?;
    let cache = read_cache(&mut block)?;
    let content = match block.need_string("type")?.as_str() {
        "text" => read_text(&mut block)?,
        "image" => Content::Image { source: read_media(block.need("source")?)?, detail: None },
        "document" => read_document(&mut block)?,
        "thinking" => Content::Reasoning {
            text: block.need_string("thinking")?,
            signature: block.string("signature")?.filter(|signature| !signature.is_empty()),
        },
        "redacted_thinking" => Content::RedactedReasoning(block.need_string("data")?),
        "tool_use" => read_tool_use(&mut block)?,
        _ => read_tool_result(&mut block)?,
    };
    Ok(Part { content, cache })
}

fn has_neutral_form(block: &Value) -> bool {
    let source = || block.pointer("/source/type").and_then(Value::as_str);
    match block.get("type").and_then(Value::as_str) {
        Some("text" | "thinking" | "redacted_thinking" | "tool_use" | "tool_result") => true,
        // A source of a kind that is not known, or a document made of blocks, has no neutral form; a missing
        // one is a mistake to be told.
        Some("image") => source().is_none_or(|kind| matches!(kind, "base64" | "url" | "file")),
        Some("document") => source().is_none_or(|kind| matches!(kind, "base64" | "url" | "file" | "text")),
        _ => false,
    }
}

fn opaque(value: Value) -> Part {
    Part::new(Content::Opaque { dialect: Dialect::Anthropic, value })
}

fn read_text(block: &mut Object) -> Result<Content> {
    let citations = block.list("citations")?.into_iter().map(|item| read_citation(item.value)).collect();
    Ok(Content::Text { text: block.need_string("text")?, citations })
}

fn read_media(item: Item) -> Result<Media> {
    let mut source = item.object()?;
    match source.need_string("type")?.as_str() {
        "url" => Ok(Media::Url(source.need_string("url")?)),
        "file" => Ok(Media::FileId(source.need_string("file_id")?)),
        "text" => Ok(Media::Text {
            mime: source.string("media_type")?.unwrap_or_else(|| "text/plain".to_owned()),
            text: source.need_string("data")?,
        }),
        _ => Ok(Media::Base64 { mime: source.need_string("media_type")?, data: source.need_string("data")? }),
    }
}

fn read_document(block: &mut Object) -> Result<Content> {
    let citations = match block.object("citations")? {
        Some(mut citations) => citations.bool("enabled")?,
        None => None,
    };
    Ok(Content::File {
        source: read_media(block.need("source")?)?,
        name: block.string("title")?,
        context: block.string("context")?,
        citations,
    })
}

fn read_tool_use(block: &mut Object) -> Result<Content> {
    let id = block.need_string("id")?;
    let name = block.need_string("name")?;
    let arguments = block.object("input")?.map(|input| input.into_value().to_string()).unwrap_or_default();
    Ok(Content::ToolCall(ToolCall { id, name, arguments }))
}

fn read_tool_result(block: &mut Object) -> Result<Content> {
    Ok(Content::ToolResult {
        call_id: block.need_string("tool_use_id")?,
        parts: block.take("content").map(read_content).transpose()?.unwrap_or_default(),
        is_error: block.bool("is_error")?.unwrap_or_default(),
    })
}

/// Takes a `cache_control` mark.
pub(super) fn read_cache(object: &mut Object) -> Result<Option<CacheMark>> {
    let Some(mut mark) = object.object("cache_control")? else { return Ok(None) };
    let hour = mark.string("ttl")?.is_some_and(|ttl| ttl == "1h");
    Ok(Some(if hour { CacheMark::OneHour } else { CacheMark::Default }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Part {
        read_block(Item::new("messages[0].content[0]", value)).unwrap()
    }

    #[test]
    fn images_and_documents_are_found_at_every_kind_of_source() {
        let image = read(json!({"type": "image", "source": {"type": "url", "url": "https://a.example/x"}}));
        let source = Media::Url("https://a.example/x".into());
        assert_eq!(image.content, Content::Image { source, detail: None });
        let document =
            read(json!({"type": "document", "title": "T", "context": "C", "citations": {"enabled": true},
            "source": {"type": "text", "media_type": "text/plain", "data": "words"}}));
        assert_eq!(
            document.content,
            Content::File {
                source: Media::Text { mime: "text/plain".into(), text: "words".into() },
                name: Some("T".into()),
                context: Some("C".into()),
                citations: Some(true),
            }
        );
    }

    #[test]
    fn a_document_made_of_blocks_and_unknown_kinds_are_kept_as_they_stand() {
        for value in [
            json!({"type": "document", "source": {"type": "content", "content": "x"}, "title": "T"}),
            json!({"type": "server_tool_use", "id": "s", "input": null, "cache_control": {"type": "ephemeral"}}),
        ] {
            assert_eq!(read(value.clone()), opaque(value));
        }
    }

    #[test]
    fn a_tool_result_may_be_text_blocks_or_nothing() {
        let parts = |content: Value| match read(
            json!({"type": "tool_result", "tool_use_id": "t", "content": content}),
        )
        .content
        {
            Content::ToolResult { parts, .. } => parts,
            other => panic!("{other:?}"),
        };
        assert_eq!(parts(json!("x")), [Part::text("x")]);
        assert_eq!(parts(json!([{"type": "text", "text": "x"}])), [Part::text("x")]);
        assert_eq!(parts(Value::Null), []);
    }

    #[test]
    fn thinking_that_is_not_signed_has_no_signature() {
        let part = read(json!({"type": "thinking", "thinking": "t", "signature": ""}));
        assert_eq!(part.content, Content::Reasoning { text: "t".into(), signature: None });
    }

    #[test]
    fn cache_marks_have_two_lifetimes() {
        let text = |mark: Value| read(json!({"type": "text", "text": "t", "cache_control": mark})).cache;
        assert_eq!(text(json!({"type": "ephemeral"})), Some(CacheMark::Default));
        assert_eq!(text(json!({"type": "ephemeral", "ttl": "1h"})), Some(CacheMark::OneHour));
    }

    #[test]
    fn mistakes_name_the_field() {
        let param = |value| {
            let error = read_block(Item::new("messages[0].content[0]", value)).unwrap_err();
            error.param().unwrap().to_owned()
        };
        assert_eq!(param(json!({"text": "x"})), "messages[0].content[0].type");
        assert_eq!(param(json!({"type": 1})), "messages[0].content[0].type");
        assert_eq!(param(json!({"type": "text", "text": 1})), "messages[0].content[0].text");
        assert_eq!(param(json!({"type": "image"})), "messages[0].content[0].source");
        assert_eq!(
            param(json!({"type": "tool_result", "tool_use_id": "t", "content": [3]})),
            "messages[0].content[0].content[0]"
        );
    }
}
