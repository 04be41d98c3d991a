//! Deployments that the last health check found sick, unless all are.

use super::Search;
use crate::explain::Exclusion;

pub(super) fn run(search: &mut Search<'_>) {
    let Some(stale) = search.shared.policy.health_routing else { return };
    let (now, stale) = (search.now, u64::try_from(stale.as_millis()).unwrap_or(u64::MAX));
    search.prefer(Exclusion::Unhealthy, |_, member| match member.state.health() {
        Some((false, when)) => now.millis().saturating_sub(when.millis()) >= stale,
        _ => true,
    });
}
