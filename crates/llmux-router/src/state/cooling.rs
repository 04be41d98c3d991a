//! Whether a deployment is left alone at the moment.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwapOption;
use llmux_core::Moment;

use crate::cooldown::Cooldown;

/// The end of the present cooldown, and the reason for it. Only the end is read for a request.
#[derive(Debug, Default)]
pub(crate) struct Cooling {
    until: AtomicU64,
    why: ArcSwapOption<Cooldown>,
    probing: AtomicU64,
}

impl Cooling {
    pub(crate) fn is_on(&self, now: Moment) -> bool {
        self.until.load(Ordering::Acquire) > now.millis()
    }

    /// Milliseconds until it ends; `None` when it is not on.
    pub(crate) fn left(&self, now: Moment) -> Option<u64> {
        self.until.load(Ordering::Acquire).checked_sub(now.millis()).filter(|left| *left > 0)
    }

    /// Begins a cooldown. One that ends later is kept: the end is absolute, nothing makes it come earlier or later
    /// by accident.
    pub(crate) fn begin(&self, why: Cooldown) {
        let until = why.until.millis();
        if self.until.fetch_max(until, Ordering::AcqRel) < until {
            self.why.store(Some(Arc::new(why)));
        }
    }

    pub(crate) fn end(&self) {
        self.until.store(0, Ordering::Release);
        self.probing.store(0, Ordering::Release);
        self.why.store(None);
    }

    /// Whether there was none since the last success.
    pub(crate) fn is_untouched(&self) -> bool {
        self.until() == 0
    }

    /// When it ends or has ended; zero when there was none.
    pub(crate) fn until(&self) -> u64 {
        self.until.load(Ordering::Acquire)
    }

    pub(crate) fn current(&self, now: Moment) -> Option<Arc<Cooldown>> {
        self.is_on(now).then(|| self.why.load_full())?
    }

    /// Whether a cooldown is over and nothing has shown yet that the deployment works again.
    pub(crate) fn is_half_open(&self, now: Moment) -> bool {
        let until = self.until.load(Ordering::Acquire);
        until != 0 && until <= now.millis()
    }

    /// Takes the right to be the one request that tries whether a deployment works again. It is free once more
    /// after `patience` milliseconds, should nothing come of it.
    pub(crate) fn probe(&self, now: Moment, patience: u64) -> bool {
        let free = |last: u64| last == 0 || last.saturating_add(patience) <= now.millis();
        let take = |last| free(last).then_some(now.millis().max(1));
        self.probing.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok()
    }

    /// Whether [`probe`](Self::probe) would succeed.
    pub(crate) fn may_probe(&self, now: Moment, patience: u64) -> bool {
        let last = self.probing.load(Ordering::Acquire);
        last == 0 || last.saturating_add(patience) <= now.millis()
    }

    /// A request went well: a cooldown that is over leaves no trace.
    pub(crate) fn succeeded(&self, now: Moment) {
        if self.is_half_open(now) {
            self.end();
        }
    }

    /// A request failed: another one may try at once whether the deployment works.
    pub(crate) fn probe_failed(&self) {
        self.probing.store(0, Ordering::Release);
    }
}
