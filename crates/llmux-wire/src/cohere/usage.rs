//! Cohere's usage: `billed_units`, which are paid for, and `tokens`, which count the provider's own frame around the
//! prompt too. What is billed is what counts here; cached prompt tokens are billed like any others.

use llmux_core::Usage;
use serde_json::{Value, json};

/// Reads a usage object, or the `meta` of an answer that is no chat. Figures that are missing count as zero.
#[must_use]
pub fn read_usage(value: &Value) -> Usage {
    let figure = |units: &str, name: &str| {
        let number = value.get(units)?.get(name)?;
        // Cohere's schema calls them numbers, and some answers write them as such.
        number.as_u64().or_else(|| number.as_f64().map(|number| number as u64))
    };
    let tokens = |name: &str| figure("billed_units", name).or_else(|| figure("tokens", name));
    let mut usage = Usage::default();
    usage.queries = figure("billed_units", "search_units").unwrap_or_default();
    if usage.queries > 0 {
        // Rankings are billed by searches; the tokens beside them cost nothing.
        return usage;
    }
    usage.input = tokens("input_tokens").unwrap_or_default();
    usage.output = tokens("output_tokens").unwrap_or_default();
    usage.input_image = figure("billed_units", "image_tokens").unwrap_or_default();
    usage
}

/// Writes a usage object.
#[must_use]
pub fn write_usage(usage: &Usage) -> Value {
    let tokens = json!({ "input_tokens": usage.prompt_total(), "output_tokens": usage.completion_total() });
    json!({ "billed_units": tokens, "tokens": tokens, "cached_tokens": usage.cache_read })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_billed_counts_and_tokens_stand_in_for_it() {
        let usage = read_usage(&json!({
            "billed_units": {"input_tokens": 46, "output_tokens": 14},
            "tokens": {"input_tokens": 1445.0, "output_tokens": 43},
            "cached_tokens": 992,
        }));
        assert_eq!((usage.input, usage.output, usage.cache_read), (46, 14, 0));
        let usage = read_usage(&json!({"tokens": {"input_tokens": 214.0, "output_tokens": 2}}));
        assert_eq!((usage.input, usage.output), (214, 2));
    }

    #[test]
    fn totals_are_written_with_the_part_that_was_cached() {
        let mut usage = Usage::default();
        (usage.input, usage.cache_read, usage.output, usage.reasoning) = (1, 2, 3, 4);
        let written = write_usage(&usage);
        assert_eq!(written["billed_units"], json!({"input_tokens": 3, "output_tokens": 7}));
        assert_eq!(written["cached_tokens"], 2);
    }
}
