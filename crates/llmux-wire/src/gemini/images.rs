//! Images inside an answer.

use llmux_core::{Result, Usage};
use serde_json::Value;

use super::{
    answer_read::{parse, pieces},
    usage::read_reported,
};

/// What a model drew.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Drawn {
    /// The images, each a file in base64.
    pub images: Vec<String>,
    /// What was said beside them.
    pub words: Option<String>,
    /// What was consumed.
    pub usage: Usage,
}

/// Reads the images of a whole answer, thoughts left out.
///
/// # Errors
/// As for [`read_answer`](super::read_answer).
pub fn read_images(body: &[u8]) -> Result<Drawn> {
    let answer = parse(body)?;
    let mut drawn = Drawn { usage: read_reported(&answer).unwrap_or_default(), ..Drawn::default() };
    let candidates = answer.get("candidates").and_then(Value::as_array);
    for piece in candidates.into_iter().flatten().flat_map(pieces) {
        if piece.get("thought").is_some_and(|thought| *thought == true) {
            continue;
        }
        if let Some((_, data)) = inline_image(piece) {
            drawn.images.push(data.to_owned());
        } else if let Some(words) = piece.get("text").and_then(Value::as_str) {
            drawn.words.get_or_insert_default().push_str(words);
        }
    }
    Ok(drawn)
}

/// The type and the data, in base64, of a part that is an image.
pub(crate) fn inline_image(piece: &Value) -> Option<(&str, &str)> {
    let blob = piece.get("inlineData")?;
    let mime = blob.get("mimeType")?.as_str().filter(|mime| mime.starts_with("image/"))?;
    Some((mime, blob.get("data")?.as_str()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn images_are_found_beside_words_and_thoughts() {
        let image = |data: &str| json!({"inlineData": {"mimeType": "image/png", "data": data}});
        let mut sketch = image("c2tldGNo");
        sketch["thought"] = true.into();
        let sound = json!({"inlineData": {"mimeType": "audio/wav", "data": "eA=="}});
        let parts = json!([{"text": "Here: "}, sketch, image("QUJD"), sound, {"text": "done"}]);
        let body = json!({
            "candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 1290,
                "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}]},
        });
        let drawn = read_images(body.to_string().as_bytes()).unwrap();
        assert_eq!(drawn.images, ["QUJD"]);
        assert_eq!(drawn.words.as_deref(), Some("Here: done"));
        assert_eq!((drawn.usage.input, drawn.usage.output, drawn.usage.output_image), (9, 0, 1290));
    }
}
