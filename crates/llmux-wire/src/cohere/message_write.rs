//! The conversation, for a provider.

use base64::Engine as _;
use llmux_core::{Dialect, Result};
use serde_json::{Map, Value, json};

use crate::chat::{Content, Fit, Media, Message, Part, Role, ToolCall};

/// The conversation in Cohere's form.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) messages: Vec<Value>,
    /// Documents, which stand beside the messages.
    pub(super) documents: Vec<Value>,
    /// Whether the model understands thoughts of earlier turns.
    thinks: bool,
}

impl Conversation {
    /// Writes messages; `thinks` says whether the model does.
    pub(super) fn of(messages: &[Message], thinks: bool, fit: &mut Fit<'_>) -> Result<Self> {
        let mut conversation = Self { thinks, ..Self::default() };
        for (at, message) in messages.iter().enumerate() {
            let path = format!("messages[{at}]");
            match message.role {
                Role::Tool => conversation.results(message, &path, fit)?,
                Role::Assistant => conversation.assistant(message, &path, fit)?,
                Role::System | Role::Developer => conversation.speak("system", &message.parts, &path, fit)?,
                Role::User => conversation.speak("user", &message.parts, &path, fit)?,
            }
        }
        Ok(conversation)
    }

    /// Text alone is a string; anything else is a list of parts.
    fn speak(&mut self, role: &str, parts: &[Part], path: &str, fit: &mut Fit<'_>) -> Result<()> {
        let mut written = Vec::with_capacity(parts.len());
        for (at, part) in parts.iter().enumerate() {
            written.extend(self.part(&part.content, &format!("{path}.content[{at}]"), fit)?);
        }
        let texts: Vec<_> = written.iter().filter_map(|part| part.get("text")?.as_str()).collect();
        let content: Value =
            if texts.len() == written.len() { texts.join("\n").into() } else { written.into() };
        self.messages.push(json!({ "role": role, "content": content }));
        Ok(())
    }

    fn part(&mut self, content: &Content, path: &str, fit: &mut Fit<'_>) -> Result<Option<Value>> {
        let url = match content {
            Content::Text { text, .. } | Content::Refusal(text) => {
                return Ok(Some(json!({ "type": "text", "text": text })));
            }
            Content::File { source, name, .. } => {
                match text_of(source) {
                    Some(text) => self.documents.push(document(&text, name.as_deref())),
                    None => fit.refuse(path)?,
                }
                return Ok(None);
            }
            Content::Image { source: Media::Url(url), .. } => url.clone(),
            Content::Image { source: Media::Base64 { mime, data }, .. } => {
                format!("data:{mime};base64,{data}")
            }
            _ => return fit.refuse(path).map(|()| None),
        };
        let mut image = Map::new();
        image.insert("url".into(), url.into());
        if let Content::Image { detail: Some(detail), .. } = content {
            image.insert("detail".into(), detail.as_str().into());
        }
        Ok(Some(json!({ "type": "image_url", "image_url": image })))
    }

    fn assistant(&mut self, message: &Message, path: &str, fit: &mut Fit<'_>) -> Result<()> {
        let (mut content, mut calls) = (Vec::new(), Vec::new());
        let mut out = Map::new();
        out.insert("role".into(), "assistant".into());
        for (at, part) in message.parts.iter().enumerate() {
            match &part.content {
                Content::Text { text, .. } | Content::Refusal(text) if text.is_empty() => {}
                Content::Text { text, .. } | Content::Refusal(text) => {
                    content.push(json!({ "type": "text", "text": text }));
                }
                Content::Reasoning { text, .. } if self.thinks && !text.is_empty() => {
                    content.push(json!({ "type": "thinking", "thinking": text }));
                }
                Content::Reasoning { .. } | Content::RedactedReasoning(_) => {}
                Content::ToolCall(call) => calls.push(write_call(call)),
                Content::Opaque { dialect: Dialect::Cohere, value } => {
                    out.extend(value.as_object().cloned().unwrap_or_default());
                }
                _ => fit.refuse(&format!("{path}.content[{at}]"))?,
            }
        }
        let plain = match content.as_slice() {
            [only] => only.get("text").cloned(),
            _ => None,
        };
        if !content.is_empty() || calls.is_empty() {
            out.insert("content".into(), plain.unwrap_or_else(|| content.into()));
        }
        if !calls.is_empty() {
            out.insert("tool_calls".into(), calls.into());
        }
        self.messages.push(out.into());
        Ok(())
    }

    /// Each result is a message of its own, of texts and documents; images follow as the user's.
    fn results(&mut self, message: &Message, path: &str, fit: &mut Fit<'_>) -> Result<()> {
        let mut beside = Vec::new();
        for part in &message.parts {
            let Content::ToolResult { call_id, parts, .. } = &part.content else { continue };
            let mut content = Vec::with_capacity(parts.len());
            for part in parts {
                match &part.content {
                    Content::Text { text, .. } => content.push(json!({ "type": "text", "text": text })),
                    Content::File { source, name, .. } if text_of(source).is_some() => {
                        let text = text_of(source).unwrap_or_default();
                        let document = document(&text, name.as_deref());
                        content.push(json!({ "type": "document", "document": document }));
                    }
                    _ => beside.push(part.clone()),
                }
            }
            let texts: Vec<_> = content.iter().filter_map(|part| part.get("text")?.as_str()).collect();
            let content =
                if texts.len() == content.len() { texts.join("\n").into() } else { Value::from(content) };
            self.messages.push(json!({ "role": "tool", "tool_call_id": call_id, "content": content }));
        }
        if beside.is_empty() { Ok(()) } else { self.speak("user", &beside, path, fit) }
    }
}

/// A call as it stands in messages and answers.
pub(super) fn write_call(call: &ToolCall) -> Value {
    let arguments = if call.arguments.is_empty() { "{}" } else { &call.arguments };
    json!({
        "id": call.id,
        "type": "function",
        "function": { "name": call.name, "arguments": arguments },
    })
}

fn document(text: &str, name: Option<&str>) -> Value {
    let mut data = Map::new();
    data.extend(name.map(|name| ("title".to_owned(), name.into())));
    data.insert("text".into(), text.into());
    json!({ "data": data })
}

/// The words of a document that is made of nothing else.
fn text_of(source: &Media) -> Option<String> {
    match source {
        Media::Text { text, .. } => Some(text.clone()),
        Media::Base64 { mime, data } if mime.starts_with("text/") || mime == "application/json" => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(data).ok()?;
            String::from_utf8(bytes).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use llmux_core::Shaping;

    use super::*;

    fn written(messages: &[Message]) -> Result<Conversation> {
        Conversation::of(messages, true, &mut Fit::new("Cohere", &Shaping::default()))
    }

    fn file(source: Media) -> Part {
        Part::new(Content::File { source, name: Some("n".into()), context: None, citations: None })
    }

    #[test]
    fn documents_stand_beside_the_messages() {
        let text = |mime: &str| Media::Base64 { mime: mime.into(), data: "aGk=".into() };
        let message =
            Message::new(Role::User, vec![file(text("text/plain")), Part::text("a"), Part::text("b")]);
        let conversation = written(&[message]).unwrap();
        assert_eq!(conversation.messages, [json!({"role": "user", "content": "a\nb"})]);
        assert_eq!(conversation.documents, [json!({"data": {"title": "n", "text": "hi"}})]);
        let pdf = Message::new(Role::User, vec![file(text("application/pdf"))]);
        assert_eq!(written(&[pdf]).unwrap_err().param(), Some("messages[0].content[0]"));
    }

    #[test]
    fn results_carry_texts_and_documents_and_images_follow() {
        let image =
            Part::new(Content::Image { source: Media::Url("https://a.b/c.png".into()), detail: None });
        let page = file(Media::Text { mime: "text/plain".into(), text: "page".into() });
        let result = Content::ToolResult {
            call_id: "c".into(),
            parts: vec![Part::text("a"), page, image],
            is_error: false,
        };
        let messages = written(&[Message::new(Role::Tool, vec![Part::new(result)])]).unwrap().messages;
        assert_eq!(messages[0]["content"][1]["document"], json!({"data": {"title": "n", "text": "page"}}));
        assert_eq!(messages[1]["content"][0]["image_url"]["url"], "https://a.b/c.png");
    }

    #[test]
    fn thoughts_go_back_to_models_that_think_whoever_signed_them() {
        let thought = Part::new(Content::Reasoning { text: "hm".into(), signature: Some("s".into()) });
        let message = Message::new(Role::Assistant, vec![thought, Part::text("so")]);
        let messages = written(std::slice::from_ref(&message)).unwrap().messages;
        let content = json!([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "so"}]);
        assert_eq!(messages, [json!({"role": "assistant", "content": content})]);
        let shaping = Shaping::default();
        let plain = Conversation::of(&[message], false, &mut Fit::new("Cohere", &shaping)).unwrap().messages;
        assert_eq!(plain, [json!({"role": "assistant", "content": "so"})]);
    }
}
