//! What is remembered of one deployment.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use arc_swap::ArcSwapOption;
use llmux_core::{DeploymentStats, Moment, stats::MinuteWindow};

use super::{Cooling, Gate, Lease, Merged, SplitTokens, fails::Fails};
use crate::{cooldown::Cooldown, health::CheckResult};

/// What is remembered of one deployment, whatever its configuration is now.
#[derive(Debug, Default)]
// In this order: what every choice reads stands together, from the end of the statistics on.
#[repr(C)]
pub struct DeploymentState {
    pub(crate) stats: DeploymentStats,
    pub(crate) split: SplitTokens,
    /// The last health check: when it was, in milliseconds, and in the lowest bit whether it went well.
    checked: AtomicU64,
    pub(crate) cooling: Cooling,
    paused: AtomicBool,
    pub(crate) successes: MinuteWindow,
    pub(crate) failures: MinuteWindow,
    pub(crate) fails: Fails,
    pub(crate) gate: Gate,
    /// Its part of a limit that replicas share.
    pub(crate) lease: Lease,
    pub(crate) merged: Merged,
    /// How that went in more detail.
    last_check: ArcSwapOption<CheckResult>,
}

impl DeploymentState {
    /// Its statistics.
    #[must_use]
    pub fn stats(&self) -> &DeploymentStats {
        &self.stats
    }

    /// Answers and failures in the minute of `now`.
    #[must_use]
    pub fn outcomes(&self, now: Moment) -> (u64, u64) {
        (self.successes.count(now), self.failures.count(now))
    }

    /// Why it is left alone at this moment, if it is.
    #[must_use]
    pub fn cooldown(&self, now: Moment) -> Option<Arc<Cooldown>> {
        self.cooling.current(now)
    }

    /// Ends a cooldown.
    pub fn end_cooldown(&self) {
        self.cooling.end();
    }

    /// Whether it is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    /// Pauses it, or ends the pause. Requests that it is working on are not touched.
    pub fn set_paused(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
    }

    /// Whether nothing is the matter with it: no cooldown that is not over and done with, no pause, no sickness. One
    /// look instead of four, which for most deployments is all.
    pub(crate) fn is_plain(&self) -> bool {
        let checked = self.checked.load(Ordering::Relaxed);
        self.cooling.is_untouched() && !self.is_paused() && (checked == 0 || checked & 1 == 1)
    }

    /// Notes how a health check went.
    pub fn set_health(&self, healthy: bool, now: Moment) {
        let word = now.millis() << 1 | u64::from(healthy);
        self.checked.store(word, Ordering::Relaxed);
    }

    pub(crate) fn set_check(&self, result: CheckResult) {
        self.last_check.store(Some(Arc::new(result)));
    }

    /// How the last health check went, with what went wrong.
    #[must_use]
    pub fn last_check(&self) -> Option<Arc<CheckResult>> {
        self.last_check.load_full()
    }

    /// How the last health check went and when; `None` if there was none.
    #[must_use]
    pub fn health(&self) -> Option<(bool, Moment)> {
        let word = self.checked.load(Ordering::Relaxed);
        (word != 0).then(|| (word & 1 == 1, Moment::from_millis(word >> 1)))
    }
}
