//! Counts of tokens: `prompt_eval_count` and `eval_count`. What a model thinks is part of what it says.

use llmux_core::Usage;
use serde_json::{Map, Value};

/// Reads the counts of an answer, or of the last line of one. Those that are missing are zero.
#[must_use]
pub fn read_usage(answer: &Value) -> Usage {
    let count = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or_default();
    let mut usage = Usage::default();
    usage.input = count("prompt_eval_count");
    usage.output = count("eval_count");
    usage
}

/// Adds the counts.
pub(super) fn put_usage(usage: &Usage, out: &mut Map<String, Value>) {
    out.insert("prompt_eval_count".into(), usage.prompt_total().into());
    out.insert("eval_count".into(), usage.completion_total().into());
}
