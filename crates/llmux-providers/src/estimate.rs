//! Counting tokens where the provider has no way to ask for it.

use llmux_core::{Call, Estimate, Exchange, Result, TokenCounter};
use llmux_wire::chat::tokens;

use crate::speak;

/// Answers a request to count tokens with what the model's tokenizer counts, or an estimate without one.
pub(crate) fn answer(call: &Call<'_>, counter: Option<&dyn TokenCounter>) -> Result<Exchange> {
    let request = speak::read_count(call)?;
    let tokens = tokens::count(&request, call.model, counter.unwrap_or(&Estimate));
    Ok(speak::counted(call.dialect, tokens))
}
