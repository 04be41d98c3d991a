//! Counting tokens before anybody is asked.

use std::fmt;

/// Counts the tokens of texts. It does no I/O and takes no lock that is held for long.
pub trait TokenCounter: fmt::Debug + Send + Sync {
    /// The tokens of a text, as this model would read it.
    fn count(&self, model: &str, text: &str) -> u64;

    /// Loads what counting for a model needs. It may take a moment, the first time; call it where nobody waits.
    fn prepare(&self, _model: &str) {}

    /// The tokenizer that counts for a model, such as `o200k_base`; `estimate` where the model's own is not known.
    fn tokenizer(&self, model: &str) -> &'static str;
}

/// Counts without any tokenizer: four characters are a token.
///
/// That is what OpenAI's help pages give for mixed English text and code. Other scripts have more tokens than this.
#[derive(Clone, Copy, Debug, Default)]
pub struct Estimate;

impl Estimate {
    /// What [`TokenCounter::tokenizer`] says of an estimate.
    pub const NAME: &'static str = "estimate";
    const CHARACTERS_PER_TOKEN: u64 = 4;
}

impl TokenCounter for Estimate {
    fn count(&self, _: &str, text: &str) -> u64 {
        (text.chars().count() as u64).div_ceil(Self::CHARACTERS_PER_TOKEN)
    }

    fn tokenizer(&self, _: &str) -> &'static str {
        Self::NAME
    }
}
