//! Log probabilities: Ollama's entries are OpenAI's, without the frame around them.

use serde_json::{Value, json};

/// Reads the list into OpenAI's shape; `None` if there is none.
pub(super) fn read_logprobs(answer: &Value) -> Option<Value> {
    let mut list = answer.get("logprobs")?.as_array().filter(|list| !list.is_empty())?.clone();
    for entry in list.iter_mut().filter_map(Value::as_object_mut) {
        entry.entry("bytes").or_insert(Value::Null);
        entry.entry("top_logprobs").or_insert_with(|| json!([]));
    }
    Some(json!({ "content": list, "refusal": null }))
}

/// Writes OpenAI's shape as a list; `None` if it holds none.
pub(super) fn write_logprobs(value: &Value) -> Option<Value> {
    value.get("content").filter(|list| list.is_array()).cloned()
}
