//! What a model costs, in `litellm_params` and `model_info` alike.

use super::Key;
use super::Shape::{Any, Object};

/// Prices in US dollars for one unit each, and prices that are more than a number.
pub(super) const KEYS: &[Key] = &[
    Key::price("input_cost_per_token", "Price of a prompt token."),
    Key::price("cache_read_input_token_cost", "Price of a prompt token from the provider's cache.")
        .alias(&["input_cost_per_token_cache_hit"]),
    Key::price("cache_creation_input_token_cost", "Price of a prompt token written to the cache."),
    Key::price(
        "cache_creation_input_token_cost_above_1hr",
        "Price of a prompt token written to the cache for an hour.",
    ),
    Key::price("input_cost_per_audio_token", "Price of a prompt token of audio."),
    Key::price("cache_read_input_audio_token_cost", "Price of a prompt token of audio from the cache."),
    Key::price("input_cost_per_image_token", "Price of a prompt token of an image."),
    Key::price("output_cost_per_token", "Price of an answer token."),
    Key::price("output_cost_per_reasoning_token", "Price of an answer token of reasoning."),
    Key::price("output_cost_per_audio_token", "Price of an answer token of audio."),
    Key::price("output_cost_per_image_token", "Price of an answer token of an image."),
    Key::price("input_cost_per_character", "Price of a character that is read."),
    Key::price("output_cost_per_character", "Price of a character that is written."),
    Key::price(
        "input_cost_per_second",
        "Price of a second of audio that is read; for chats, of the machine.",
    )
    .alias(&["input_cost_per_audio_per_second"]),
    Key::price(
        "output_cost_per_second",
        "Price of a second of audio or video that is made; for chats, of the machine.",
    )
    .alias(&["output_cost_per_video_per_second", "output_cost_per_audio_per_second"]),
    Key::price("input_cost_per_image", "Price of an image that is read."),
    Key::price("output_cost_per_image", "Price of an image that is made."),
    Key::price("input_cost_per_pixel", "Price of a pixel that is read."),
    Key::price("output_cost_per_pixel", "Price of a pixel that is made."),
    Key::price("input_cost_per_query", "Price of a query, or of a reranker's search unit."),
    Key::price("ocr_cost_per_page", "Price of a page."),
    Key::price("cost_per_second", "Price of a second of the machine."),
    Key::price("cost_per_request", "Price of a request, whatever is in it."),
    Key::gathered("tiered_pricing", Any, "pricing", "Prices by ranges of the prompt's length."),
    Key::gathered(
        "search_context_cost_per_query",
        Object,
        "pricing",
        "Prices of a web search: `search_context_size_low`, `…_medium`, `…_high`.",
    ),
];

/// Prices without effect as yet.
pub(super) const NOT_YET: &[&str] = &[
    "input_cost_per_video_*",
    "output_cost_per_video_token",
    "output_cost_per_second_480p",
    "output_cost_per_second_720p",
    "output_cost_per_second_768p",
    "output_cost_per_second_1080p",
    "output_cost_per_second_2k",
    "output_cost_per_second_4k",
    "output_cost_per_image_512",
    "output_cost_per_image_1024",
    "output_cost_per_image_1536",
    "cache_read_input_image_token_cost",
    "citation_cost_per_token",
    "ocr_cost_per_credit",
    "annotation_cost_per_page",
    "google_maps_grounding_cost_per_query",
    "regional_*",
    "off_peak_pricing",
];

/// Whether this may follow the name of a price: a threshold of the prompt's length, then a class of service.
pub(super) fn is_ending(text: &str) -> bool {
    let rest = match text.strip_prefix("_above_").map(|above| above.split_once("k_tokens")) {
        Some(Some((count, rest))) if count.parse::<u32>().is_ok() => rest,
        Some(_) => return false,
        None => text,
    };
    rest.is_empty() || SERVICES.contains(&rest)
}

const SERVICES: &[&str] = &["_batches", "_flex", "_priority", "_balanced", "_ultrafast"];

/// [`is_ending`] as a regular expression, for the schema; never empty.
pub(crate) const ENDING: &str = "(_above_[0-9]+k_tokens(_batches|_flex|_priority|_balanced|_ultrafast)?|_batches|_flex|_priority|_balanced|_ultrafast)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_may_have_a_threshold_and_a_class_of_service() {
        for text in ["", "_above_272k_tokens", "_flex", "_above_128k_tokens_priority"] {
            assert!(is_ending(text), "{text}");
        }
        for text in ["_above_k_tokens", "s", "_priority_above_272k_tokens", "_above_1hr", "_flexible"] {
            assert!(!is_ending(text), "{text}");
        }
    }

    #[test]
    fn prices_are_money() {
        for key in KEYS.iter().filter(|key| matches!(key.shape(), Some(super::super::Shape::Price))) {
            assert!(key.takes_endings, "{}", key.name);
        }
    }
}
