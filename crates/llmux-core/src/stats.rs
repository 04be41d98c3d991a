//! What happened at a deployment lately: atomics only, so that recording and reading never wait.

mod samples;
mod window;

use std::sync::atomic::{AtomicU64, Ordering};

pub use self::{samples::Samples, window::MinuteWindow};

/// A moment on the router's clock: milliseconds since 1970 where the clock is the real one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// The moment so many milliseconds after the clock's zero.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the clock's zero.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the clock's zero.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0 / 1_000
    }

    /// Whole minutes since the clock's zero: the window that limits per minute count in.
    #[must_use]
    pub const fn minute(self) -> u64 {
        self.0 / 60_000
    }

    /// The moment so many milliseconds later.
    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

// Here and not beside the rest of it: loom's atomics are not made in constants.
impl MinuteWindow {
    /// A window with nothing in it.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }
}

/// Statistics of one deployment, as strategies see them. They outlive a change of the configuration.
///
/// Every figure is exact under any number of threads: nothing is read, changed and written back apart.
#[derive(Debug, Default)]
// In this order: what every choice reads stands together, at the end.
#[repr(C)]
pub struct DeploymentStats {
    latency: Samples,
    first_token: Samples,
    opening: Samples,
    in_flight: AtomicU64,
    lost: MinuteWindow,
    requests: MinuteWindow,
    tokens: MinuteWindow,
}

impl DeploymentStats {
    /// Statistics of a deployment that was never asked.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            in_flight: AtomicU64::new(0),
            requests: MinuteWindow::new(),
            tokens: MinuteWindow::new(),
            lost: MinuteWindow::new(),
            latency: Samples::new(),
            first_token: Samples::new(),
            opening: Samples::new(),
        }
    }

    /// Requests that it is working on.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// A request begins. Each call is followed by one of [`leave`](Self::leave).
    pub fn enter(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// A request is over.
    pub fn leave(&self) {
        // Never below zero, whatever a caller does.
        let lower = |count: u64| count.checked_sub(1);
        _ = self.in_flight.fetch_update(Ordering::Relaxed, Ordering::Relaxed, lower);
    }

    /// Counts requests that other replicas' clients have under way: so many more, and so many fewer.
    pub fn adjust_in_flight(&self, more: u64, fewer: u64) {
        let adjust = |count: u64| Some(count.saturating_add(more).saturating_sub(fewer));
        _ = self.in_flight.fetch_update(Ordering::Relaxed, Ordering::Relaxed, adjust);
    }

    /// Requests begun, minute by minute.
    #[must_use]
    pub fn requests(&self) -> &MinuteWindow {
        &self.requests
    }

    /// Tokens consumed, minute by minute.
    #[must_use]
    pub fn tokens(&self) -> &MinuteWindow {
        &self.tokens
    }

    /// Tokens that failed attempts would have consumed, as far as that can be guessed, minute by minute. Limits know
    /// nothing of them; who goes by usage takes a deployment that fails for a busy one instead of an idle one.
    #[must_use]
    pub fn lost(&self) -> &MinuteWindow {
        &self.lost
    }

    /// Seconds for each token of a chat's answer; plain seconds where there are no tokens.
    #[must_use]
    pub fn latency(&self) -> &Samples {
        &self.latency
    }

    /// Seconds until a stream's first frame.
    #[must_use]
    pub fn first_token(&self) -> &Samples {
        &self.first_token
    }

    /// Seconds until an answer is there: all of it, or a stream's first frame.
    #[must_use]
    pub fn opening(&self) -> &Samples {
        &self.opening
    }
}

/// What candidates show that no router keeps statistics for.
pub(crate) static UNUSED: DeploymentStats = DeploymentStats::new();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_under_way_never_fall_below_zero() {
        let stats = DeploymentStats::new();
        stats.leave();
        assert_eq!(stats.in_flight(), 0);
        stats.enter();
        stats.enter();
        stats.leave();
        assert_eq!(stats.in_flight(), 1);
    }

    #[test]
    fn sixty_four_threads_leave_every_counter_where_it_belongs() {
        let (stats, now) = (DeploymentStats::new(), Moment::from_millis(60_000));
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        stats.enter();
                        stats.requests().add(now, 1);
                        stats.tokens().add(now, 7);
                        stats.latency().record(0.5, now);
                        stats.leave();
                    }
                });
            }
        });
        assert_eq!(stats.in_flight(), 0);
        assert_eq!((stats.requests().count(now), stats.tokens().count(now)), (32_000, 224_000));
        assert!(stats.latency().recent(10, 60, now).all(|sample| sample == 0.5));
    }
}
