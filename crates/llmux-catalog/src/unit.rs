//! What is counted and priced, and the names that prices go by.

use std::fmt;

use llmux_core::ServiceTier;

/// What a price is for one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Unit {
    /// A prompt token of text.
    Input,
    /// A prompt token from the cache.
    CacheRead,
    /// A prompt token written to the cache for five minutes.
    CacheWrite,
    /// A prompt token written to the cache for an hour.
    CacheWrite1h,
    /// A prompt token of audio.
    InputAudio,
    /// A prompt token of audio from the cache.
    CacheReadAudio,
    /// A prompt token of an image.
    InputImage,
    /// An answer token of text.
    Output,
    /// An answer token of reasoning.
    Reasoning,
    /// An answer token of audio.
    OutputAudio,
    /// An answer token of an image.
    OutputImage,
    /// A character that is read.
    InputCharacter,
    /// A character that is written.
    OutputCharacter,
    /// A second of audio or video that is read.
    InputSecond,
    /// A second of audio or video that is made.
    OutputSecond,
    /// An image that is read.
    InputPicture,
    /// An image that is made.
    OutputPicture,
    /// A pixel that is read.
    InputPixel,
    /// A pixel that is made.
    OutputPixel,
    /// A query, or a reranker's search unit.
    Query,
    /// A page.
    Page,
    /// A web search that reads little.
    SearchLow,
    /// A web search as providers do it when nobody says.
    SearchMedium,
    /// A web search that reads much.
    SearchHigh,
    /// A second of the machine.
    Second,
    /// A request.
    Request,
}

/// A unit, its name in the catalogue's own files, and LiteLLM's keys of its price; the first is the usual one.
struct Name(Unit, &'static str, &'static [&'static str]);

const NAMES: &[Name] = &[
    Name(Unit::Input, "input", &["input_cost_per_token"]),
    Name(Unit::CacheRead, "cache_read", &["cache_read_input_token_cost", "input_cost_per_token_cache_hit"]),
    Name(Unit::CacheWrite, "cache_write", &["cache_creation_input_token_cost"]),
    Name(Unit::CacheWrite1h, "cache_write_1h", &["cache_creation_input_token_cost_above_1hr"]),
    Name(Unit::InputAudio, "audio_in", &["input_cost_per_audio_token"]),
    Name(Unit::CacheReadAudio, "audio_cached", &["cache_read_input_audio_token_cost"]),
    Name(Unit::InputImage, "image_in", &["input_cost_per_image_token"]),
    Name(Unit::Output, "output", &["output_cost_per_token"]),
    Name(Unit::Reasoning, "reasoning", &["output_cost_per_reasoning_token"]),
    Name(Unit::OutputAudio, "audio_out", &["output_cost_per_audio_token"]),
    Name(Unit::OutputImage, "image_out", &["output_cost_per_image_token"]),
    Name(Unit::InputCharacter, "char_in", &["input_cost_per_character"]),
    Name(Unit::OutputCharacter, "char_out", &["output_cost_per_character"]),
    Name(Unit::InputSecond, "second_in", &["input_cost_per_second", "input_cost_per_audio_per_second"]),
    Name(
        Unit::OutputSecond,
        "second_out",
        &["output_cost_per_second", "output_cost_per_video_per_second", "output_cost_per_audio_per_second"],
    ),
    Name(Unit::InputPicture, "picture_in", &["input_cost_per_image"]),
    Name(Unit::OutputPicture, "picture_out", &["output_cost_per_image"]),
    Name(Unit::InputPixel, "pixel_in", &["input_cost_per_pixel"]),
    Name(Unit::OutputPixel, "pixel_out", &["output_cost_per_pixel"]),
    Name(Unit::Query, "query", &["input_cost_per_query"]),
    Name(Unit::Page, "page", &["ocr_cost_per_page"]),
    Name(Unit::SearchLow, "search_low", &["search_context_size_low"]),
    Name(Unit::SearchMedium, "search", &["search_context_size_medium"]),
    Name(Unit::SearchHigh, "search_high", &["search_context_size_high"]),
    Name(Unit::Second, "second", &["cost_per_second"]),
    Name(Unit::Request, "request", &["cost_per_request"]),
];

/// Classes of service, their names in the catalogue's own files, and what LiteLLM's keys end in.
const SERVICES: &[(ServiceTier, &str, &str)] = &[
    (ServiceTier::Batch, "batch", "_batches"),
    (ServiceTier::Flex, "flex", "_flex"),
    (ServiceTier::Priority, "priority", "_priority"),
    (ServiceTier::Balanced, "balanced", "_balanced"),
    (ServiceTier::Ultrafast, "ultrafast", "_ultrafast"),
];

impl Unit {
    /// The unit whose price stands in when this one has none.
    pub(crate) fn stand_in(self) -> Option<Self> {
        match self {
            Self::CacheWrite1h => Some(Self::CacheWrite),
            Self::CacheReadAudio => Some(Self::CacheRead),
            Self::CacheRead | Self::CacheWrite | Self::InputAudio | Self::InputImage => Some(Self::Input),
            Self::Reasoning | Self::OutputAudio | Self::OutputImage => Some(Self::Output),
            Self::SearchLow | Self::SearchHigh => Some(Self::SearchMedium),
            _ => None,
        }
    }

    /// Whether it is a token.
    pub(crate) fn is_token(self) -> bool {
        self <= Self::OutputImage
    }

    /// Whether its price stands in for this other one, directly or not.
    pub(crate) fn stands_in_for(self, other: Self) -> bool {
        other.stand_in().is_some_and(|unit| unit == self || self.stands_in_for(unit))
    }

    fn name(self) -> Option<&'static Name> {
        NAMES.iter().find(|name| name.0 == self)
    }
}

/// What a price applies to: a unit, in a class of service, of a prompt of more than so many tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Key {
    /// The unit.
    pub unit: Unit,
    /// The price holds for requests whose prompt has more tokens than this; for all if zero.
    pub above: u64,
    /// The class of service.
    pub service: ServiceTier,
}

impl Key {
    /// The ordinary price of a unit.
    #[must_use]
    pub fn of(unit: Unit) -> Self {
        Self { unit, above: 0, service: ServiceTier::Standard }
    }

    /// The price of longer prompts.
    #[must_use]
    pub fn above(mut self, tokens: u64) -> Self {
        self.above = tokens;
        self
    }

    /// The price in a class of service.
    #[must_use]
    pub fn in_service(mut self, service: ServiceTier) -> Self {
        self.service = service;
        self
    }

    /// Reads one of LiteLLM's keys, such as `input_cost_per_token_above_272k_tokens_priority`; `None` if it is no
    /// price, or one of a kind that is not known here.
    #[must_use]
    pub fn from_litellm(text: &str) -> Option<Self> {
        let all = NAMES.iter().flat_map(|name| name.2.iter().map(move |key| (name.0, *key)));
        let known = all.filter_map(|(unit, key)| Some((unit, key, text.strip_prefix(key)?)));
        // The longest name that fits: `…_above_1hr` is a unit of its own, not a threshold.
        let (unit, _, rest) = known.max_by_key(|(_, key, _)| key.len())?;
        Self::of(unit).with_endings(rest)
    }

    fn with_endings(mut self, mut rest: &str) -> Option<Self> {
        if let Some(above) = rest.strip_prefix("_above_") {
            let (count, after) = above.split_once("k_tokens")?;
            self.above = count.parse::<u64>().ok()?.checked_mul(1000)?;
            rest = after;
        }
        if let Some((service, ..)) = SERVICES.iter().find(|(.., ending)| *ending == rest) {
            self.service = *service;
            rest = "";
        }
        rest.is_empty().then_some(self)
    }

    /// LiteLLM's key.
    #[must_use]
    pub fn to_litellm(self) -> String {
        let name = self.unit.name().and_then(|name| name.2.first()).copied().unwrap_or_default();
        let above = match self.above {
            0 => String::new(),
            tokens => format!("_above_{}k_tokens", tokens / 1000),
        };
        let service = SERVICES.iter().find(|(service, ..)| *service == self.service);
        format!("{name}{above}{}", service.map_or("", |(.., ending)| ending))
    }

    /// Reads a key of the catalogue's own files, such as `input>272k@priority`.
    pub(crate) fn from_own(text: &str) -> Option<Self> {
        let (text, service) = match text.split_once('@') {
            Some((text, word)) => (text, SERVICES.iter().find(|(_, name, _)| *name == word)?.0),
            None => (text, ServiceTier::Standard),
        };
        let (name, above) = match text.split_once('>') {
            Some((name, above)) => (name, above.strip_suffix('k')?.parse::<u64>().ok()?.checked_mul(1000)?),
            None => (text, 0),
        };
        let unit = NAMES.iter().find(|known| known.1 == name)?.0;
        Some(Self { unit, above, service })
    }
}

impl fmt::Display for Key {
    /// As the catalogue's own files have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.unit.name().map_or("", |name| name.1))?;
        if self.above > 0 {
            write!(f, ">{}k", self.above / 1000)?;
        }
        match SERVICES.iter().find(|(service, ..)| *service == self.service) {
            Some((_, name, _)) => write!(f, "@{name}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn litellms_keys_are_taken_apart_and_put_together() {
        for text in [
            "input_cost_per_token",
            "input_cost_per_token_above_272k_tokens_priority",
            "cache_creation_input_token_cost_above_1hr",
            "cache_creation_input_token_cost_above_1hr_above_200k_tokens",
            "cache_creation_input_token_cost_above_200k_tokens",
            "output_cost_per_image_token",
            "output_cost_per_image",
            "output_cost_per_token_batches",
            "ocr_cost_per_page_batches",
            "cost_per_second",
        ] {
            assert_eq!(Key::from_litellm(text).map(Key::to_litellm).as_deref(), Some(text));
        }
        let hour = Key::from_litellm("cache_creation_input_token_cost_above_1hr").unwrap();
        assert_eq!(hour, Key::of(Unit::CacheWrite1h));
        assert_eq!(Key::from_litellm("input_cost_per_token_cache_hit"), Some(Key::of(Unit::CacheRead)));
    }

    #[test]
    fn what_is_no_price_is_no_key() {
        for text in ["max_tokens", "input_cost_per_tokens", "output_cost_per_second_720p", "input_cost_per_"]
        {
            assert_eq!(Key::from_litellm(text), None, "{text}");
        }
    }

    #[test]
    fn every_key_is_read_back_as_it_is_written() {
        for name in NAMES {
            for (service, ..) in SERVICES {
                for above in [0, 200_000] {
                    let key = Key::of(name.0).above(above).in_service(*service);
                    assert_eq!(Key::from_own(&key.to_string()), Some(key));
                    assert_eq!(Key::from_litellm(&key.to_litellm()), Some(key));
                }
            }
        }
        assert_eq!(Key::from_own("input>272k@priority").unwrap().to_string(), "input>272k@priority");
        assert_eq!(Key::from_own("input>x"), None);
    }
}
