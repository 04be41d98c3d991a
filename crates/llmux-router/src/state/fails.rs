//! Counts of failures that forget themselves when nothing fails for a while.

use llmux_core::Moment;

use crate::{
    exception::{CLASSES, Exception},
    sync::{AtomicU64, Ordering},
};

/// Bits of the count; the rest holds the time of the last failure, in milliseconds.
const COUNT_BITS: u32 = 16;
const MOST: u64 = (1 << COUNT_BITS) - 1;

/// One count for all failures, and one for each class.
#[derive(Debug, Default)]
pub(crate) struct Fails {
    all: AtomicU64,
    classes: [AtomicU64; CLASSES],
}

impl Fails {
    /// Counts a failure and gives the number of those no more than `ttl` milliseconds apart.
    pub(crate) fn count(&self, class: Option<Exception>, now: Moment, ttl: u64) -> u64 {
        let word = class.and_then(|class| self.classes.get(class as usize)).unwrap_or(&self.all);
        let next = |word: u64| {
            let fresh = now.millis().saturating_sub(word >> COUNT_BITS) < ttl;
            let count = if fresh { word & MOST } else { 0 };
            now.millis() << COUNT_BITS | count.saturating_add(1).min(MOST)
        };
        let before = word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| Some(next(word)));
        next(before.unwrap_or_else(|word| word)) & MOST
    }

    /// Starts counting anew, as a cooldown begins.
    pub(crate) fn reset(&self, class: Option<Exception>) {
        let word = class.and_then(|class| self.classes.get(class as usize)).unwrap_or(&self.all);
        word.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_forgotten_when_none_follows_in_time() {
        let fails = Fails::default();
        let at = Moment::from_millis;
        assert_eq!(fails.count(None, at(1_000), 5_000), 1);
        assert_eq!(fails.count(None, at(5_000), 5_000), 2);
        assert_eq!(fails.count(Some(Exception::Timeout), at(5_000), 5_000), 1);
        assert_eq!(fails.count(None, at(10_000), 5_000), 1);
    }
}
