//! Deployments whose context window the prompt does not fit.

use std::cell::RefCell;

use llmux_core::Error;
use smallvec::SmallVec;

use super::Search;
use crate::{ask::Ask, explain::Exclusion, group::Shared, refusal, tokens};

pub(super) fn run(search: &mut Search<'_>) -> Result<(), Error> {
    let ask = search.ask;
    // Mostly this is all: what has fewer bytes has fewer tokens.
    if search.group.known.smallest_window.is_none_or(|smallest| search.most() <= smallest) {
        return Ok(());
    }
    let (most, shared) = (search.most(), search.shared);
    let counted = RefCell::new(Counted::default());
    search.keep(Exclusion::ContextWindow, |member| {
        let (deployment, window) = (&member.deployment, member.deployment.settings().max_input_tokens);
        window.is_none_or(|window| {
            most <= window
                || counted.borrow_mut().tokens(&deployment.model_for(ask.model), ask, shared) <= window
        })
    });
    if search.left.is_empty() { Err(refusal::window(search, counted.borrow().least())) } else { Ok(()) }
}

/// The tokens of a prompt by the models that would read them, each counted once.
#[derive(Default)]
struct Counted(SmallVec<[(String, u64); 2]>);

impl Counted {
    fn tokens(&mut self, model: &str, ask: &Ask<'_>, shared: &Shared) -> u64 {
        if let Some((_, tokens)) = self.0.iter().find(|(known, _)| known == model) {
            return *tokens;
        }
        let tokens = match &shared.policy.token_counter {
            Some(counter) => tokens::count(&**counter, model, ask.body, ask.envelope),
            None => tokens::estimate(ask.body, ask.envelope),
        };
        self.0.push((model.to_owned(), tokens));
        tokens
    }

    /// By the model that needs the fewest.
    fn least(&self) -> u64 {
        self.0.iter().map(|(_, tokens)| *tokens).min().unwrap_or_default()
    }
}
