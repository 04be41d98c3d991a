//! The deployment that served somebody before.

use super::{Search, prompt};
use crate::{
    ask::Ask,
    explain::Exclusion,
    group::{Group, Shared},
    state::PinKey,
};

/// Keeps only the deployment that the request is pinned to, if it is left. A conversation counts more than its
/// caller, and a prompt in a cache more than both.
pub(super) fn run(search: &mut Search<'_>, keys: &Keys) {
    let (state, now) = (&search.shared.state, search.now);
    for key in keys.prompt.iter().rev().chain(&keys.session).chain(&keys.caller) {
        let Some(mark) = state.pins.get(*key, now) else { continue };
        if search.members().any(|(_, member)| member.mark == mark) {
            search.keep(Exclusion::Affinity, |member| member.mark == mark);
            return;
        }
    }
}

/// Under what a request is remembered.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    pub(crate) caller: Option<PinKey>,
    pub(crate) session: Option<PinKey>,
    /// For each block up to the end of what can be cached, the last one last.
    pub(crate) prompt: Vec<PinKey>,
}

impl Keys {
    /// `None` when nobody is remembered.
    pub(crate) fn of(group: &Group, shared: &Shared, ask: &Ask<'_>) -> Option<Self> {
        let (policy, pins) = (group.remembers, &shared.state.pins);
        if !policy.is_any() || group.members.len() < 2 {
            return None;
        }
        let caller = ask.directions.and_then(|directions| directions.caller);
        let session = ask.directions.and_then(|directions| directions.session.as_deref());
        let prompt = if policy.prompt_cache { prompt::chain(ask, shortest(group)) } else { Vec::new() };
        Some(Self {
            caller: caller.filter(|_| policy.caller).map(|caller| pins.key((1, caller, &group.name))),
            session: session
                .filter(|_| policy.session)
                .map(|session| pins.key((2, caller, session, &group.name))),
            prompt: prompt.into_iter().map(|hash| pins.key((3, hash, &group.name))).collect(),
        })
    }

    /// Remembers who served the request.
    pub(crate) fn remember(&self, shared: &Shared, mark: u32) {
        let (policy, pins, now) = (&shared.policy.affinity, &shared.state.pins, shared.state.now());
        for key in self.session.iter().chain(&self.caller) {
            pins.set_first(*key, mark, policy.ttl.as_secs(), now);
        }
        if let Some(last) = self.prompt.last() {
            pins.set(*last, mark, policy.prompt_ttl.as_secs(), now);
        }
    }
}

/// The shortest prompt, in tokens, that any provider of the group keeps in a cache.
fn shortest(group: &Group) -> u64 {
    let least = |member: &std::sync::Arc<crate::group::Member>| {
        member.deployment.settings().prompt_cache_min_tokens.unwrap_or(1_024)
    };
    group.members.iter().map(least).min().unwrap_or(1_024)
}
