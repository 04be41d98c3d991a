//! The conversation, for a provider.

use std::collections::HashMap;

use base64::Engine as _;
use llmux_core::Result;
use serde_json::{Map, Value, json};

use crate::chat::{Content, Fit, Media, Message, Part, Role, ToolCall};

/// Writes the messages.
pub(super) fn write_messages(messages: &[Message], fit: &mut Fit<'_>) -> Result<Vec<Value>> {
    let mut out = Vec::with_capacity(messages.len());
    let mut names = HashMap::new();
    for (at, message) in messages.iter().enumerate() {
        let path = format!("messages[{at}]");
        match message.role {
            Role::System | Role::Developer => {
                out.push(write(Written::of(&message.parts, &path, fit)?, "system"))
            }
            Role::User => out.push(write(Written::of(&message.parts, &path, fit)?, "user")),
            Role::Assistant => {
                let written = Written::of(&message.parts, &path, fit)?;
                names.extend(message.parts.iter().filter_map(called));
                out.push(write(written, "assistant"));
            }
            Role::Tool => {
                for part in &message.parts {
                    let Content::ToolResult { call_id, parts, .. } = &part.content else { continue };
                    let mut result = write(Written::of(parts, &path, fit)?, "tool");
                    let name = names.get(call_id.as_str()).copied().or(message.name.as_deref());
                    if let Some(fields) = result.as_object_mut() {
                        fields.extend(name.map(|name| ("tool_name".to_owned(), name.into())));
                        fields.insert("tool_call_id".into(), call_id.as_str().into());
                    }
                    out.push(result);
                }
            }
        }
    }
    Ok(out)
}

fn called(part: &Part) -> Option<(&str, &str)> {
    match &part.content {
        Content::ToolCall(call) => Some((&call.id, &call.name)),
        _ => None,
    }
}

/// A call as it stands in messages and answers.
pub(super) fn write_call(call: &ToolCall) -> Value {
    json!({ "id": call.id, "function": { "name": call.name, "arguments": call.arguments_object() } })
}

/// What a message's parts add up to.
#[derive(Default)]
struct Written {
    texts: Vec<String>,
    thinking: String,
    images: Vec<Value>,
    calls: Vec<Value>,
}

impl Written {
    fn of(parts: &[Part], path: &str, fit: &mut Fit<'_>) -> Result<Self> {
        let mut written = Self::default();
        for (at, part) in parts.iter().enumerate() {
            if !written.add(&part.content) {
                fit.refuse(&format!("{path}.content[{at}]"))?;
            }
        }
        Ok(written)
    }

    /// Adds a part; `false` for what has no form here.
    fn add(&mut self, content: &Content) -> bool {
        match content {
            Content::Text { text, .. } | Content::Refusal(text) => self.texts.push(text.clone()),
            Content::Image { source: Media::Base64 { data, .. }, .. } => {
                self.images.push(data.as_str().into())
            }
            Content::File { source, .. } => match text_of(source) {
                Some(text) => self.texts.push(text),
                None => return false,
            },
            Content::Reasoning { text, .. } => self.thinking.push_str(text),
            Content::RedactedReasoning(_) => {}
            Content::ToolCall(call) => self.calls.push(write_call(call)),
            _ => return false,
        }
        true
    }
}

fn write(written: Written, role: &str) -> Value {
    let mut out = Map::new();
    out.insert("role".into(), role.into());
    out.insert("content".into(), written.texts.join("\n").into());
    if !written.thinking.is_empty() {
        out.insert("thinking".into(), written.thinking.into());
    }
    for (name, list) in [("images", written.images), ("tool_calls", written.calls)] {
        if !list.is_empty() {
            out.insert(name.into(), list.into());
        }
    }
    out.into()
}

/// The words of a document that is made of nothing else.
fn text_of(source: &Media) -> Option<String> {
    match source {
        Media::Text { text, .. } => Some(text.clone()),
        Media::Base64 { mime, data } if mime.starts_with("text/") || mime == "application/json" => {
            String::from_utf8(base64::engine::general_purpose::STANDARD.decode(data).ok()?).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use llmux_core::Shaping;

    use super::*;

    fn written(messages: &[Message]) -> Result<Vec<Value>> {
        write_messages(messages, &mut Fit::new("Ollama", &Shaping::default()))
    }

    #[test]
    fn results_name_the_tool_that_was_called() {
        let call = ToolCall { id: "c".into(), name: "f".into(), arguments: r#"{"x":1}"#.into() };
        let result =
            Content::ToolResult { call_id: "c".into(), parts: vec![Part::text("ok")], is_error: false };
        let messages = [
            Message::new(Role::Assistant, vec![Part::new(Content::ToolCall(call))]),
            Message::new(Role::Tool, vec![Part::new(result)]),
        ];
        let call = json!({"id": "c", "function": {"name": "f", "arguments": {"x": 1}}});
        assert_eq!(
            written(&messages).unwrap(),
            [
                json!({"role": "assistant", "content": "", "tool_calls": [call]}),
                json!({"role": "tool", "content": "ok", "tool_name": "f", "tool_call_id": "c"}),
            ]
        );
    }

    #[test]
    fn images_are_bare_data_and_addresses_are_refused() {
        let image =
            |source| Message::new(Role::User, vec![Part::new(Content::Image { source, detail: None })]);
        let data = Media::Base64 { mime: "image/png".into(), data: "AA==".into() };
        assert_eq!(written(&[image(data)]).unwrap()[0]["images"], json!(["AA=="]));
        let error = written(&[image(Media::Url("https://a.b/c.png".into()))]).unwrap_err();
        assert_eq!(error.param(), Some("messages[0].content[0]"));
    }
}
