//! The conversation, as clients send it.

use llmux_core::Result;
use serde_json::Value;

use crate::{
    chat::{Content, Media, Message, Part, Role, ToolCall},
    json::read::{Item, Object},
};

/// Reads one message.
pub(super) fn read_message(item: Item) -> Result<Message> {
    let mut object = item.object()?;
    let role = object.need("role")?;
    match role.value.as_str().unwrap_or_default() {
        "system" | "developer" => Ok(Message::new(Role::System, content(object.need("content")?)?)),
        "user" => Ok(Message::new(Role::User, content(object.need("content")?)?)),
        "assistant" => read_assistant(&mut object),
        "tool" => {
            let call_id = object.need_string("tool_call_id")?;
            let parts = content(object.need("content")?)?;
            let result = Content::ToolResult { call_id, parts, is_error: false };
            Ok(Message::new(Role::Tool, vec![Part::new(result)]))
        }
        _ => Err(role.wrong("one of system, user, assistant, tool")),
    }
}

/// What the model planned before its calls is a thought to other dialects. Its citations are not sent again.
fn read_assistant(object: &mut Object) -> Result<Message> {
    let plan = object.string("tool_plan")?.filter(|plan| !plan.is_empty());
    let plan = plan.map(|text| Part::new(Content::Reasoning { text, signature: None }));
    let mut parts: Vec<_> = plan.into_iter().collect();
    if let Some(item) = object.take("content") {
        parts.extend(content(item)?);
    }
    for item in object.list("tool_calls")? {
        let mut call = item.object()?;
        let id = call.need_string("id")?;
        let mut function = call.need("function")?.object()?;
        let name = function.need_string("name")?;
        let arguments = function.string("arguments")?.unwrap_or_default();
        parts.push(Part::new(Content::ToolCall(ToolCall { id, name, arguments })));
    }
    Ok(Message::new(Role::Assistant, parts))
}

fn content(item: Item) -> Result<Vec<Part>> {
    match item.value {
        Value::String(text) => Ok(vec![Part::text(text)]),
        Value::Array(_) => item.list()?.into_iter().map(read_part).collect(),
        _ => Err(item.wrong("a string or an array of parts")),
    }
}

fn read_part(item: Item) -> Result<Part> {
    let mut part = item.object()?;
    let kind = part.need("type")?;
    Ok(match kind.value.as_str().unwrap_or_default() {
        "text" => Part::text(part.need_string("text")?),
        "thinking" => Part::new(Content::Reasoning { text: part.need_string("thinking")?, signature: None }),
        "image_url" => {
            let mut image = part.need("image_url")?.object()?;
            let path = image.path_of("url");
            let source = Media::of_url(image.need_string("url")?, &path)?;
            Part::new(Content::Image { source, detail: image.string("detail")? })
        }
        // A result in words of its own: whoever reads it knows nothing of documents.
        "document" => {
            Part::text(part.need("document")?.object()?.need("data").map(|data| data_text(&data.value))?)
        }
        _ => return Err(kind.wrong("one of text, thinking, image_url, document")),
    })
}

/// Reads one of `documents`: bare text, or fields by name.
pub(super) fn read_document(item: Item, cites: bool) -> Result<Part> {
    let (text, name) = match item.value {
        Value::String(text) => (text, None),
        Value::Object(_) => {
            let mut document = item.object()?;
            let id = document.string("id")?;
            let data = document.need("data")?.value;
            let title = data.get("title").and_then(Value::as_str).map(str::to_owned);
            let words = ["text", "snippet", "content"].iter().find_map(|name| data.get(*name)?.as_str());
            (words.map_or_else(|| data_text(&data), str::to_owned), title.or(id))
        }
        _ => return Err(item.wrong("a string or an object")),
    };
    let source = Media::Text { mime: "text/plain".to_owned(), text };
    Ok(Part::new(Content::File { source, name, context: None, citations: Some(cites) }))
}

fn data_text(data: &Value) -> String {
    data.as_str().map_or_else(|| data.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Message {
        read_message(Item::new("messages[0]", value)).unwrap()
    }

    #[test]
    fn an_assistants_plan_thoughts_and_calls_are_kept_in_order() {
        let message = read(json!({
            "role": "assistant", "tool_plan": "I will", "citations": [],
            "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "so"}],
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        }));
        let thought = |text: &str| Part::new(Content::Reasoning { text: text.into(), signature: None });
        let call = ToolCall { id: "c".into(), name: "f".into(), arguments: "{}".into() };
        let parts = [thought("I will"), thought("hm"), Part::text("so"), Part::new(Content::ToolCall(call))];
        assert_eq!(message.parts, parts);
    }

    #[test]
    fn results_are_texts_and_documents() {
        let message = read(json!({"role": "tool", "tool_call_id": "c", "content": [
            {"type": "text", "text": "a"}, {"type": "document", "document": {"data": {"x": 1}}},
        ]}));
        let parts = vec![Part::text("a"), Part::text(r#"{"x":1}"#)];
        let result = Content::ToolResult { call_id: "c".into(), parts, is_error: false };
        assert_eq!(message, Message::new(Role::Tool, vec![Part::new(result)]));
    }

    #[test]
    fn an_image_is_an_address_or_data() {
        let url = "data:image/png;base64,AA==";
        let message =
            read(json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}));
        let source = Media::Base64 { mime: "image/png".into(), data: "AA==".into() };
        assert_eq!(message.parts, [Part::new(Content::Image { source, detail: None })]);
    }
}
