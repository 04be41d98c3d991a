//! Deployments whose context window the prompt does not fit.

use llmux_core::Error;

use super::Search;
use crate::{explain::Exclusion, refusal, tokens};

pub(super) fn run(search: &mut Search<'_>) -> Result<(), Error> {
    let ask = search.ask;
    // Mostly this is all: what has fewer bytes has fewer tokens.
    if search.group.known.smallest_window.is_none_or(|smallest| search.most() <= smallest) {
        return Ok(());
    }
    let tokens = match &search.shared.policy.token_counter {
        Some(counter) => tokens::count(&**counter, ask.model, ask.body, ask.envelope),
        None => tokens::estimate(ask.body, ask.envelope),
    };
    search.keep(Exclusion::ContextWindow, |member| {
        member.deployment.settings().max_input_tokens.is_none_or(|window| tokens <= window)
    });
    if search.left.is_empty() { Err(refusal::window(search, tokens)) } else { Ok(()) }
}
