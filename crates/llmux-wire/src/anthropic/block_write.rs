//! Content blocks, for providers and for clients.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use llmux_core::{Dialect, Error, Result};
use serde_json::{Map, Value, json};

use super::citation::{as_it_stood, write_citation};
use crate::{
    chat::{CacheMark, Content, Fit, Media, Part, ToolCall},
    gemini,
};

/// Blocks of Anthropic's that clients of other dialects put into their messages as they are.
const BORROWED: [&str; 4] = ["container_upload", "document", "image", "search_result"];

/// Writes a block of a request; `None` when there is nothing to say: blank text, which the API refuses,
/// reasoning that is not signed, which it refuses too, and what is dropped because it does not fit. `path` says
/// where the part stands.
pub(super) fn write_request_block(part: &Part, path: &str, fit: &mut Fit<'_>) -> Result<Option<Value>> {
    let block = match &part.content {
        Content::Text { text, .. } | Content::Refusal(text) if text.trim().is_empty() => return Ok(None),
        Content::Text { text, citations } => {
            text_block(text, citations.iter().filter_map(as_it_stood).collect())
        }
        Content::Refusal(text) => text_block(text, Vec::new()),
        Content::Image { source, .. } => write_media(source, None, path)?,
        Content::File { source, name, context, citations } => {
            let extras = Extras { name: name.as_deref(), context: context.as_deref(), citations: *citations };
            write_media(source, Some(&extras), path)?
        }
        Content::ToolCall(call) => tool_use(call),
        Content::ToolResult { call_id, parts, is_error } => {
            write_tool_result(call_id, parts, *is_error, path, fit)?
        }
        // Thinking takes no cache mark.
        Content::Reasoning { signature: None, .. } => return Ok(None),
        Content::Reasoning { signature: Some(signature), .. } if gemini::is_sealed(signature) => {
            return Ok(None);
        }
        Content::Reasoning { .. } | Content::RedactedReasoning(_) => return Ok(thinking_block(part)),
        Content::Opaque { dialect: Dialect::Anthropic, value } => return Ok(Some(value.clone())),
        Content::Opaque { value, .. } if is_borrowed(value) => return Ok(Some(value.clone())),
        Content::Opaque { .. } | Content::Audio { .. } => return fit.refuse(path).map(|()| None),
    };
    Ok(Some(marked(block, part.cache)))
}

/// Writes a block of an answer; `None` for what Anthropic's answers cannot hold.
pub(super) fn write_answer_block(part: &Part) -> Option<Value> {
    match &part.content {
        Content::Text { text, citations } => {
            Some(text_block(text, citations.iter().map(write_citation).collect()))
        }
        Content::Refusal(text) => Some(text_block(text, Vec::new())),
        Content::ToolCall(call) => Some(json!({
            "type": "tool_use",
            "id": call.id,
            "name": call.name,
            "input": call.arguments_object(),
        })),
        Content::Reasoning { .. } | Content::RedactedReasoning(_) => thinking_block(part),
        Content::Opaque { dialect: Dialect::Anthropic, value } => Some(value.clone()),
        _ => None,
    }
}

fn is_borrowed(value: &Value) -> bool {
    value.get("type").and_then(Value::as_str).is_some_and(|kind| BORROWED.contains(&kind))
}

fn text_block(text: &str, citations: Vec<Value>) -> Value {
    let mut block = Map::new();
    block.insert("type".into(), "text".into());
    block.insert("text".into(), text.into());
    if !citations.is_empty() {
        block.insert("citations".into(), citations.into());
    }
    block.into()
}

fn thinking_block(part: &Part) -> Option<Value> {
    match &part.content {
        Content::Reasoning { text, signature } => {
            let signature = signature.as_deref().unwrap_or_default();
            Some(json!({ "type": "thinking", "thinking": text, "signature": signature }))
        }
        Content::RedactedReasoning(data) => Some(json!({ "type": "redacted_thinking", "data": data })),
        _ => None,
    }
}

fn tool_use(call: &ToolCall) -> Value {
    json!({
        "type": "tool_use",
        "id": call_id(&call.id),
        "name": call.name,
        "input": call.arguments_object(),
    })
}

/// The API takes letters, digits, `_` and `-` in ids; other makers' ids hold more.
fn call_id(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

fn write_tool_result(
    id: &str,
    parts: &[Part],
    is_error: bool,
    path: &str,
    fit: &mut Fit<'_>,
) -> Result<Value> {
    let mut content = Vec::with_capacity(parts.len());
    for part in parts {
        content.extend(write_request_block(part, path, fit)?);
    }
    let mut block = Map::new();
    block.insert("type".into(), "tool_result".into());
    block.insert("tool_use_id".into(), call_id(id).into());
    if !content.is_empty() {
        block.insert("content".into(), content.into());
    }
    if is_error {
        block.insert("is_error".into(), true.into());
    }
    Ok(block.into())
}

/// What a document has beside its source.
struct Extras<'a> {
    name: Option<&'a str>,
    context: Option<&'a str>,
    citations: Option<bool>,
}

/// An image or document block. The media type decides where it is known: clients put PDFs where images belong
/// and the other way round. `document` is set for what the client calls a file.
fn write_media(media: &Media, document: Option<&Extras<'_>>, path: &str) -> Result<Value> {
    let inline = from_data_url(media);
    let media = inline.as_ref().unwrap_or(media);
    let is_image = match media {
        Media::Base64 { mime, .. } if mime.starts_with("image/") => true,
        Media::Base64 { .. } | Media::Text { .. } => false,
        Media::Url(_) | Media::FileId(_) => document.is_none(),
    };
    let mut block = Map::new();
    block.insert("type".into(), if is_image { "image" } else { "document" }.into());
    block.insert("source".into(), write_source(media, path)?);
    if let Some(extras) = document.filter(|_| !is_image) {
        let citations = extras.citations.map(|enabled| json!({ "enabled": enabled }));
        let text = |text: Option<&str>| text.map(Value::from);
        let fields =
            [("title", text(extras.name)), ("context", text(extras.context)), ("citations", citations)];
        for (name, value) in fields {
            block.extend(value.map(|value| (name.to_owned(), value)));
        }
    }
    Ok(block.into())
}

fn from_data_url(media: &Media) -> Option<Media> {
    let Media::Url(url) = media else { return None };
    let (mime, data) = url.strip_prefix("data:")?.split_once(";base64,")?;
    let mime = mime.split(';').next().unwrap_or_default().to_owned();
    Some(Media::Base64 { mime, data: data.to_owned() })
}

fn write_source(media: &Media, path: &str) -> Result<Value> {
    let text = |text: &str| json!({ "type": "text", "media_type": "text/plain", "data": text });
    Ok(match media {
        Media::Url(url) => json!({ "type": "url", "url": url }),
        Media::FileId(id) => json!({ "type": "file", "file_id": id }),
        Media::Text { text: data, .. } => text(data),
        // In base64 the API takes images and PDFs only.
        Media::Base64 { mime, data } if mime.starts_with("text/") => {
            let bytes = BASE64_STANDARD.decode(data).ok();
            let decoded = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            let message = || format!("`{path}` holds a text that is not UTF-8 in base64");
            text(&decoded.ok_or_else(|| Error::invalid(path, message()))?)
        }
        Media::Base64 { mime, data } => {
            let mime = if mime == "image/jpg" { "image/jpeg" } else { mime };
            json!({ "type": "base64", "media_type": mime, "data": data })
        }
    })
}

/// Adds a cache mark to a block or tool.
pub(super) fn marked(mut block: Value, cache: Option<CacheMark>) -> Value {
    if let (Some(cache), Some(fields)) = (cache, block.as_object_mut()) {
        fields.insert("cache_control".into(), write_cache(cache));
    }
    block
}

/// A cache mark.
pub(super) fn write_cache(cache: CacheMark) -> Value {
    match cache {
        CacheMark::Default => json!({ "type": "ephemeral" }),
        CacheMark::OneHour => json!({ "type": "ephemeral", "ttl": "1h" }),
    }
}

#[cfg(test)]
mod tests {
    use llmux_core::Shaping;

    use super::*;
    use crate::chat::Citation;

    fn write(content: Content) -> Result<Option<Value>> {
        let shaping = Shaping::default();
        write_request_block(
            &Part::new(content),
            "messages[0].content[0]",
            &mut Fit::new("anthropic", &shaping),
        )
    }

    fn written(content: Content) -> Value {
        write(content).unwrap().unwrap()
    }

    fn base64(mime: &str, data: &str) -> Media {
        Media::Base64 { mime: mime.into(), data: data.into() }
    }

    fn file(source: Media) -> Content {
        Content::File { source, name: None, context: None, citations: None }
    }

    #[test]
    fn the_media_type_decides_between_image_and_document() {
        let pdf = written(Content::Image { source: base64("application/pdf", "eA=="), detail: None });
        assert_eq!(pdf["type"], "document");
        let image = written(file(base64("image/jpg", "eA==")));
        assert_eq!(
            (image["type"].as_str(), image["source"]["media_type"].as_str()),
            (Some("image"), Some("image/jpeg"))
        );
    }

    #[test]
    fn data_urls_travel_as_base64_and_others_as_urls() {
        let image = |url: &str| {
            written(Content::Image { source: Media::Url(url.into()), detail: None })["source"].clone()
        };
        assert_eq!(
            image("data:image/png;base64,eA=="),
            json!({"type": "base64", "media_type": "image/png", "data": "eA=="})
        );
        assert_eq!(image("https://a.example"), json!({"type": "url", "url": "https://a.example"}));
    }

    #[test]
    fn text_files_travel_as_text() {
        let source = written(file(base64("text/csv", "YSxi")))["source"].clone();
        assert_eq!(source, json!({"type": "text", "media_type": "text/plain", "data": "a,b"}));
        assert!(write(file(base64("text/csv", "!"))).is_err());
    }

    #[test]
    fn what_the_api_refuses_anyway_is_left_out() {
        for content in [
            Content::Text { text: " \n".into(), citations: Vec::new() },
            Content::Reasoning { text: "t".into(), signature: None },
        ] {
            assert_eq!(write(content).unwrap(), None);
        }
    }

    #[test]
    fn broken_arguments_become_an_empty_object_and_odd_ids_are_cleaned_on_both_sides() {
        let call = ToolCall { id: "functions.f:0".into(), name: "f".into(), arguments: "{\"a\":".into() };
        let call = written(Content::ToolCall(call));
        assert_eq!((&call["input"], &call["id"]), (&json!({}), &json!("functions_f_0")));
        let result = Content::ToolResult { call_id: "functions.f:0".into(), parts: vec![], is_error: true };
        assert_eq!(
            written(result),
            json!({"type": "tool_result", "tool_use_id": "functions_f_0", "is_error": true})
        );
    }

    #[test]
    fn sound_and_foreign_parts_are_refused_by_their_path() {
        let audio = Content::Audio { data: "x".into(), format: "wav".into() };
        let foreign = Content::Opaque { dialect: Dialect::OpenAi, value: json!({"type": "other"}) };
        for content in [audio, foreign] {
            assert_eq!(write(content).unwrap_err().param(), Some("messages[0].content[0]"));
        }
        let document = json!({"type": "document", "source": {"type": "content", "content": "x"}});
        let borrowed = Content::Opaque { dialect: Dialect::OpenAi, value: document.clone() };
        assert_eq!(written(borrowed), document);
    }

    #[test]
    fn only_citations_of_its_own_go_back_to_the_api() {
        let foreign = Citation { url: Some("https://a.example".into()), ..Citation::default() };
        let content = Content::Text { text: "t".into(), citations: vec![foreign] };
        assert_eq!(
            write_answer_block(&Part::new(content.clone())).unwrap()["citations"][0]["url"],
            "https://a.example"
        );
        assert_eq!(written(content), json!({"type": "text", "text": "t"}));
    }

    #[test]
    fn cache_marks_are_written_except_on_thinking() {
        let part = Part::text("t").with_cache(Some(CacheMark::OneHour));
        let shaping = Shaping::default();
        let mut fit = Fit::new("anthropic", &shaping);
        let block = write_request_block(&part, "", &mut fit).unwrap().unwrap();
        assert_eq!(block["cache_control"], json!({"type": "ephemeral", "ttl": "1h"}));
        let thought = Content::Reasoning { text: "t".into(), signature: Some("s".into()) };
        let part = Part::new(thought).with_cache(Some(CacheMark::Default));
        let block = write_request_block(&part, "", &mut fit).unwrap().unwrap();
        assert_eq!(block, json!({"type": "thinking", "thinking": "t", "signature": "s"}));
    }
}
