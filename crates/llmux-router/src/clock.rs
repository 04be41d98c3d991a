//! Time and chance, both of which tests can set.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use llmux_core::Moment;
use tokio::time::Instant;

/// The router's clock: real time, or tokio's paused time from a chosen moment on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
    at_origin: Moment,
}

impl Clock {
    /// A clock that shows the time of day. It never goes back, whatever happens to the machine's.
    pub(crate) fn real() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::from(Moment::from_millis(u64::try_from(since.as_millis()).unwrap_or_default()))
    }

    /// A clock that shows this moment now.
    pub(crate) fn from(now: Moment) -> Self {
        Self { origin: Instant::now(), at_origin: now }
    }

    pub(crate) fn now(&self) -> Moment {
        let passed = Instant::now().saturating_duration_since(self.origin).as_millis();
        self.at_origin.plus_millis(u64::try_from(passed).unwrap_or(u64::MAX))
    }
}

/// Where random numbers come from.
#[derive(Debug)]
pub(crate) enum Chance {
    /// The thread's generator.
    Thread,
    /// The same numbers each time.
    Seeded(AtomicU64),
}

impl Chance {
    pub(crate) fn next(&self) -> u64 {
        match self {
            Self::Thread => rand::random(),
            Self::Seeded(state) => {
                // SplitMix64: its state is a counter, so threads share it without waiting.
                let mut z = state.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                z ^ (z >> 31)
            }
        }
    }
}
