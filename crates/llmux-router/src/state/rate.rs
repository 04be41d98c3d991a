//! How many of the requests of the last seconds were further attempts.

use llmux_core::Moment;

use crate::sync::{AtomicU64, Ordering};

/// Milliseconds of a window.
const WINDOW: u64 = 10_000;

/// Bits of each count; the rest of the word tells the window.
const BITS: u32 = 20;
const MOST: u64 = (1 << BITS) - 1;

/// Requests and further attempts of the present ten seconds, in one word.
#[derive(Debug, Default)]
pub(crate) struct RetryRate(AtomicU64);

impl RetryRate {
    /// Counts a request.
    pub(crate) fn request(&self, now: Moment) {
        self.change(now, |requests, retries| Some((requests.saturating_add(1), retries)));
    }

    /// Counts a further attempt if no more than `share` of the requests, or `least`, are such.
    pub(crate) fn retry(&self, now: Moment, share: f64, least: u64) -> bool {
        self.change(now, |requests, retries| {
            let allowed = least.max((requests as f64 * share) as u64);
            (retries < allowed).then_some((requests, retries.saturating_add(1)))
        })
    }

    fn change(&self, now: Moment, new: impl Fn(u64, u64) -> Option<(u64, u64)>) -> bool {
        let window = (now.millis() / WINDOW) & (u64::MAX >> (2 * BITS));
        let next = |word: u64| {
            let (requests, retries) =
                if word >> (2 * BITS) == window { (word >> BITS & MOST, word & MOST) } else { (0, 0) };
            let (requests, retries) = new(requests, retries)?;
            Some(window << (2 * BITS) | requests.min(MOST) << BITS | retries.min(MOST))
        };
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_attempts_are_a_share_of_the_requests_but_some_are_always_allowed() {
        let (rate, now) = (RetryRate::default(), Moment::from_millis(20_000));
        (0..50).for_each(|_| rate.request(now));
        let allowed = (0..100).filter(|_| rate.retry(now, 0.2, 3)).count();
        assert_eq!(allowed, 10);
        let later = Moment::from_millis(30_000);
        assert_eq!((0..100).filter(|_| rate.retry(later, 0.2, 3)).count(), 3);
    }
}
