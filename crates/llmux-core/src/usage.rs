//! What a request consumed, in buckets that never overlap.

use serde::{Deserialize, Serialize};

/// Tokens and units of one answer.
///
/// The buckets are disjoint: a cached prompt token is in [`cache_read`](Self::cache_read) and not in
/// [`input`](Self::input), a reasoning token is in [`reasoning`](Self::reasoning) and not in
/// [`output`](Self::output). Providers disagree on what their totals include; each adapter converts once, at
/// its edge, and cost and limits are computed from these buckets only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Usage {
    /// Prompt tokens of text, read for the first time.
    pub input: u64,
    /// Prompt tokens served from the provider's prompt cache.
    pub cache_read: u64,
    /// Prompt tokens written to the provider's cache for its default period (5 minutes at Anthropic).
    pub cache_write: u64,
    /// Prompt tokens written to the provider's cache for an hour.
    pub cache_write_1h: u64,
    /// Prompt tokens of audio.
    pub input_audio: u64,
    /// Prompt tokens of images, where the provider counts them apart.
    pub input_image: u64,
    /// Answer tokens of text and tool calls.
    pub output: u64,
    /// Answer tokens of hidden or shown reasoning.
    pub reasoning: u64,
    /// Answer tokens of audio.
    pub output_audio: u64,
    /// Tokens of a predicted output that were used.
    pub accepted_prediction: u64,
    /// Tokens of a predicted output that were thrown away, and are billed all the same.
    pub rejected_prediction: u64,
    /// Searches the provider ran on its own side.
    pub web_searches: u64,
    /// Search units of a reranker, or queries of a search.
    pub queries: u64,
}

impl Usage {
    /// All prompt tokens, cached ones included.
    #[must_use]
    pub fn prompt_total(&self) -> u64 {
        [self.cache_read, self.cache_write, self.cache_write_1h, self.input_audio, self.input_image]
            .into_iter()
            .fold(self.input, u64::saturating_add)
    }

    /// All answer tokens, reasoning included.
    #[must_use]
    pub fn completion_total(&self) -> u64 {
        [self.reasoning, self.output_audio, self.accepted_prediction, self.rejected_prediction]
            .into_iter()
            .fold(self.output, u64::saturating_add)
    }

    /// Prompt and answer tokens together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.prompt_total().saturating_add(self.completion_total())
    }

    /// True when nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Takes a later report of the same answer: each bucket that the later one fills replaces the earlier
    /// figure. Streams report usage in pieces, and the last word counts.
    pub fn update(&mut self, later: &Self) {
        let pairs = [
            (&mut self.input, later.input),
            (&mut self.cache_read, later.cache_read),
            (&mut self.cache_write, later.cache_write),
            (&mut self.cache_write_1h, later.cache_write_1h),
            (&mut self.input_audio, later.input_audio),
            (&mut self.input_image, later.input_image),
            (&mut self.output, later.output),
            (&mut self.reasoning, later.reasoning),
            (&mut self.output_audio, later.output_audio),
            (&mut self.accepted_prediction, later.accepted_prediction),
            (&mut self.rejected_prediction, later.rejected_prediction),
            (&mut self.web_searches, later.web_searches),
            (&mut self.queries, later.queries),
        ];
        for (mine, theirs) in pairs {
            if theirs > 0 {
                *mine = theirs;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_the_sum_of_disjoint_buckets() {
        let usage = Usage {
            input: 10,
            cache_read: 5,
            cache_write: 2,
            cache_write_1h: 1,
            output: 7,
            reasoning: 3,
            ..Usage::default()
        };
        assert_eq!((usage.prompt_total(), usage.completion_total(), usage.total()), (18, 10, 28));
    }

    #[test]
    fn a_later_report_wins_bucket_by_bucket() {
        let mut usage = Usage { input: 10, output: 1, ..Usage::default() };
        usage.update(&Usage { output: 40, ..Usage::default() });
        assert_eq!((usage.input, usage.output), (10, 40));
    }
}
