//! OpenAI's usage object and the disjoint buckets of [`Usage`].

use llmux_core::Usage;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::json::figures::{Figure, figures};

/// OpenAI's usage object, with the names that compatible hosts use for the same figures.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wire {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
    /// DeepSeek.
    prompt_cache_hit_tokens: Option<u64>,
    /// Moonshot.
    cached_tokens: Option<u64>,
    /// Perplexity and some vLLM builds put it beside the totals.
    reasoning_tokens: Option<u64>,
    /// Anthropic's figures, which LiteLLM adds to OpenAI's.
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    /// Perplexity.
    num_search_queries: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    cache_creation_tokens: Option<u64>,
    audio_tokens: Option<u64>,
    image_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
    audio_tokens: Option<u64>,
    image_tokens: Option<u64>,
    accepted_prediction_tokens: Option<u64>,
    rejected_prediction_tokens: Option<u64>,
}

impl Wire {
    /// Reads a usage object whose figures are whole numbers; `None` for any other, which a parser can judge.
    pub(crate) fn read(json: &[u8]) -> Option<Self> {
        let mut wire = Self::default();
        figures(json, |object, name, figure| {
            if let (b"", b"prompt_tokens_details" | b"completion_tokens_details") = (object, name) {
                return matches!(figure, Figure::Object | Figure::Null).then_some(());
            }
            let Some(place) = wire.place(object, name) else { return Some(()) };
            match figure {
                Figure::Whole(whole) => *place = Some(whole),
                Figure::Null => {}
                Figure::Object | Figure::Other => return None,
            }
            Some(())
        })?;
        Some(wire)
    }

    /// Where a figure is kept.
    fn place(&mut self, object: &[u8], name: &[u8]) -> Option<&mut Option<u64>> {
        let place = match (object, name) {
            (b"", b"prompt_tokens") => &mut self.prompt_tokens,
            (b"", b"completion_tokens") => &mut self.completion_tokens,
            (b"", b"total_tokens") => &mut self.total_tokens,
            (b"", b"prompt_cache_hit_tokens") => &mut self.prompt_cache_hit_tokens,
            (b"", b"cached_tokens") => &mut self.cached_tokens,
            (b"", b"reasoning_tokens") => &mut self.reasoning_tokens,
            (b"", b"cache_creation_input_tokens") => &mut self.cache_creation_input_tokens,
            (b"", b"cache_read_input_tokens") => &mut self.cache_read_input_tokens,
            (b"", b"num_search_queries") => &mut self.num_search_queries,
            (b"prompt_tokens_details", name) => {
                let details = self.prompt_tokens_details.get_or_insert_default();
                match name {
                    b"cached_tokens" => &mut details.cached_tokens,
                    b"cache_write_tokens" => &mut details.cache_write_tokens,
                    b"cache_creation_tokens" => &mut details.cache_creation_tokens,
                    b"audio_tokens" => &mut details.audio_tokens,
                    b"image_tokens" => &mut details.image_tokens,
                    _ => return None,
                }
            }
            (b"completion_tokens_details", name) => {
                let details = self.completion_tokens_details.get_or_insert_default();
                match name {
                    b"reasoning_tokens" => &mut details.reasoning_tokens,
                    b"audio_tokens" => &mut details.audio_tokens,
                    b"image_tokens" => &mut details.image_tokens,
                    b"accepted_prediction_tokens" => &mut details.accepted_prediction_tokens,
                    b"rejected_prediction_tokens" => &mut details.rejected_prediction_tokens,
                    _ => return None,
                }
            }
            _ => return None,
        };
        Some(place)
    }

    /// Takes the totals apart. Figures that contradict their total are capped by it, never negative.
    pub(crate) fn buckets(&self) -> Usage {
        let empty = (PromptDetails::default(), CompletionDetails::default());
        let prompt = self.prompt_tokens_details.as_ref().unwrap_or(&empty.0);
        let completion = self.completion_tokens_details.as_ref().unwrap_or(&empty.1);
        let mut usage = Usage::default();

        // Hosts of embeddings may tell the total only, which is all prompt.
        let total = self.total_tokens.filter(|_| self.completion_tokens.is_none());
        let mut left = self.prompt_tokens.or(total).unwrap_or_default();
        let cached = first([
            prompt.cached_tokens,
            self.prompt_cache_hit_tokens,
            self.cached_tokens,
            self.cache_read_input_tokens,
        ]);
        let written = first([
            prompt.cache_write_tokens,
            prompt.cache_creation_tokens,
            self.cache_creation_input_tokens,
        ]);
        usage.cache_read = take(&mut left, cached);
        usage.cache_write = take(&mut left, written);
        usage.input_audio = take(&mut left, prompt.audio_tokens.unwrap_or_default());
        usage.input_image = take(&mut left, prompt.image_tokens.unwrap_or_default());
        usage.input = left;

        let mut left = self.completion_tokens.unwrap_or_default();
        let reasoning = first([completion.reasoning_tokens, self.reasoning_tokens]);
        if self.reasoning_is_beside(reasoning) {
            usage.reasoning = reasoning;
        } else {
            usage.reasoning = take(&mut left, reasoning);
        }
        usage.output_audio = take(&mut left, completion.audio_tokens.unwrap_or_default());
        usage.output_image = take(&mut left, completion.image_tokens.unwrap_or_default());
        usage.accepted_prediction =
            take(&mut left, completion.accepted_prediction_tokens.unwrap_or_default());
        usage.rejected_prediction =
            take(&mut left, completion.rejected_prediction_tokens.unwrap_or_default());
        usage.output = left;
        usage.web_searches = self.num_search_queries.unwrap_or_default();
        usage
    }

    /// OpenAI counts reasoning inside the completion tokens, xAI beside them; the total tells which.
    fn reasoning_is_beside(&self, reasoning: u64) -> bool {
        let (prompt, completion) =
            (self.prompt_tokens.unwrap_or_default(), self.completion_tokens.unwrap_or_default());
        reasoning > 0
            && self.total_tokens
                == prompt.checked_add(completion).and_then(|both| both.checked_add(reasoning))
    }
}

fn first<const N: usize>(figures: [Option<u64>; N]) -> u64 {
    figures.into_iter().flatten().find(|figure| *figure > 0).unwrap_or_default()
}

fn take(left: &mut u64, part: u64) -> u64 {
    let taken = part.min(*left);
    *left = left.saturating_sub(taken);
    taken
}

/// Reads a usage object; `None` when it is none.
#[must_use]
pub fn read_usage(json: &[u8]) -> Option<Usage> {
    serde_json::from_slice::<Option<Wire>>(json).ok().flatten().map(|wire| wire.buckets())
}

/// Writes a usage object.
#[must_use]
pub fn write_usage(usage: &Usage) -> Value {
    let mut value = json!({
        "prompt_tokens": usage.prompt_total(),
        "completion_tokens": usage.completion_total(),
        "total_tokens": usage.total(),
        "prompt_tokens_details": {
            "cached_tokens": usage.cached(),
            "audio_tokens": usage.input_audio,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.output_audio,
            "accepted_prediction_tokens": usage.accepted_prediction,
            "rejected_prediction_tokens": usage.rejected_prediction,
        },
    });
    let written = usage.cache_write.saturating_add(usage.cache_write_1h);
    if let Some(object) = value.as_object_mut().filter(|_| usage.cached() > 0 || written > 0) {
        object.insert("cache_read_input_tokens".into(), usage.cached().into());
        object.insert("cache_creation_input_tokens".into(), written.into());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Usage {
        read_usage(json.as_bytes()).unwrap()
    }

    #[test]
    fn totals_are_taken_apart_without_counting_twice() {
        let usage = read(
            r#"{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
                "prompt_tokens_details":{"cached_tokens":60,"audio_tokens":10},
                "completion_tokens_details":{"reasoning_tokens":20}}"#,
        );
        assert_eq!((usage.input, usage.cache_read, usage.input_audio), (30, 60, 10));
        assert_eq!((usage.output, usage.reasoning), (30, 20));
        assert_eq!(usage.total(), 150);
    }

    #[test]
    fn reasoning_beside_the_completion_tokens_is_not_subtracted() {
        let usage = read(
            r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":115,
                "completion_tokens_details":{"reasoning_tokens":100}}"#,
        );
        assert_eq!((usage.output, usage.reasoning, usage.total()), (5, 100, 115));
    }

    #[test]
    fn figures_beyond_their_total_never_make_it_negative() {
        let usage = read(r#"{"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":9}}"#);
        assert_eq!((usage.input, usage.cache_read), (0, 5));
    }

    #[test]
    fn figures_without_a_parser_are_those_of_a_parser() {
        for json in [
            r#"{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"other":[1],
                "prompt_tokens_details":{"cached_tokens":60,"audio_tokens":10,"x":"y"},
                "completion_tokens_details":{"reasoning_tokens":20,"accepted_prediction_tokens":null}}"#,
            r#"{"prompt_tokens":9,"prompt_tokens_details":null,"cached_tokens":4,"num_search_queries":2}"#,
            "{}",
        ] {
            let parsed: Wire = serde_json::from_str(json).unwrap();
            assert_eq!(Wire::read(json.as_bytes()).unwrap().buckets(), parsed.buckets(), "{json}");
        }
        for json in [r#"{"prompt_tokens":1.5}"#, r#"{"prompt_tokens_details":[]}"#, "null", "{"] {
            assert!(Wire::read(json.as_bytes()).is_none(), "{json}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut usage = Usage::default();
        (usage.input, usage.cache_read, usage.cache_write) = (4, 3, 2);
        (usage.output, usage.reasoning) = (7, 1);
        assert_eq!(read(&write_usage(&usage).to_string()), usage);
    }
}
