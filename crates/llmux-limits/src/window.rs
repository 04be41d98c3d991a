//! A count that starts anew a minute after the first that was counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// Seconds that a window is open.
pub(crate) const LENGTH: u64 = 60;

/// Counts in windows of a minute, each of which opens with the first that is counted. Its beginning (seconds since
/// 1970, the lower 32 bits) and the count share one word, so any number of threads agree.
#[derive(Debug, Default)]
pub(crate) struct Window(AtomicU64);

/// A count as it was at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// When the window opened.
    pub(crate) opened: u32,
    pub(crate) count: u32,
}

impl Reading {
    /// When the window closes, in seconds since 1970.
    pub(crate) fn closes(self) -> u64 {
        u64::from(self.opened).saturating_add(LENGTH)
    }
}

impl Window {
    /// The window at this time.
    pub(crate) fn read(&self, now: u64) -> Reading {
        reading(self.0.load(Ordering::Relaxed), now)
    }

    /// Counts so many more if the limit allows; gives the window before and whether it did.
    pub(crate) fn reserve(&self, now: u64, more: u32, limit: u32) -> Result<Reading, Reading> {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let before = reading(word, now);
            let count = before.count.checked_add(more).filter(|sum| *sum <= limit).ok_or(before)?;
            match self.swap(word, Reading { count, ..before }) {
                Ok(()) => return Ok(before),
                Err(other) => word = other,
            }
        }
    }

    /// Corrects what was counted in a window: too much is taken back while it is open, too little is counted in the
    /// present one.
    pub(crate) fn correct(&self, now: u64, opened: u32, counted: u32, really: u32) {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let before = reading(word, now);
            let count = if really >= counted {
                before.count.saturating_add(really - counted)
            } else if before.opened == opened {
                before.count.saturating_sub(counted - really)
            } else {
                return;
            };
            match self.swap(word, Reading { count, ..before }) {
                Ok(()) => return,
                Err(other) => word = other,
            }
        }
    }

    fn swap(&self, word: u64, new: Reading) -> Result<(), u64> {
        let next = u64::from(new.opened) << 32 | u64::from(new.count);
        self.0.compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed).map(drop)
    }
}

/// What a word says at this time: a window that is over counts nothing, and the next would open now.
fn reading(word: u64, now: u64) -> Reading {
    let now = u32::try_from(now & u64::from(u32::MAX)).unwrap_or_default();
    let [opened, count] =
        [word >> 32, word & u64::from(u32::MAX)].map(|half| u32::try_from(half).unwrap_or(0));
    // A clock that went back must not close a window early, nor keep it open for ever.
    let age = i64::from(now) - i64::from(opened);
    let open = word != 0 && age.unsigned_abs() < LENGTH;
    if open { Reading { opened, count } } else { Reading { opened: now, count: 0 } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_opens_with_its_first_count_and_closes_a_minute_later() {
        let window = Window::default();
        assert!(window.reserve(1_000, 2, 3).is_ok());
        assert_eq!(window.reserve(1_059, 2, 3).unwrap_err().closes(), 1_060);
        assert!(window.reserve(1_059, 1, 3).is_ok());
        assert!(window.reserve(1_060, 3, 3).is_ok());
        assert_eq!(window.read(1_060), Reading { opened: 1_060, count: 3 });
    }

    #[test]
    fn what_is_taken_back_does_not_touch_the_next_window() {
        let window = Window::default();
        let first = window.reserve(1_000, 100, 1_000).unwrap();
        window.correct(1_001, first.opened, 100, 40);
        assert_eq!(window.read(1_001).count, 40);
        window.reserve(1_060, 7, 1_000).unwrap();
        window.correct(1_061, first.opened, 100, 40);
        assert_eq!(window.read(1_061).count, 7);
        window.correct(1_061, first.opened, 40, 50);
        assert_eq!(window.read(1_061).count, 17, "what was used beyond the estimate counts now");
    }

    #[test]
    fn among_many_threads_no_more_than_the_limit_pass() {
        let window = Window::default();
        let passed: usize = std::thread::scope(|scope| {
            let tasks: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| (0..500).filter(|_| window.reserve(9, 1, 1_000).is_ok()).count()))
                .collect();
            tasks.into_iter().map(|task| task.join().unwrap()).sum()
        });
        assert_eq!(passed, 1_000);
    }
}
