//! Limits that replicas keep together.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use llmux_core::{DeploymentId, Moment, SharedState};

use super::{ReplicationOptions, SharedLimits, Wanted};
use crate::{
    group::Member,
    state::{DeploymentState, Lease, RouterState},
};

/// How often the store is asked what others have used of a limit, in milliseconds.
const REFRESH: u64 = 200;

/// What is shared, and how.
pub(crate) struct Sharing {
    pub(super) store: Arc<dyn SharedState>,
    pub(super) options: ReplicationOptions,
    /// Replicas that were heard lately, this one included.
    replicas: AtomicU64,
    lost: AtomicBool,
    /// Whether every other replica has had the time to be heard.
    settled: AtomicBool,
    /// Wakes the background when leases run out.
    pub(super) wanted: Wanted,
}

impl Sharing {
    pub(super) fn new(store: Arc<dyn SharedState>, options: ReplicationOptions) -> Self {
        let (replicas, lost) = (AtomicU64::new(1), AtomicBool::new(true));
        let settled = AtomicBool::new(false);
        Self { store, options, replicas, lost, settled, wanted: Wanted::default() }
    }

    pub(super) fn set_replicas(&self, count: u64) {
        self.replicas.store(count.max(1), Ordering::Relaxed);
    }

    fn replicas(&self) -> u64 {
        self.replicas.load(Ordering::Relaxed)
    }

    pub(super) fn set_lost(&self, lost: bool) {
        self.lost.store(lost, Ordering::Relaxed);
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn settle(&self) {
        self.settled.store(true, Ordering::Relaxed);
    }

    /// What a replica takes of a limit without asking first: its part of the overshoot, one at least. One only, as
    /// long as it does not know how many others there are.
    fn credit(&self, limit: u64) -> u64 {
        if !self.settled.load(Ordering::Relaxed) {
            return limit.min(1);
        }
        let overshoot = (limit as f64 * self.options.overshoot.clamp(0.0, 1.0)) as u64;
        (overshoot / self.replicas()).max(1).min(limit)
    }

    /// Asks for more before a lease runs out, and learns what others use.
    pub(super) async fn refill(&self, id: &DeploymentId, deployment: &DeploymentState, now: Moment) {
        let lease = &deployment.lease;
        let (Some(limit), Some(slice)) = (lease.limit(), lease.live(now)) else { return };
        if self.is_lost() {
            slice.note(deployment.stats.requests().count(now), now);
        }
        let mut count = slice.count();
        let credit = self.credit(limit);
        let low = slice.rest() <= credit / 2 && slice.known() < limit;
        if self.options.limits == SharedLimits::Leased && low {
            // Whoever uses much gets more at once, but never more than its part.
            let part = limit.div_ceil(self.replicas());
            count = count.with_partial_wish(credit.max(slice.used() / 4).min(part).max(1), limit);
        } else if !slice.is_untold() && !lease.is_due(now, REFRESH) {
            return;
        }
        if let Ok(counted) = self.store.count(id.as_str(), &[count]).await
            && let [counted] = counted.as_slice()
        {
            lease.learn(counted, now);
        }
    }
}

impl RouterState {
    /// Whether routers keep their limits together with other replicas.
    pub(crate) fn shares_limits(&self) -> bool {
        self.sharing.get().is_some_and(|sharing| sharing.options.limits != SharedLimits::Local)
    }

    /// Whether a request that was counted here fits into the limit of all replicas; then it is counted there.
    pub(crate) async fn admits(&self, member: &Member, now: Moment) -> bool {
        let lease = &member.state.lease;
        let (Some(sharing), Some(limit)) = (self.sharing.get(), member.deployment.settings().rpm) else {
            return true;
        };
        let admitted = match sharing.options.limits {
            SharedLimits::Exact => exactly(sharing, lease, member.deployment.id(), limit, now).await,
            SharedLimits::Leased => leased(sharing, lease, limit, now),
            SharedLimits::Local => return true,
        };
        admitted.unwrap_or_else(|| {
            let counted = member.state.stats.requests().count(now).saturating_sub(1);
            let slice = lease.current(now, 0);
            !sharing.options.fail_closed && slice.take_spare(limit, counted, sharing.replicas())
        })
    }
}

/// Asks the store; `None` when it does not answer.
async fn exactly(
    sharing: &Sharing,
    lease: &Lease,
    id: &DeploymentId,
    limit: u64,
    now: Moment,
) -> Option<bool> {
    let slice = lease.current(now, 0);
    // Nothing is given back before the minute is over.
    if slice.known() >= limit {
        return Some(false);
    }
    let answer = sharing.store.count(id.as_str(), &[slice.count().with_wish(1, limit)]).await.ok()?;
    let [counted] = answer.as_slice() else { return None };
    lease.learn(counted, now);
    Some(counted.granted > 0)
}

/// Takes from what was leased; `None` when nothing is left and nobody can be asked.
fn leased(sharing: &Sharing, lease: &Lease, limit: u64, now: Moment) -> Option<bool> {
    let credit = sharing.credit(limit);
    let slice = lease.current(now, if sharing.options.fail_closed && sharing.is_lost() { 0 } else { credit });
    let taken = slice.take();
    if slice.rest() <= credit / 2 {
        sharing.wanted.more();
    }
    if taken {
        return Some(true);
    }
    (!sharing.is_lost()).then_some(false)
}
