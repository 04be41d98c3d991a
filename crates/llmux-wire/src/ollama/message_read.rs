//! The conversation, as clients send it.

use llmux_core::Result;
use serde_json::{Map, Value};

use super::image::mime_of;
use crate::{
    chat::{Calls, Content, Media, Message, Part, Role, ToolCall},
    json::read::{Item, Object},
};

/// Reads one message.
pub(super) fn read_message(item: Item, calls: &mut Calls) -> Result<Message> {
    let mut object = item.object()?;
    let role = object.need("role")?;
    let text = object.string("content")?.unwrap_or_default();
    let mut parts = Vec::new();
    if let Some(text) = object.string("thinking")?.filter(|text| !text.is_empty()) {
        parts.push(Part::new(Content::Reasoning { text, signature: None }));
    }
    if !text.is_empty() {
        parts.push(Part::text(text));
    }
    parts.extend(read_images(&mut object)?);
    let role = match role.value.as_str().unwrap_or_default() {
        "system" => Role::System,
        "user" => Role::User,
        "assistant" => {
            for item in object.list("tool_calls")? {
                parts.push(read_call(item.object()?, calls)?);
            }
            Role::Assistant
        }
        "tool" => {
            let older = object.string("name")?;
            let name = object.string("tool_name")?.or(older);
            let call_id = calls.result(object.string("tool_call_id")?, name.as_deref());
            parts = vec![Part::new(Content::ToolResult { call_id, parts, is_error: false })];
            Role::Tool
        }
        _ => return Err(role.wrong("one of system, user, assistant, tool")),
    };
    Ok(Message::new(role, parts))
}

/// Takes `images`.
pub(super) fn read_images(object: &mut Object) -> Result<Vec<Part>> {
    let images = object.list("images")?.into_iter().map(|item| {
        let data = item.string()?;
        let source = Media::Base64 { mime: mime_of(&data).to_owned(), data };
        Ok(Part::new(Content::Image { source, detail: None }))
    });
    images.collect()
}

fn read_call(mut call: Object, calls: &mut Calls) -> Result<Part> {
    let id = call.string("id")?;
    let mut function = call.need("function")?.object()?;
    let name = function.need_string("name")?;
    let id = calls.call(id, &name);
    let arguments = function.object("arguments")?.map_or_else(|| Map::new().into(), Object::into_value);
    Ok(Part::new(Content::ToolCall(ToolCall { id, name, arguments: Value::to_string(&arguments) })))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(messages: Value) -> Vec<Message> {
        let mut calls = Calls::default();
        let items = Item::new("messages", messages).list().unwrap();
        items.into_iter().map(|item| read_message(item, &mut calls).unwrap()).collect()
    }

    #[test]
    fn results_find_their_calls_by_name_and_order() {
        let call = |name: &str| json!({"function": {"name": name, "arguments": {"x": 1}}});
        let messages = read(json!([
            {"role": "assistant", "content": "", "tool_calls": [call("f"), call("g")]},
            {"role": "tool", "content": "two", "tool_name": "g"},
            {"role": "tool", "content": "one"},
        ]));
        let id = |message: &Message| match &message.parts[0].content {
            Content::ToolResult { call_id, .. } => call_id.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!([id(&messages[1]), id(&messages[2])], ["call_2", "call_1"]);
        let first = ToolCall { id: "call_1".into(), name: "f".into(), arguments: r#"{"x":1}"#.into() };
        assert_eq!(messages[0].parts[0], Part::new(Content::ToolCall(first)));
    }

    #[test]
    fn images_get_their_type_from_their_first_bytes() {
        let messages = read(json!([{"role": "user", "content": "see", "images": ["/9j/AA==", "iVBORw0K"]}]));
        let types: Vec<_> = messages[0].parts[1..]
            .iter()
            .map(|part| match &part.content {
                Content::Image { source: Media::Base64 { mime, .. }, .. } => mime.as_str(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(types, ["image/jpeg", "image/png"]);
    }
}
