//! Deployments that the last health check found sick, unless all are.

use super::Search;
use crate::explain::Exclusion;

pub(super) fn run(search: &mut Search<'_>) {
    let Some(stale) = search.shared.policy.health_routing else { return };
    let now = search.now;
    search.prefer_plain_or(Exclusion::Unhealthy, |member| match member.state.health() {
        Some((false, when)) => {
            // One that is asked less often than others is not taken for well in between.
            let own = member.deployment.settings().health_check.interval;
            let stale = own.map_or(stale, |own| stale.max(own.saturating_mul(2)));
            u128::from(now.millis().saturating_sub(when.millis())) >= stale.as_millis()
        }
        _ => true,
    });
}
