//! Deployments whose provider, or which themselves, have spent their budget; and tags that have.

use std::sync::atomic::Ordering;

use llmux_core::Error;

use super::Search;
use crate::{
    explain::Exclusion,
    group::{Member, Purse},
    refusal,
};

pub(super) fn run(search: &mut Search<'_>) -> Result<(), Error> {
    let (now, state) = (search.now, &search.shared.state);
    if !state.budget_reached.load(Ordering::Relaxed) {
        return Ok(());
    }
    let empty = |purse: &&Purse| purse.spend.total(now) >= purse.budget.limit;
    let tags = search.ask.directions.map_or(&[][..], |directions| &directions.tags);
    let of_tags = tags.iter().filter_map(|tag| search.shared.tag_budgets.get(tag));
    let mut spent: Vec<&Purse> = of_tags.filter(empty).collect();
    if spent.is_empty() {
        let before = search.left.clone();
        search.keep(Exclusion::Budget, |member: &Member| !member.purses.iter().any(|purse| empty(&purse)));
        if !search.left.is_empty() {
            return Ok(());
        }
        let members = before.iter().filter_map(|at| search.group.members.get(at));
        spent.extend(members.flat_map(|member| &member.purses).filter(empty));
    } else {
        search.keep(Exclusion::Budget, |_| false);
    }
    Err(refusal::budgets(search, &spent))
}
