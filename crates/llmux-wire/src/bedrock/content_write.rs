//! Content blocks, for providers and for clients.

use llmux_core::{Dialect, Result};
use serde_json::{Map, Value, json};

use super::{
    citation::{as_it_stood, write_citation},
    media::{self, Kind},
    redacted,
};
use crate::{
    chat::{CacheMark, Content, Fit, Media, Part, ToolCall},
    gemini,
};

/// Longest id of a call that the API takes.
const MAX_ID: usize = 64;
/// Longest name of a document that the API takes.
const MAX_NAME: usize = 200;

/// Writes the blocks of a request, and gives the documents of one conversation names of their own.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    names: Vec<String>,
}

impl Blocks {
    /// Writes one part: a block, and a cache point behind it where the client asks for one. Nothing for blank text,
    /// which the API refuses, and for reasoning that its maker did not sign. `path` says where the part stands.
    pub(super) fn part(
        &mut self,
        part: &Part,
        path: &str,
        fit: &mut Fit<'_>,
        out: &mut Vec<Value>,
    ) -> Result<()> {
        let Some(block) = self.block(&part.content, path, fit)? else { return Ok(()) };
        out.push(block);
        out.extend(part.cache.map(write_cache));
        Ok(())
    }

    fn block(&mut self, content: &Content, path: &str, fit: &mut Fit<'_>) -> Result<Option<Value>> {
        Ok(Some(match content {
            Content::Text { text, .. } | Content::Refusal(text) if text.trim().is_empty() => return Ok(None),
            Content::Text { text, citations } => {
                write_text(text, citations.iter().filter_map(as_it_stood).collect())
            }
            Content::Refusal(text) => json!({ "text": text }),
            Content::Image { source, .. } => return self.medium(source, None, path, fit),
            Content::File { source, .. } => return self.medium(source, Some(content), path, fit),
            Content::Audio { data, format } => {
                json!({ "audio": { "format": format, "source": { "bytes": data } } })
            }
            Content::ToolCall(call) => write_call(&call_id(&call.id), call),
            Content::ToolResult { call_id: id, parts, is_error } => {
                self.result(id, parts, *is_error, path, fit)?
            }
            Content::Reasoning { signature: Some(signature), text } if !gemini::is_sealed(signature) => {
                write_reasoning(text, Some(signature))
            }
            Content::Reasoning { .. } => return Ok(None),
            Content::RedactedReasoning(data) => write_redacted(data),
            Content::Opaque { dialect: Dialect::BedrockConverse, value } => value.clone(),
            Content::Opaque { .. } => return fit.refuse(path).map(|()| None),
        }))
    }

    /// `file` is the part where the client calls it a file.
    fn medium(
        &mut self,
        media: &Media,
        file: Option<&Content>,
        path: &str,
        fit: &mut Fit<'_>,
    ) -> Result<Option<Value>> {
        let Some(written) = media::write(media) else {
            let why = match media {
                Media::Url(_) => " (by URL)",
                Media::FileId(_) => " (by file id)",
                _ => "",
            };
            return fit.refuse(&format!("{path}{why}")).map(|()| None);
        };
        let mut block = Map::new();
        block.insert("format".into(), written.format.into());
        if written.kind == Kind::Document {
            let (name, context, citations) = match file {
                Some(Content::File { name, context, citations, .. }) => (name.as_deref(), context, citations),
                _ => (None, &None, &None),
            };
            block.insert("name".into(), self.name(name).into());
            block.extend(context.as_ref().map(|text| ("context".to_owned(), text.as_str().into())));
            let citations = citations.map(|enabled| json!({ "enabled": enabled }));
            block.extend(citations.map(|citations| ("citations".to_owned(), citations)));
        }
        block.insert("source".into(), written.source);
        Ok(Some(Value::from_iter([(written.kind.name(), Value::Object(block))])))
    }

    /// A name that the API takes and no other document of the request has.
    fn name(&mut self, wanted: Option<&str>) -> String {
        let plain = |letter: char| {
            if letter.is_ascii_alphanumeric() || "-()[]".contains(letter) { letter } else { ' ' }
        };
        let spaced: String = wanted.unwrap_or_default().chars().map(plain).take(MAX_NAME).collect();
        let name = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
        let number = self.names.len().saturating_add(1);
        let name = match name {
            name if name.is_empty() => format!("Document {number}"),
            name if self.names.contains(&name) => format!("{name} ({number})"),
            name => name,
        };
        self.names.push(name.clone());
        name
    }

    fn result(
        &mut self,
        id: &str,
        parts: &[Part],
        is_error: bool,
        path: &str,
        fit: &mut Fit<'_>,
    ) -> Result<Value> {
        let mut content = Vec::with_capacity(parts.len());
        for part in parts {
            content.extend(self.block(&part.content, path, fit)?);
        }
        if content.is_empty() {
            // The API wants something to be said.
            content.push(json!({ "text": "(no output)" }));
        }
        let mut result = json!({ "toolUseId": call_id(id), "content": content });
        // Only few models take the status; that all went well goes without saying.
        if let Some(fields) = result.as_object_mut().filter(|_| is_error) {
            fields.insert("status".into(), "error".into());
        }
        Ok(json!({ "toolResult": result }))
    }
}

/// Writes a block of an answer; `None` for what Converse's answers cannot hold.
pub(super) fn write_answer_block(content: &Content) -> Option<Value> {
    match content {
        Content::Text { text, citations } => {
            Some(write_text(text, citations.iter().map(write_citation).collect()))
        }
        Content::Refusal(text) => Some(json!({ "text": text })),
        Content::ToolCall(call) => Some(write_call(&call.id, call)),
        Content::Reasoning { text, signature } => Some(write_reasoning(text, signature.as_deref())),
        Content::RedactedReasoning(data) => Some(write_redacted(data)),
        Content::Opaque { dialect: Dialect::BedrockConverse, value } => Some(value.clone()),
        _ => None,
    }
}

fn write_text(text: &str, citations: Vec<Value>) -> Value {
    if citations.is_empty() {
        return json!({ "text": text });
    }
    json!({ "citationsContent": { "content": [{ "text": text }], "citations": citations } })
}

fn write_call(id: &str, call: &ToolCall) -> Value {
    json!({ "toolUse": { "toolUseId": id, "name": call.name, "input": call.arguments_object() } })
}

fn write_reasoning(text: &str, signature: Option<&str>) -> Value {
    let mut inner = Map::new();
    inner.insert("text".into(), text.into());
    inner.extend(signature.map(|signature| ("signature".to_owned(), signature.into())));
    json!({ "reasoningContent": { "reasoningText": inner } })
}

fn write_redacted(data: &str) -> Value {
    json!({ "reasoningContent": { "redactedContent": redacted::write(data) } })
}

/// A cache point.
pub(super) fn write_cache(mark: CacheMark) -> Value {
    match mark {
        CacheMark::Default => json!({ "cachePoint": { "type": "default" } }),
        CacheMark::OneHour => json!({ "cachePoint": { "type": "default", "ttl": "1h" } }),
    }
}

/// An id that the API takes: other makers' ids hold more, and Gemini's their signatures too. The end of an id tells
/// it from others better than its beginning.
fn call_id(id: &str) -> String {
    let id = gemini::plain_call_id(id);
    let plain: Vec<char> = id
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || "_.:-".contains(letter) { letter } else { '_' })
        .collect();
    plain.get(plain.len().saturating_sub(MAX_ID)..).unwrap_or_default().iter().collect()
}

#[cfg(test)]
mod tests {
    use llmux_core::Shaping;

    use super::*;

    fn write(content: Content) -> Result<Vec<Value>> {
        let (shaping, mut out) = (Shaping::default(), Vec::new());
        let mut fit = Fit::new("Bedrock", &shaping);
        let part = Part::new(content).with_cache(Some(CacheMark::OneHour));
        Blocks::default().part(&part, "messages[0].content[0]", &mut fit, &mut out).map(|()| out)
    }

    #[test]
    fn a_cache_mark_is_a_block_behind_the_part() {
        let point = json!({"cachePoint": {"type": "default", "ttl": "1h"}});
        let text = |text: &str| Content::Text { text: text.into(), citations: Vec::new() };
        assert_eq!(write(text("hi")).unwrap(), [json!({"text": "hi"}), point]);
        assert!(write(text(" \n")).unwrap().is_empty());
    }

    #[test]
    fn documents_have_names_of_their_own_that_the_api_takes() {
        let mut blocks = Blocks::default();
        let mut name = |wanted| blocks.name(wanted);
        assert_eq!(name(Some("My  report.pdf")), "My report pdf");
        assert_eq!(name(Some("My report/pdf")), "My report pdf (2)");
        assert_eq!(name(None), "Document 3");
    }

    #[test]
    fn what_stands_at_an_address_is_refused_by_name() {
        let image = Content::Image { source: Media::Url("https://example.com/a.png".into()), detail: None };
        assert_eq!(write(image).unwrap_err().param(), Some("messages[0].content[0] (by URL)"));
    }

    #[test]
    fn reasoning_goes_back_only_with_its_makers_signature() {
        let thought = |signature: Option<&str>| Content::Reasoning {
            text: "t".into(),
            signature: signature.map(str::to_owned),
        };
        assert!(write(thought(None)).unwrap().is_empty());
        assert!(write(thought(Some("gemini#x"))).unwrap().is_empty());
        let signed = json!({"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}});
        assert_eq!(write(thought(Some("s"))).unwrap()[0], signed);
    }

    #[test]
    fn ids_of_other_makers_become_ones_that_the_api_takes() {
        assert_eq!(call_id("call_1__thought__c2ln"), "call_1");
        assert_eq!(call_id("functions.get:0"), "functions.get:0");
        assert_eq!(call_id(&"é".repeat(70)).len(), 64);
    }
}
