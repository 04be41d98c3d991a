//! Tokenizers of LLMux: counting tokens as the model would.
//!
//! The vocabularies of public tokenizers are part of the program, packed. One is unpacked when something is counted
//! with it for the first time, which takes a fifth of a second and some tens of megabytes; it stays. Models whose
//! tokenizer is not public are counted by [`Estimate`].
//!
//! ```
//! use llmux_core::TokenCounter;
//! use llmux_tokens::Tokenizers;
//!
//! assert_eq!(Tokenizers.count("gpt-4o", "Hello there, how are you?"), 7);
//! assert_eq!(Tokenizers.tokenizer("claude-sonnet-4-5"), "estimate");
//! ```

use llmux_core::{Estimate, TokenCounter};
use tiktoken::CoreBpe;

/// Counts by the model's own tokenizer where it is public, and estimates otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokenizers;

/// The longest piece of text that is counted in one go: tokenizers take much longer for one word of many megabytes.
const LONGEST: usize = 4 << 20;

/// What names of models begin with, without the organization before them, and their tokenizer. The first that fits
/// counts.
const MODELS: &[(&str, &str)] = &[
    ("gpt-3.5", "cl100k_base"),
    ("gpt-35", "cl100k_base"),
    ("gpt-4-", "cl100k_base"),
    ("text-embedding-", "cl100k_base"),
    ("gpt-oss", "o200k_base"),
    ("gpt-", "o200k_base"),
    ("chatgpt-", "o200k_base"),
    ("o1", "o200k_base"),
    ("o3", "o200k_base"),
    ("o4", "o200k_base"),
    ("codex-", "o200k_base"),
    ("llama-3", "llama3"),
    ("llama3", "llama3"),
    ("meta-llama-3", "llama3"),
    ("mistral", "mistral_v3"),
    ("mixtral", "mistral_v3"),
    ("qwen2", "qwen2"),
    ("qwen-2", "qwen2"),
    ("qwen3", "qwen2"),
    ("qwen-3", "qwen2"),
    ("qwq", "qwen2"),
    ("deepseek-r1-distill", Estimate::NAME),
    ("deepseek-v3", "deepseek_v3"),
    ("deepseek-r1", "deepseek_v3"),
    ("deepseek", "deepseek_v4"),
];

/// The tokenizer of a model; `None` where it is not public or not known.
fn encoding(model: &str) -> Option<&'static str> {
    // `accounts/fireworks/models/x`, `openai/x`, `meta.llama3-8b-instruct-v1:0`.
    let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
    let name = name.strip_prefix("ft:").unwrap_or(&name);
    let bare = ["us.", "eu.", "apac.", "global.", "meta.", "mistral.", "deepseek.", "openai.", "qwen."];
    let mut name = name;
    while let Some(rest) = bare.iter().find_map(|prefix| name.strip_prefix(prefix)) {
        name = rest;
    }
    if name == "gpt-4" {
        return Some("cl100k_base");
    }
    let (_, encoding) = MODELS.iter().find(|(start, _)| name.starts_with(start))?;
    (*encoding != Estimate::NAME).then_some(*encoding)
}

fn tokenizer(model: &str) -> Option<&'static CoreBpe> {
    encoding(model).and_then(tiktoken::get_encoding)
}

impl TokenCounter for Tokenizers {
    fn count(&self, model: &str, text: &str) -> u64 {
        match tokenizer(model) {
            Some(tokenizer) if text.len() <= LONGEST => tokenizer.count(text) as u64,
            _ => Estimate.count(model, text),
        }
    }

    fn tokenizer(&self, model: &str) -> &'static str {
        encoding(model).unwrap_or(Estimate::NAME)
    }

    fn prepare(&self, model: &str) {
        let _ = tokenizer(model);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_known_under_the_names_of_their_hosts() {
        for (model, name) in [
            ("gpt-4o-2024-08-06", "o200k_base"),
            ("gpt-4", "cl100k_base"),
            ("gpt-4-turbo", "cl100k_base"),
            ("gpt-4.1", "o200k_base"),
            ("gpt-5.4", "o200k_base"),
            ("openai/gpt-oss-120b", "o200k_base"),
            ("ft:gpt-4o-mini:me::x", "o200k_base"),
            ("text-embedding-3-small", "cl100k_base"),
            ("accounts/fireworks/models/deepseek-r1-0528", "deepseek_v3"),
            ("deepseek-chat", "deepseek_v4"),
            ("us.meta.llama3-3-70b-instruct-v1:0", "llama3"),
            ("meta-llama/Llama-3.3-70B-Instruct-Turbo", "llama3"),
            ("Qwen/Qwen3-235B", "qwen2"),
            ("mistral-large-latest", "mistral_v3"),
            ("claude-sonnet-4-5", "estimate"),
            ("gemini-2.5-pro", "estimate"),
            ("deepseek-r1-distill-llama-70b", "estimate"),
            ("", "estimate"),
        ] {
            assert_eq!(Tokenizers.tokenizer(model), name, "{model}");
        }
    }

    #[test]
    fn every_tokenizer_of_the_table_is_there() {
        for (_, name) in MODELS.iter().filter(|(_, name)| *name != Estimate::NAME) {
            assert!(tiktoken::get_encoding(name).is_some(), "{name}");
        }
    }

    #[test]
    fn published_counts_are_met() {
        // OpenAI's cookbook on counting tokens gives these for "antidisestablishmentarianism", "2 + 2 = 4" and
        // "お誕生日おめでとう".
        for (text, cl100k, o200k) in
            [("antidisestablishmentarianism", 6, 6), ("2 + 2 = 4", 7, 7), ("お誕生日おめでとう", 9, 8)]
        {
            assert_eq!(Tokenizers.count("gpt-4", text), cl100k, "{text}");
            assert_eq!(Tokenizers.count("gpt-4o", text), o200k, "{text}");
        }
        assert_eq!(Tokenizers.count("gpt-4o", ""), 0);
    }

    #[test]
    fn what_looks_like_a_special_token_is_text() {
        assert!(Tokenizers.count("gpt-4o", "<|endoftext|>") > 1);
    }
}
