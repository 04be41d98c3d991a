//! Converse's `usage`.
//!
//! `inputTokens` leaves cached tokens out already; `cacheWriteInputTokens` is the sum of the parts that
//! `cacheDetails` tells apart by lifetime. `outputTokens` includes reasoning, which is not told apart.

use llmux_core::Usage;
use serde_json::{Map, Value, json};

/// Reads a usage object. Figures that are missing count as zero.
#[must_use]
pub fn read_usage(value: &Value) -> Usage {
    let figure = |names: [&str; 2]| {
        names.iter().find_map(|name| value.get(name).and_then(Value::as_u64)).unwrap_or_default()
    };
    let written = figure(["cacheWriteInputTokens", "cacheWriteInputTokenCount"]);
    let details = value.get("cacheDetails").and_then(Value::as_array).into_iter().flatten();
    let hour = details.filter(|detail| detail.get("ttl").is_some_and(|ttl| ttl == "1h"));
    let hour: u64 = hour.filter_map(|detail| detail.get("inputTokens")?.as_u64()).sum();
    let mut usage = Usage::default();
    usage.input = figure(["inputTokens", "inputTokenCount"]);
    usage.cache_read = figure(["cacheReadInputTokens", "cacheReadInputTokenCount"]);
    usage.cache_write_1h = hour.min(written);
    usage.cache_write = written.saturating_sub(usage.cache_write_1h);
    usage.output = figure(["outputTokens", "outputTokenCount"]);
    usage
}

/// Writes a usage object. Audio and image tokens of the prompt count as input, all answer tokens as output.
#[must_use]
pub fn write_usage(usage: &Usage) -> Value {
    let written = usage.cache_write.saturating_add(usage.cache_write_1h);
    let cached = written.saturating_add(usage.cache_read);
    let mut out = Map::new();
    out.insert("inputTokens".into(), usage.prompt_total().saturating_sub(cached).into());
    out.insert("outputTokens".into(), usage.completion_total().into());
    out.insert("totalTokens".into(), usage.total().into());
    if cached > 0 {
        out.insert("cacheReadInputTokens".into(), usage.cache_read.into());
        out.insert("cacheWriteInputTokens".into(), written.into());
    }
    let details = [("1h", usage.cache_write_1h), ("5m", usage.cache_write)];
    let details = details.into_iter().filter(|(_, tokens)| *tokens > 0);
    let details: Vec<_> = details.map(|(ttl, tokens)| json!({ "ttl": ttl, "inputTokens": tokens })).collect();
    if !details.is_empty() {
        out.insert("cacheDetails".into(), details.into());
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_tokens_are_never_part_of_the_input() {
        let usage = read_usage(&json!({
            "inputTokens": 16, "outputTokens": 9, "totalTokens": 2432, "cacheReadInputTokens": 20,
            "cacheWriteInputTokens": 2387, "cacheDetails": [{"ttl": "1h", "inputTokens": 87}],
        }));
        assert_eq!((usage.input, usage.cache_read, usage.cache_write), (16, 20, 2300));
        assert_eq!((usage.cache_write_1h, usage.total()), (87, 2432));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut usage = Usage::default();
        (usage.input, usage.cache_read, usage.cache_write, usage.cache_write_1h) = (1, 2, 3, 4);
        usage.output = 5;
        let written = write_usage(&usage);
        assert_eq!((read_usage(&written), &written["totalTokens"]), (usage, &json!(15)));
    }
}
