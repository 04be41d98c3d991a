//! The usage object of responses and the disjoint buckets of [`Usage`].

use llmux_core::Usage;
use serde::Deserialize;
use serde_json::{Value, json};

/// The usage object as providers send it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wire {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    total_tokens: Option<u64>,
    input_tokens_details: Option<InputDetails>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Option<u64>,
}

impl Wire {
    /// Takes the totals apart. Figures that contradict their total are capped by it, never negative.
    pub(super) fn buckets(&self) -> Usage {
        let input = self.input_tokens.unwrap_or_default();
        let output = self.output_tokens.unwrap_or_default();
        let details = self.input_tokens_details.as_ref();
        let cached = details.and_then(|details| details.cached_tokens).unwrap_or_default();
        let written = details.and_then(|details| details.cache_write_tokens).unwrap_or_default();
        let reasoning = self.output_tokens_details.as_ref().and_then(|details| details.reasoning_tokens);
        let reasoning = reasoning.unwrap_or_default();
        let mut usage = Usage::default();
        usage.cache_read = cached.min(input);
        usage.cache_write = written.min(input.saturating_sub(usage.cache_read));
        usage.input = input.saturating_sub(usage.cache_read).saturating_sub(usage.cache_write);
        // Reasoning is counted inside the output; where a host counts it beside, the total tells.
        let beside = input.saturating_add(output).saturating_add(reasoning);
        if reasoning > 0 && self.total_tokens == Some(beside) {
            (usage.reasoning, usage.output) = (reasoning, output);
        } else {
            usage.reasoning = reasoning.min(output);
            usage.output = output.saturating_sub(usage.reasoning);
        }
        usage
    }
}

/// Reads a usage object; `None` when it is none.
#[must_use]
pub fn read_usage(json: &[u8]) -> Option<Usage> {
    serde_json::from_slice::<Option<Wire>>(json).ok().flatten().map(|wire| wire.buckets())
}

/// Writes a usage object.
#[must_use]
pub fn write_usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.prompt_total(),
        "input_tokens_details": {
            "cached_tokens": usage.cached(),
            "cache_write_tokens": usage.cache_write.saturating_add(usage.cache_write_1h),
        },
        "output_tokens": usage.completion_total(),
        "output_tokens_details": { "reasoning_tokens": usage.reasoning },
        "total_tokens": usage.total(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut usage = Usage::default();
        (usage.input, usage.cache_read, usage.cache_write) = (4, 3, 2);
        (usage.output, usage.reasoning) = (7, 1);
        assert_eq!(read_usage(write_usage(&usage).to_string().as_bytes()), Some(usage));
    }

    #[test]
    fn reasoning_beside_the_output_is_not_subtracted() {
        let usage = read_usage(
            br#"{"input_tokens":10,"output_tokens":5,"total_tokens":115,
                "output_tokens_details":{"reasoning_tokens":100}}"#,
        );
        assert_eq!(usage.map(|usage| (usage.output, usage.reasoning)), Some((5, 100)));
    }

    #[test]
    fn figures_beyond_their_total_never_make_it_negative() {
        let usage = read_usage(br#"{"input_tokens":5,"input_tokens_details":{"cached_tokens":9}}"#);
        assert_eq!(usage.map(|usage| (usage.input, usage.cache_read)), Some((0, 5)));
    }
}
