//! Putting the bytes of images and documents in the place of their addresses, whatever dialect a request is in.

use serde_json::{Map, Value, json};

/// Members that hold words of the client's own or of a model, where a look-alike means nothing.
const FOREIGN: [&str; 11] = [
    "tools",
    "tool_calls",
    "functionCall",
    "functionResponse",
    "toolUse",
    "args",
    "parameters",
    "response_format",
    "text",
    "metadata",
    "extra_body",
];
/// Addresses that only Google's own models understand.
const GOOGLES: [&str; 4] = [
    "https://generativelanguage.googleapis.com/",
    "https://www.youtube.com/",
    "https://youtube.com/",
    "https://youtu.be/",
];

/// Whether a request may name an image or a document by its address. Cheap, and no proof.
#[must_use]
pub fn may_name_media(body: &[u8]) -> bool {
    let holds = |word: &[u8]| memchr::memmem::find(body, word).is_some();
    (holds(b"http:") || holds(b"https:") || holds(br"http\"))
        && [&b"image_url\""[..], b"\"url\"", b"fileUri\"", b"file_uri\"", b"file_url\"", b"\"file\""]
            .iter()
            .any(|word| holds(word))
}

/// The addresses of images and documents in a request, each once, in order.
#[must_use]
pub fn addresses(request: &mut Value) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    walk(request, &mut |url| {
        if !found.iter().any(|known| known == url) {
            found.push(url.to_owned());
        }
        None
    });
    found
}

/// Puts bytes in the place of addresses: `find` gives the media type and the base64 of what is at one.
pub fn replace(request: &mut Value, find: impl Fn(&str) -> Option<(String, String)>) {
    walk(request, &mut |url| find(url));
}

type Find<'f> = dyn FnMut(&str) -> Option<(String, String)> + 'f;

fn walk(value: &mut Value, find: &mut Find<'_>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, find)),
        Value::Object(object) => {
            let kind = object.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
            match kind.as_str() {
                "image_url" | "input_image" => image(object, find),
                "image" | "document" => source(object, find),
                "input_file" => file(object, "file_url", find),
                "file" => {
                    if let Some(Value::Object(inner)) = object.get_mut("file") {
                        file(inner, "file_id", find);
                        file(inner, "file_data", find);
                    }
                }
                // What the model gave a tool is the client's business.
                "tool_use" | "function_call" => return,
                _ => google(object, find),
            }
            let inner = object.iter_mut().filter(|(name, _)| !FOREIGN.contains(&name.as_str()));
            inner.for_each(|(_, value)| walk(value, find));
        }
        _ => {}
    }
}

fn is_address(text: &str) -> bool {
    let scheme = text.get(..8).unwrap_or_default().to_ascii_lowercase();
    (scheme.starts_with("http://") || scheme.starts_with("https://"))
        && !GOOGLES.iter().any(|start| text.starts_with(start))
}

fn found(value: Option<&Value>, find: &mut Find<'_>) -> Option<(String, String)> {
    find(value.and_then(Value::as_str).filter(|text| is_address(text))?)
}

fn data_url((mime, data): &(String, String)) -> Value {
    format!("data:{mime};base64,{data}").into()
}

/// OpenAI's images: an address, or an object with one.
fn image(object: &mut Map<String, Value>, find: &mut Find<'_>) {
    let place = match object.get_mut("image_url") {
        Some(Value::Object(inner)) => inner.get_mut("url"),
        other => other,
    };
    let Some(place) = place else { return };
    if let Some(media) = found(Some(place), find) {
        *place = data_url(&media);
    }
}

/// Anthropic's images and documents.
fn source(object: &mut Map<String, Value>, find: &mut Find<'_>) {
    let Some(source) = object.get_mut("source") else { return };
    if source.get("type").and_then(Value::as_str) == Some("url")
        && let Some((mime, data)) = found(source.get("url"), find)
    {
        *source = json!({ "type": "base64", "media_type": mime, "data": data });
    }
}

/// OpenAI's files, whose bytes need a name.
fn file(object: &mut Map<String, Value>, key: &str, find: &mut Find<'_>) {
    if let Some(media) = found(object.get(key), find) {
        object.remove(key);
        let end = media.0.rsplit(['/', '+']).next().unwrap_or_default();
        object.entry("filename").or_insert_with(|| format!("file.{end}").into());
        object.insert("file_data".into(), data_url(&media));
    }
}

/// Google's.
fn google(object: &mut Map<String, Value>, find: &mut Find<'_>) {
    for (key, uri) in [("fileData", "fileUri"), ("file_data", "file_uri")] {
        let media = object.get(key).and_then(|data| found(data.get(uri), find));
        if let Some((mime, data)) = media {
            object.remove(key);
            object.insert("inlineData".into(), json!({ "mimeType": mime, "data": data }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inlined(mut request: Value) -> Value {
        replace(&mut request, |url| Some(("image/png".into(), format!("<{url}>"))));
        request
    }

    const URL: &str = "https://a.b/c";

    #[test]
    fn each_dialect_has_its_own_place_for_addresses() {
        let data = "data:image/png;base64,<https://a.b/c>";
        let base64 = json!({"type": "base64", "media_type": "image/png", "data": "<https://a.b/c>"});
        for (before, after) in [
            (
                json!({"type": "image_url", "image_url": {"url": URL, "detail": "low"}}),
                json!({"type": "image_url", "image_url": {"url": data, "detail": "low"}}),
            ),
            (
                json!({"type": "input_image", "image_url": URL}),
                json!({"type": "input_image", "image_url": data}),
            ),
            (
                json!({"type": "image", "source": {"type": "url", "url": URL}}),
                json!({"type": "image", "source": base64}),
            ),
            (
                json!({"type": "input_file", "file_url": URL}),
                json!({"type": "input_file", "filename": "file.png", "file_data": data}),
            ),
            (
                json!({"type": "file", "file": {"file_id": URL, "filename": "n"}}),
                json!({"type": "file", "file": {"filename": "n", "file_data": data}}),
            ),
            (
                json!({"fileData": {"fileUri": URL, "mimeType": "x/y"}}),
                json!({"inlineData": {"mimeType": "image/png", "data": "<https://a.b/c>"}}),
            ),
        ] {
            let request = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
            assert!(may_name_media(request(before.clone()).to_string().as_bytes()));
            assert_eq!(addresses(&mut request(before.clone())), [URL], "{before}");
            assert_eq!(inlined(request(before)), request(after));
        }
    }

    #[test]
    fn look_alikes_and_what_is_not_on_the_web_stay() {
        for part in [
            json!({"type": "text", "text": "https://a.b/c"}),
            json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}),
            json!({"type": "image_url", "image_url": {"url": "gs://bucket/x"}}),
            json!({"fileData": {"fileUri": "https://www.youtube.com/watch?v=x"}}),
            json!({"type": "tool_use", "input": {"type": "image_url", "image_url": URL}}),
            json!({"tools": [{"type": "image_url", "image_url": URL}]}),
            json!({"url": URL}),
        ] {
            assert_eq!(inlined(part.clone()), part);
        }
        assert!(!may_name_media(br#"{"messages":[{"role":"user","content":"see https://a.b"}]}"#));
    }
}
