//! What a request consumed, in buckets that never overlap.

use serde::{Deserialize, Serialize};

/// Tokens and units of one answer.
///
/// The buckets of tokens are disjoint: a cached prompt token is in [`cache_read`](Self::cache_read) and not in
/// [`input`](Self::input), a reasoning token is in [`reasoning`](Self::reasoning) and not in
/// [`output`](Self::output). Providers disagree on what their totals include; each adapter converts once, at
/// its edge, and cost and limits are computed from these buckets only.
///
/// The other units (characters, seconds, images, pixels, queries, pages) measure what some models are sold by. They
/// are no tokens, enter no total, and are filled only where the provider bills them.
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
    /// Prompt tokens of audio served from the provider's prompt cache, where it counts them apart.
    pub cache_read_audio: u64,
    /// Answer tokens of text and tool calls.
    pub output: u64,
    /// Answer tokens of hidden or shown reasoning.
    pub reasoning: u64,
    /// Answer tokens of audio.
    pub output_audio: u64,
    /// Answer tokens of images.
    pub output_image: u64,
    /// Tokens of a predicted output that were used.
    pub accepted_prediction: u64,
    /// Tokens of a predicted output that were thrown away, and are billed all the same.
    pub rejected_prediction: u64,
    /// Searches the provider ran on its own side.
    pub web_searches: u64,
    /// Characters that were read: what speech is made of.
    pub input_characters: u64,
    /// Characters that were written.
    pub output_characters: u64,
    /// Milliseconds of audio or video that were read.
    pub input_millis: u64,
    /// Milliseconds of audio or video that were made.
    pub output_millis: u64,
    /// Images that were read, where they are billed by the piece.
    pub input_images: u64,
    /// Images that were made, where they are billed by the piece.
    pub output_images: u64,
    /// Pixels of the images that were read, where they are billed by size.
    pub input_pixels: u64,
    /// Pixels of the images that were made, where they are billed by size.
    pub output_pixels: u64,
    /// Search units of a reranker, or queries of a search.
    pub queries: u64,
    /// Pages that were read, as by text recognition.
    pub pages: u64,
}

impl Usage {
    /// All prompt tokens, cached ones included.
    #[must_use]
    pub fn prompt_total(&self) -> u64 {
        [self.cached(), self.cache_write, self.cache_write_1h, self.input_audio, self.input_image]
            .into_iter()
            .fold(self.input, u64::saturating_add)
    }

    /// All prompt tokens that the provider's cache served.
    #[must_use]
    pub fn cached(&self) -> u64 {
        self.cache_read.saturating_add(self.cache_read_audio)
    }

    /// All answer tokens, reasoning included.
    #[must_use]
    pub fn completion_total(&self) -> u64 {
        let parts = [
            self.reasoning,
            self.output_audio,
            self.output_image,
            self.accepted_prediction,
            self.rejected_prediction,
        ];
        parts.into_iter().fold(self.output, u64::saturating_add)
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
            (&mut self.cache_read_audio, later.cache_read_audio),
            (&mut self.output, later.output),
            (&mut self.reasoning, later.reasoning),
            (&mut self.output_audio, later.output_audio),
            (&mut self.output_image, later.output_image),
            (&mut self.accepted_prediction, later.accepted_prediction),
            (&mut self.rejected_prediction, later.rejected_prediction),
            (&mut self.web_searches, later.web_searches),
            (&mut self.input_characters, later.input_characters),
            (&mut self.output_characters, later.output_characters),
            (&mut self.input_millis, later.input_millis),
            (&mut self.output_millis, later.output_millis),
            (&mut self.input_images, later.input_images),
            (&mut self.output_images, later.output_images),
            (&mut self.input_pixels, later.input_pixels),
            (&mut self.output_pixels, later.output_pixels),
            (&mut self.queries, later.queries),
            (&mut self.pages, later.pages),
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
