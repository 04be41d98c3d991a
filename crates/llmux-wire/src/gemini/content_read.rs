//! The conversation, as clients send it.

use llmux_core::{Dialect, Result};
use serde_json::{Map, Value};

use super::{object::open, signature};
use crate::{
    chat::{Calls, Content, Media, Message, Part, Role, ToolCall},
    json::read::{Item, Object},
};

/// Reads `systemInstruction`: content, or bare text.
pub(super) fn read_system(item: Item) -> Result<Message> {
    if let Value::String(text) = &item.value {
        return Ok(Message::new(Role::System, vec![Part::text(text.as_str())]));
    }
    let mut content = open(item)?;
    let mut parts = Vec::new();
    for part in content.list("parts")? {
        parts.extend(read_part(part, &mut Calls::default())?);
    }
    Ok(Message::new(Role::System, parts))
}

/// Reads one of `contents`: results of calls become a message of their own before the rest of the turn.
pub(super) fn read_message(item: Item, calls: &mut Calls, messages: &mut Vec<Message>) -> Result<()> {
    let mut content = open(item)?;
    let role = content.take("role");
    let role = match role.as_ref().map(|role| role.value.as_str().unwrap_or_default()) {
        None | Some("user" | "function" | "tool") => Role::User,
        Some("model") => Role::Assistant,
        Some(_) => {
            return Err(role.map_or_else(|| content.missing("role"), |role| role.wrong("user or model")));
        }
    };
    let mut parts: Vec<Part> = Vec::new();
    for part in content.list("parts")? {
        if let Some(part) = read_part(part, calls)? {
            add(part, &mut parts);
        }
    }
    let is_result = |part: &Part| matches!(part.content, Content::ToolResult { .. });
    let (results, rest): (Vec<_>, Vec<_>) = parts.into_iter().partition(is_result);
    let only_results = rest.is_empty() && !results.is_empty();
    if !results.is_empty() {
        messages.push(Message::new(Role::Tool, results));
    }
    if !only_results {
        messages.push(Message::new(role, rest));
    }
    Ok(())
}

/// Joins a thought with its signature, which streams give in a piece of its own.
fn add(part: Part, parts: &mut Vec<Part>) {
    if let (
        Content::Reasoning { text, signature },
        Some(Part { content: Content::Reasoning { text: last, signature: none @ None }, .. }),
    ) = (&part.content, parts.last_mut())
    {
        last.push_str(text);
        none.clone_from(signature);
        return;
    }
    parts.push(part);
}

fn read_part(item: Item, calls: &mut Calls) -> Result<Option<Part>> {
    let whole = item.value.clone();
    let mut part = open(item)?;
    if let Some(call) = part.take("functionCall") {
        return read_call(open(call)?, calls).map(Some);
    }
    if let Some(result) = part.take("functionResponse") {
        return read_result(open(result)?, calls).map(Some);
    }
    if let Some(blob) = part.take("inlineData") {
        return read_blob(open(blob)?).map(Some);
    }
    if let Some(file) = part.take("fileData") {
        return read_file(open(file)?).map(Some);
    }
    let Some(text) = part.string("text")? else {
        let content = Content::Opaque { dialect: Dialect::Gemini, value: whole };
        return Ok(Some(Part::new(content)));
    };
    if !part.bool("thought")?.unwrap_or_default() {
        return Ok(Some(Part::text(text)).filter(|part| part.as_text() != Some("")));
    }
    let signature = part.string("thoughtSignature")?;
    let redacted = signature.as_deref().and_then(signature::to_redacted);
    Ok(Some(Part::new(match redacted {
        Some(data) => Content::RedactedReasoning(data.to_owned()),
        None => Content::Reasoning { text, signature },
    })))
}

fn read_call(mut call: Object, calls: &mut Calls) -> Result<Part> {
    let name = call.need_string("name")?;
    let id = calls.call(call.string("id")?, &name);
    let arguments = call.object("args")?.map_or_else(|| Map::new().into(), Object::into_value);
    Ok(Part::new(Content::ToolCall(ToolCall { id, name, arguments: arguments.to_string() })))
}

fn read_result(mut result: Object, calls: &mut Calls) -> Result<Part> {
    let name = result.need_string("name")?;
    let call_id = calls.result(result.string("id")?, Some(&name));
    let response = result.object("response")?.map(Object::rest).unwrap_or_default();
    let is_error = response.len() == 1 && response.contains_key("error");
    let mut parts = vec![Part::text(words(response))];
    for part in result.list("parts")? {
        parts.extend(read_part(part, calls)?);
    }
    Ok(Part::new(Content::ToolResult { call_id, parts, is_error }))
}

/// What a tool said: the text, where the response is nothing else.
fn words(response: Map<String, Value>) -> String {
    let mut fields = response.iter();
    match (fields.next(), fields.next()) {
        (Some((name, Value::String(text))), None)
            if ["result", "output", "error"].contains(&name.as_str()) =>
        {
            text.clone()
        }
        _ => Value::Object(response).to_string(),
    }
}

fn read_blob(mut blob: Object) -> Result<Part> {
    let mime = blob.need_string("mimeType")?;
    // Google takes both alphabets of base64, and other APIs the common one only.
    let data = blob.need_string("data")?.replace('-', "+").replace('_', "/");
    let name = blob.string("displayName")?;
    let sound = match mime.as_str() {
        "audio/wav" | "audio/x-wav" => Some("wav"),
        "audio/mp3" | "audio/mpeg" => Some("mp3"),
        _ => None,
    };
    Ok(Part::new(match sound {
        Some(format) => Content::Audio { data, format: format.to_owned() },
        None if mime.starts_with("image/") => {
            Content::Image { source: Media::Base64 { mime, data }, detail: None }
        }
        None => file(Media::Base64 { mime, data }, name),
    }))
}

fn read_file(mut data: Object) -> Result<Part> {
    let url = data.need_string("fileUri")?;
    let mime = data.string("mimeType")?.unwrap_or_default();
    let name = data.string("displayName")?;
    Ok(Part::new(if mime.starts_with("image/") {
        Content::Image { source: Media::Url(url), detail: None }
    } else {
        file(Media::Url(url), name)
    }))
}

fn file(source: Media, name: Option<String>) -> Content {
    Content::File { source, name, context: None, citations: None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(contents: Value) -> Vec<Message> {
        let (mut calls, mut messages) = (Calls::default(), Vec::new());
        for item in Item::new("contents", contents).list().unwrap() {
            read_message(item, &mut calls, &mut messages).unwrap();
        }
        messages
    }

    #[test]
    fn results_find_their_calls_by_name_and_order() {
        let call = |x: u8| json!({"functionCall": {"name": "f", "args": {"x": x}}});
        let result = |text: &str| json!({"function_response": {"name": "f", "response": {"result": text}}});
        let messages = read(json!([
            {"role": "model", "parts": [call(1), call(2)]},
            {"role": "user", "parts": [result("a"), {"functionResponse": {"name": "f", "response": {"error": "no"}}}]},
        ]));
        let expected = |id: &str, text: &str, is_error| {
            let parts = vec![Part::text(text)];
            Part::new(Content::ToolResult { call_id: id.into(), parts, is_error })
        };
        assert_eq!(messages[1].role, Role::Tool);
        assert_eq!(messages[1].parts, [expected("call_1", "a", false), expected("call_2", "no", true)]);
    }

    #[test]
    fn thoughts_of_a_stream_are_joined_with_their_signature() {
        let messages = read(json!([{"role": "model", "parts": [
            {"text": "h", "thought": true}, {"text": "m", "thought": true},
            {"text": "", "thought": true, "thoughtSignature": "s"}, {"text": "hi"}]}]));
        let thought = Content::Reasoning { text: "hm".into(), signature: Some("s".into()) };
        assert_eq!(messages[0].parts, [Part::new(thought), Part::text("hi")]);
    }

    #[test]
    fn data_is_sorted_by_its_media_type() {
        let blob = |mime: &str| json!({"inline_data": {"mime_type": mime, "data": "a-_b"}});
        let messages =
            read(json!([{"parts": [blob("image/png"), blob("audio/wav"), blob("application/pdf")]}]));
        let kinds: Vec<_> = messages[0].parts.iter().map(|part| &part.content).collect();
        assert!(
            matches!(kinds[0], Content::Image { source: Media::Base64 { data, .. }, .. } if data == "a+/b")
        );
        assert!(matches!(kinds[1], Content::Audio { format, .. } if format == "wav"));
        assert!(matches!(kinds[2], Content::File { .. }));
    }
}
