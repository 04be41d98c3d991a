//! Parts of a conversation, for a provider.

use llmux_core::{Dialect, Result};
use serde_json::{Map, Value, json};

use super::signature;
use crate::chat::{Content, Fit, Media, Part, ToolCall};

/// What became of a part.
pub(super) enum Written {
    /// A part of Gemini's.
    Part(Value),
    /// The signature of the part that follows.
    Signature(String),
    /// Nothing is to be said.
    Nothing,
}

/// Writes a part. Thoughts do not go back: Gemini wants its signatures only, and no other maker's. `path` says
/// where the part stands.
pub(super) fn write_part(part: &Part, path: &str, fit: &mut Fit<'_>) -> Result<Written> {
    Ok(Written::Part(match &part.content {
        Content::Text { text, .. } | Content::Refusal(text) if text.is_empty() => {
            return Ok(Written::Nothing);
        }
        Content::Text { text, .. } | Content::Refusal(text) => json!({ "text": text }),
        Content::Image { source, .. } => write_media(source, "image/jpeg"),
        Content::File { source, .. } => write_media(source, "application/pdf"),
        Content::Audio { data, format } => inline(&format!("audio/{format}"), data),
        Content::ToolCall(call) => write_call(call),
        Content::Reasoning { signature, .. } => {
            let own = signature.as_deref().and_then(signature::unseal);
            return Ok(own.map_or(Written::Nothing, |own| Written::Signature(own.to_owned())));
        }
        Content::RedactedReasoning(_) => return Ok(Written::Nothing),
        Content::Opaque { dialect: Dialect::Gemini, value } => value.clone(),
        Content::Opaque { .. } | Content::ToolResult { .. } => {
            return fit.refuse(path).map(|()| Written::Nothing);
        }
    }))
}

fn write_call(call: &ToolCall) -> Value {
    let (id, signature) = signature::split(&call.id);
    let mut out = Map::new();
    let call = json!({ "id": id, "name": call.name, "args": call.arguments_object() });
    out.insert("functionCall".into(), call);
    out.extend(signature.map(|signature| ("thoughtSignature".to_owned(), signature.into())));
    out.into()
}

/// `fallback` is the media type of addresses that do not tell theirs.
fn write_media(media: &Media, fallback: &str) -> Value {
    match media {
        Media::Base64 { mime, data } => inline(mime, data),
        Media::Text { text, .. } => json!({ "text": text }),
        Media::Url(url) => {
            let data = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
            match data {
                Some((mime, data)) => inline(mime.split(';').next().unwrap_or_default(), data),
                None => file(url, fallback),
            }
        }
        Media::FileId(id) => file(id, fallback),
    }
}

fn inline(mime: &str, data: &str) -> Value {
    let mime = if mime == "image/jpg" { "image/jpeg" } else { mime };
    json!({ "inlineData": { "mimeType": mime, "data": data } })
}

fn file(uri: &str, fallback: &str) -> Value {
    // What Google stores, and its videos, have a type of their own.
    if uri.starts_with("https://generativelanguage.googleapis.com/") || uri.contains("youtube.com/") {
        return json!({ "fileData": { "fileUri": uri } });
    }
    json!({ "fileData": { "fileUri": uri, "mimeType": mime_of(uri).unwrap_or(fallback) } })
}

/// The media type that an address ends in.
fn mime_of(uri: &str) -> Option<&'static str> {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    let (_, extension) = path.rsplit_once('/')?.1.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "pdf" => "application/pdf",
        "txt" | "md" => "text/plain",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "mp3" => "audio/mp3",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        "webm" => "video/webm",
        _ => return None,
    })
}
