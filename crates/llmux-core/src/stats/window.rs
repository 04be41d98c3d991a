//! A count that starts anew with each minute.

use super::Moment;
use crate::sync::{AtomicU64, Ordering};

/// Bits of the count; the rest holds the minute. More than a million million of anything in a minute is cut.
const COUNT_BITS: u32 = 40;
const MOST: u64 = (1 << COUNT_BITS) - 1;

/// Counts within the current minute of the clock. Minute and count share one word, so a minute's end is exact.
#[derive(Debug, Default)]
pub struct MinuteWindow(pub(super) AtomicU64);

impl MinuteWindow {
    /// What was counted in the minute of `now`.
    #[must_use]
    pub fn count(&self, now: Moment) -> u64 {
        counted(self.0.load(Ordering::Relaxed), now)
    }

    /// Counts so many more and gives the sum.
    pub fn add(&self, now: Moment, more: u64) -> u64 {
        self.change(now, |count| Some(count.saturating_add(more))).unwrap_or(MOST)
    }

    /// Counts so many more unless that exceeded the limit; tells whether it did. Among any number of threads no
    /// more than `limit` succeed within a minute.
    pub fn reserve(&self, now: Moment, more: u64, limit: u64) -> bool {
        self.change(now, |count| count.checked_add(more).filter(|sum| *sum <= limit)).is_some()
    }

    /// Takes back what was counted in this minute.
    pub fn give_back(&self, now: Moment, less: u64) {
        self.change(now, |count| Some(count.saturating_sub(less)));
    }

    fn change(&self, now: Moment, new: impl Fn(u64) -> Option<u64>) -> Option<u64> {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let count = new(counted(word, now))?.min(MOST);
            let next = minute(now) << COUNT_BITS | count;
            match self.0.compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(count),
                Err(other) => word = other,
            }
        }
    }
}

/// The minute, as far as it fits beside the count: it repeats after 31 years.
fn minute(now: Moment) -> u64 {
    now.minute() & (u64::MAX >> COUNT_BITS)
}

fn counted(word: u64, now: Moment) -> u64 {
    if word >> COUNT_BITS == minute(now) { word & MOST } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    const fn at(seconds: u64) -> Moment {
        Moment::from_millis(seconds * 1_000)
    }

    #[test]
    fn a_new_minute_starts_from_nothing() {
        let window = MinuteWindow::new();
        assert_eq!(window.add(at(119), 3), 3);
        assert_eq!((window.count(at(119)), window.count(at(120))), (3, 0));
        assert_eq!(window.add(at(120), 1), 1);
        window.give_back(at(120), 5);
        assert_eq!(window.count(at(120)), 0);
    }

    #[test]
    fn a_limit_is_reached_and_never_passed_by_any_number_of_threads() {
        let (window, granted) = (MinuteWindow::new(), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        if window.reserve(at(60), 1, 600) {
                            granted.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!((granted.into_inner(), window.count(at(60))), (600, 600));
        assert!(window.reserve(at(120), 1, 600), "the next minute is another one");
    }

    #[test]
    fn a_count_beyond_its_bits_stays_at_the_largest() {
        let window = MinuteWindow::new();
        window.add(at(60), u64::MAX);
        assert_eq!(window.count(at(60)), MOST);
    }
}
