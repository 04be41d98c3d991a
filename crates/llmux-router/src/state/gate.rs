//! How many requests may be at a deployment, or in a group, at once. Those that wait are served in the order in
//! which they came.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use arc_swap::ArcSwapOption;
use llmux_core::{Error, ErrorKind, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Leave to be one of the requests. Dropping it lets another one in.
pub(crate) type Permit = Option<OwnedSemaphorePermit>;

/// The gate. Its width is the configuration's; a change of it holds for those that come after.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// The width and its places.
    places: ArcSwapOption<(usize, Arc<Semaphore>)>,
    waiting: AtomicUsize,
}

/// Counts one that waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gate {
    /// Sets how many requests are let in at once.
    pub(crate) fn set_width(&self, width: Option<usize>) {
        let now = self.places.load();
        if now.as_ref().map(|places| places.0) != width {
            let places = width.map(|width| Arc::new((width, Arc::new(Semaphore::new(width)))));
            self.places.store(places);
        }
    }

    /// Whether another request would have to wait.
    pub(crate) fn is_full(&self) -> bool {
        self.places.load().as_ref().is_some_and(|places| places.1.available_permits() == 0)
    }

    /// Lets a request in, after those that came before. At most `queue` wait.
    ///
    /// # Errors
    /// 429 when too many wait already.
    pub(crate) async fn enter(&self, queue: usize) -> Result<Permit> {
        let Some(places) = self.places.load_full() else { return Ok(None) };
        if let Ok(permit) = Arc::clone(&places.1).try_acquire_owned() {
            return Ok(Some(permit));
        }
        let waiting = Waiting(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= queue {
            let message = "too many requests are waiting for this model already";
            return Err(Error::new(ErrorKind::RateLimited, message).with_code("queue_full"));
        }
        let permit = Arc::clone(&places.1).acquire_owned().await;
        drop(waiting);
        // Nobody closes the semaphore.
        Ok(permit.ok())
    }
}
