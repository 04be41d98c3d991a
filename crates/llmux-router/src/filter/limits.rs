//! Deployments at their requests or tokens per minute.

use llmux_core::{Error, LimitUse, Moment};

use super::Search;
use crate::{explain::Exclusion, group::Member, refusal, state::Claim, tokens};

pub(super) fn run(search: &mut Search<'_>) -> Result<(), Error> {
    if search.group.limits() == LimitUse::Ignore {
        return Ok(());
    }
    let (now, ask) = (search.now, search.ask);
    let limited = search.members().any(|(_, member)| member.deployment.settings().tpm.is_some());
    // A rough figure is enough: the real one is counted when the answer is there.
    let prompt = if limited { tokens::most(ask.body, ask.envelope) / 4 } else { 0 };
    let apart = |member: &Member| {
        let settings = member.deployment.settings();
        settings.itpm.is_some() || settings.otpm.is_some()
    };
    let claim = search.members().any(|(_, member)| apart(member)).then(|| Claim::of(ask));
    search.keep(Exclusion::Limit, |member| {
        let split = &member.state.split;
        has_room(member, now, prompt)
            && claim.is_none_or(|claim| split.has_room(member.deployment.settings(), claim, now))
    });
    if search.left.is_empty() { Err(refusal::limits(search)) } else { Ok(()) }
}

/// Whether a request with so many tokens still fits into this minute.
fn has_room(member: &Member, now: Moment, prompt: u64) -> bool {
    let (settings, stats) = (member.deployment.settings(), &member.state.stats);
    let requests = settings.rpm.is_none_or(|limit| stats.requests().count(now) < limit);
    requests && settings.tpm.is_none_or(|limit| stats.tokens().count(now).saturating_add(prompt) <= limit)
}
