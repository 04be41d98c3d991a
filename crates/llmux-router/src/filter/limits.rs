//! Deployments at their requests or tokens per minute.

use llmux_core::{Error, LimitUse, Moment};

use super::Search;
use crate::{explain::Exclusion, group::Member, refusal, state::Claim};

pub(super) fn run(search: &mut Search<'_>) -> Result<(), Error> {
    if search.group.limits() == LimitUse::Ignore {
        return Ok(());
    }
    let (now, known) = (search.now, &search.group.known);
    // A rough figure is enough: the real one is counted when the answer is there.
    let prompt = if known.tokens_limited { search.most() / 4 } else { 0 };
    let claim = known.split_limited.then(|| Claim::new(search.ask, search.most()));
    search.keep(Exclusion::Limit, |member| {
        let split = &member.state.split;
        has_room(member, now, prompt) && claim.is_none_or(|claim| split.has_room(&member.figures, claim, now))
    });
    if search.left.is_empty() { Err(refusal::limits(search)) } else { Ok(()) }
}

/// Whether a request with so many tokens still fits into this minute.
fn has_room(member: &Member, now: Moment, prompt: u64) -> bool {
    let (figures, stats) = (&member.figures, &member.state.stats);
    let requests = figures.rpm.is_none_or(|limit| stats.requests().count(now) < limit);
    requests && figures.tpm.is_none_or(|limit| stats.tokens().count(now).saturating_add(prompt) <= limit)
}
