//! The way from serving to the end, as every connection sees it.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use tokio_util::sync::CancellationToken;

/// How far the shutdown has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Serving,
    /// Running requests may end; no further ones are taken.
    Draining,
    /// Time is up.
    Cutting,
}

/// Tells all connections of the stage, and counts what the last one costs.
///
/// Connections are polled several times a request. The tokens only wake them; the stage is what they look at,
/// because it is read without a lock.
#[derive(Debug)]
pub(super) struct Drain {
    stage: AtomicU8,
    draining: CancellationToken,
    cutting: CancellationToken,
    cut: AtomicUsize,
}

impl Drain {
    pub(super) fn new() -> Self {
        Self {
            stage: AtomicU8::new(0),
            draining: CancellationToken::new(),
            cutting: CancellationToken::new(),
            cut: AtomicUsize::new(0),
        }
    }

    pub(super) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Serving,
            1 => Stage::Draining,
            _ => Stage::Cutting,
        }
    }

    pub(super) fn begin(&self) {
        self.stage.store(1, Ordering::Release);
        self.draining.cancel();
    }

    pub(super) fn cut(&self) {
        self.stage.store(2, Ordering::Release);
        self.cutting.cancel();
    }

    /// Ends when draining begins.
    pub(super) async fn begun(&self) {
        self.draining.cancelled().await;
    }

    /// Wakes at each change of the stage. Polling it once is enough; look at [`Self::stage`] when woken.
    pub(super) async fn changes(&self) {
        tokio::join!(self.draining.cancelled(), self.cutting.cancelled());
    }

    /// Notes requests that were cut.
    pub(super) fn lost(&self, requests: usize) {
        self.cut.fetch_add(requests, Ordering::Relaxed);
    }

    pub(super) fn total_lost(&self) -> usize {
        self.cut.load(Ordering::Relaxed)
    }
}
