//! Anthropic's usage object.
//!
//! `input_tokens` leaves cached tokens out already. `cache_creation_input_tokens` is the sum of the parts that
//! `cache_creation` tells apart by lifetime. `output_tokens` includes thinking, which only newer models count in
//! `output_tokens_details`. `iterations` is not read: its sum over the answering model is what the totals say.

use llmux_core::Usage;
use serde_json::{Map, Value};

/// Reads a usage object. Unknown fields are skipped; figures that are missing count as zero.
#[must_use]
pub fn read_usage(value: &Value) -> Usage {
    let mut report = Report::default();
    report.update(value);
    report.usage()
}

/// What an answer has reported so far. A stream reports in pieces: each figure that a later piece names
/// replaces the earlier one, zero included.
#[derive(Debug, Default)]
pub(super) struct Report {
    input: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    five_minutes: Option<u64>,
    one_hour: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
    web_searches: Option<u64>,
}

impl Report {
    /// Takes a later piece.
    pub(super) fn update(&mut self, value: &Value) {
        let places = [
            (&mut self.input, "/input_tokens"),
            (&mut self.cache_read, "/cache_read_input_tokens"),
            (&mut self.cache_write, "/cache_creation_input_tokens"),
            (&mut self.five_minutes, "/cache_creation/ephemeral_5m_input_tokens"),
            (&mut self.one_hour, "/cache_creation/ephemeral_1h_input_tokens"),
            (&mut self.output, "/output_tokens"),
            (&mut self.thinking, "/output_tokens_details/thinking_tokens"),
            (&mut self.web_searches, "/server_tool_use/web_search_requests"),
        ];
        for (figure, pointer) in places {
            *figure = value.pointer(pointer).and_then(Value::as_u64).or(*figure);
        }
    }

    /// The figures in disjoint buckets.
    pub(super) fn usage(&self) -> Usage {
        let figure = |figure: Option<u64>| figure.unwrap_or_default();
        let [five_minutes, one_hour] = [figure(self.five_minutes), figure(self.one_hour)];
        let written = self.cache_write.unwrap_or_else(|| five_minutes.saturating_add(one_hour));
        let thinking = figure(self.thinking).min(figure(self.output));
        let mut usage = Usage::default();
        usage.input = figure(self.input);
        usage.cache_read = figure(self.cache_read);
        // Where total and parts disagree the total is right: stream deltas repeat only the total.
        usage.cache_write_1h = one_hour.min(written);
        usage.cache_write = written.saturating_sub(usage.cache_write_1h);
        usage.output = figure(self.output).saturating_sub(thinking);
        usage.reasoning = thinking;
        usage.web_searches = figure(self.web_searches);
        usage
    }
}

/// Writes a usage object. Audio and image tokens of the prompt count as input, all answer tokens as output.
#[must_use]
pub fn write_usage(usage: &Usage, service_tier: Option<&str>) -> Value {
    let cache_creation = usage.cache_write.saturating_add(usage.cache_write_1h);
    let cached = cache_creation.saturating_add(usage.cached());
    let mut out = Map::new();
    out.insert("input_tokens".into(), usage.prompt_total().saturating_sub(cached).into());
    out.insert("cache_creation_input_tokens".into(), cache_creation.into());
    out.insert("cache_read_input_tokens".into(), usage.cached().into());
    let mut parts = Map::new();
    parts.insert("ephemeral_5m_input_tokens".into(), usage.cache_write.into());
    parts.insert("ephemeral_1h_input_tokens".into(), usage.cache_write_1h.into());
    out.insert("cache_creation".into(), parts.into());
    out.insert("output_tokens".into(), usage.completion_total().into());
    if usage.reasoning > 0 {
        let details = Map::from_iter([("thinking_tokens".to_owned(), usage.reasoning.into())]);
        out.insert("output_tokens_details".into(), details.into());
    }
    if usage.web_searches > 0 {
        let searches = ("web_search_requests".to_owned(), usage.web_searches.into());
        let tools = Map::from_iter([searches, ("web_fetch_requests".to_owned(), 0.into())]);
        out.insert("server_tool_use".into(), tools.into());
    }
    // OpenAI's word for Anthropic's `standard` is `default`.
    if let Some(tier) = service_tier.and_then(tier) {
        out.insert("service_tier".into(), tier.into());
    }
    out.into()
}

/// The three classes that the dialect knows; other hosts' words for the ordinary one mean `standard`.
fn tier(tier: &str) -> Option<&str> {
    match tier {
        "standard" | "priority" | "batch" => Some(tier),
        "default" | "on_demand" => Some("standard"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cached_tokens_are_never_part_of_the_input() {
        let usage = read_usage(&json!({
            "input_tokens": 10, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 30,
            "cache_creation": {"ephemeral_5m_input_tokens": 25, "ephemeral_1h_input_tokens": 5},
            "output_tokens": 7, "server_tool_use": {"web_search_requests": 2},
        }));
        assert_eq!((usage.input, usage.cache_read, usage.prompt_total()), (10, 20, 60));
        assert_eq!((usage.cache_write, usage.cache_write_1h, usage.web_searches), (25, 5, 2));
    }

    #[test]
    fn cache_writes_that_are_not_told_apart_are_the_default_ones() {
        let usage =
            read_usage(&json!({"input_tokens": 1, "cache_creation_input_tokens": 30, "output_tokens": 1}));
        assert_eq!((usage.cache_write, usage.cache_write_1h), (30, 0));
    }

    #[test]
    fn thinking_is_taken_out_of_the_output() {
        let value = json!({"output_tokens": 50, "output_tokens_details": {"thinking_tokens": 20}});
        let usage = read_usage(&value);
        assert_eq!((usage.output, usage.reasoning, usage.completion_total()), (30, 20, 50));
    }

    #[test]
    fn a_later_zero_replaces_an_earlier_figure() {
        let mut report = Report::default();
        report.update(&json!({"input_tokens": 100, "output_tokens": 1}));
        report.update(&json!({"input_tokens": 0, "cache_read_input_tokens": 100, "output_tokens": 9}));
        let usage = report.usage();
        assert_eq!((usage.input, usage.cache_read, usage.output), (0, 100, 9));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut usage = Usage::default();
        (usage.input, usage.cache_read, usage.cache_write, usage.cache_write_1h) = (1, 2, 3, 4);
        (usage.output, usage.reasoning, usage.web_searches) = (5, 6, 7);
        let written = write_usage(&usage, Some("default"));
        assert_eq!(read_usage(&written), usage);
        assert_eq!(written["service_tier"], "standard");
        assert_eq!(written["output_tokens"], 11);
    }
}
