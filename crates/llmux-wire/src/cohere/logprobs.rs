//! Log probabilities: Cohere reports them by chunk of text, OpenAI by token.

use serde_json::{Value, json};

/// Reads one item as an entry of OpenAI's list; a chunk of several tokens is as likely as all of them together.
pub(super) fn read_item(item: &Value) -> Value {
    let tokens = item.get("logprobs").and_then(Value::as_array);
    let together: f64 = tokens.into_iter().flatten().filter_map(Value::as_f64).sum();
    let text = item.get("text").and_then(Value::as_str).unwrap_or_default();
    json!({ "token": text, "logprob": together, "bytes": text.as_bytes(), "top_logprobs": [] })
}

/// Reads items into OpenAI's shape.
pub(super) fn read_logprobs(items: &[Value]) -> Value {
    json!({ "content": items.iter().map(read_item).collect::<Vec<_>>(), "refusal": null })
}

/// Writes OpenAI's shape as items. The ids of tokens are not known.
pub(super) fn write_logprobs(value: &Value) -> Vec<Value> {
    let entries = value.get("content").and_then(Value::as_array);
    let item = |entry: &Value| json!({ "text": entry.get("token"), "token_ids": [], "logprobs": [entry.get("logprob")] });
    entries.into_iter().flatten().map(item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_as_likely_as_its_tokens_together() {
        let read = read_logprobs(&[json!({"text": "hi", "token_ids": [1, 2], "logprobs": [-0.5, -0.25]})]);
        assert_eq!(read["content"][0]["token"], "hi");
        assert_eq!(read["content"][0]["logprob"], -0.75);
        assert_eq!(write_logprobs(&read), [json!({"text": "hi", "token_ids": [], "logprobs": [-0.75]})]);
    }
}
