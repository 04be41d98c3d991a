//! A model's reasoning in messages: plain text, and blocks that a provider wants back as they were.
//!
//! Blocks come in two forms: LiteLLM's `thinking_blocks`, which are Anthropic's content blocks, and OpenRouter's
//! `reasoning_details`. Of the latter only those of Anthropic's models are taken as blocks: what other makers
//! seal makes sense in its own form only.

use serde_json::{Map, Value, json};

use crate::chat::Content;

/// The `format` of details that hold Anthropic's blocks.
const ANTHROPIC_FORMAT: &str = "anthropic-claude-v1";

/// The blocks of a message or delta, from `thinking_blocks` or else `reasoning_details`.
pub(super) fn read_blocks(thinking: Option<Vec<Value>>, details: Option<&Vec<Value>>) -> Vec<Content> {
    let thinking = thinking.unwrap_or_default();
    if !thinking.is_empty() {
        return thinking.iter().filter_map(|block| read_block(block, "thinking")).collect();
    }
    let sealed = details.into_iter().flatten().filter(|detail| {
        detail.get("format").and_then(Value::as_str).is_none_or(|format| format == ANTHROPIC_FORMAT)
    });
    sealed.filter_map(|detail| read_block(detail, "text")).collect()
}

fn read_block(block: &Value, text: &str) -> Option<Content> {
    let field = |name: &str| block.get(name).and_then(Value::as_str).filter(|value| !value.is_empty());
    if let Some(data) = field("data") {
        return Some(Content::RedactedReasoning(data.to_owned()));
    }
    let (text, signature) = (field(text), field("signature"));
    (text.is_some() || signature.is_some()).then(|| Content::Reasoning {
        text: text.unwrap_or_default().to_owned(),
        signature: signature.map(str::to_owned),
    })
}

/// The text of `reasoning_details`, whoever made them.
pub(super) fn read_details(details: &[Value]) -> String {
    let text =
        |detail: &Value| detail.get("text").or_else(|| detail.get("summary"))?.as_str().map(str::to_owned);
    details.iter().filter_map(text).collect()
}

/// Writes a piece of reasoning as one of `thinking_blocks`; `None` if it is none.
pub(super) fn write_block(content: &Content) -> Option<Value> {
    let mut block = Map::new();
    match content {
        Content::Reasoning { text, signature } => {
            block.insert("type".into(), "thinking".into());
            block.insert("thinking".into(), text.as_str().into());
            if let Some(signature) = signature.as_deref().filter(|signature| !signature.is_empty()) {
                block.insert("signature".into(), signature.into());
            }
        }
        Content::RedactedReasoning(data) => {
            block.insert("type".into(), "redacted_thinking".into());
            block.insert("data".into(), data.as_str().into());
        }
        _ => return None,
    }
    Some(block.into())
}

/// The `reasoning_details` that say the same as `thinking_blocks`.
#[must_use]
pub fn details_of_blocks(blocks: &[Value]) -> Vec<Value> {
    let contents = blocks.iter().filter_map(|block| read_block(block, "thinking"));
    let detail = |(index, content): (usize, Content)| match content {
        Content::RedactedReasoning(data) => {
            json!({ "type": "reasoning.encrypted", "data": data, "format": ANTHROPIC_FORMAT, "index": index })
        }
        Content::Reasoning { text, signature: Some(signature) } => json!({
            "type": "reasoning.text",
            "text": text,
            "signature": signature,
            "format": ANTHROPIC_FORMAT,
            "index": index,
        }),
        Content::Reasoning { text, .. } => json!({ "type": "reasoning.text", "text": text, "index": index }),
        _ => Value::Null,
    };
    contents.enumerate().map(detail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read_in_either_form_and_written_in_both() {
        let blocks = vec![
            json!({"type": "thinking", "thinking": "hm", "signature": "s"}),
            json!({"type": "redacted_thinking", "data": "d"}),
        ];
        let read = read_blocks(Some(blocks.clone()), None);
        assert_eq!(read_blocks(None, Some(&details_of_blocks(&blocks))), read);
        assert_eq!(read.iter().filter_map(write_block).collect::<Vec<_>>(), blocks);
    }

    #[test]
    fn what_other_makers_seal_is_no_block_but_its_text_is_read() {
        let details = vec![
            json!({"type": "reasoning.text", "text": "hm", "signature": "s", "format": "google-gemini-v1"}),
        ];
        assert_eq!(read_blocks(None, Some(&details)), []);
        assert_eq!(read_details(&details), "hm");
    }
}
