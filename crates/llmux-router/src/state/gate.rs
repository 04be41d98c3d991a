//! How many requests may be at a deployment, or in a group, at once. Those that wait are served by their priority, and
//! in the order in which they came.

mod places;

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use llmux_core::{Error, ErrorKind, Result};

use self::places::Place;
pub(crate) use self::places::Places;

/// Leave to be one of the requests. Dropping it lets another one in.
pub(crate) type Permit = Option<Place>;

/// The gate. Its width is the configuration's; a change of it holds for those that come after.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// The width and its places.
    places: ArcSwapOption<(usize, Arc<Places>)>,
}

impl Gate {
    /// Sets how many requests are let in at once.
    pub(crate) fn set_width(&self, width: Option<usize>) {
        let now = self.places.load();
        if now.as_ref().map(|places| places.0) != width {
            let places = width.map(|width| Arc::new((width, Places::new(width))));
            self.places.store(places);
        }
    }

    /// The places of the present width, if there is one.
    pub(crate) fn places(&self) -> Option<Arc<Places>> {
        self.places.load().as_ref().map(|places| Arc::clone(&places.1))
    }

    /// Lets a request in, after those that came before and are as urgent (zero is the most urgent). At most `queue`
    /// wait, and none longer than its patience.
    ///
    /// # Errors
    /// 429 when too many wait already, 408 when there was no place in time.
    pub(crate) async fn enter(
        &self,
        urgency: u8,
        queue: usize,
        patience: Option<Duration>,
    ) -> Result<Permit> {
        let Some(places) = self.places.load_full() else { return Ok(None) };
        let entering = Places::enter(&places.1, urgency, queue);
        let entered = match patience {
            None => entering.await,
            Some(patience) => tokio::time::timeout(patience, entering).await.map_err(|_| {
                let message = "timed out: other requests kept all places at this model until the end of this one's time";
                Error::new(ErrorKind::Timeout, message)
            })?,
        };
        entered.map(Some).map_err(|_| {
            let message = "too many requests are waiting for this model already";
            Error::new(ErrorKind::RateLimited, message).with_code("queue_full")
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    fn gate(width: usize) -> Gate {
        let gate = Gate::default();
        gate.set_width(Some(width));
        gate
    }

    #[tokio::test]
    async fn the_urgent_go_first_and_the_equally_urgent_in_their_order() {
        let gate = gate(1);
        let first = gate.enter(9, 10, None).await.unwrap();
        let order = std::sync::Mutex::new(Vec::new());
        let enter = async |urgency: u8, name: &'static str| {
            let place = gate.enter(urgency, 10, None).await.unwrap();
            order.lock().unwrap().push(name);
            drop(place);
        };
        let release = async {
            tokio::task::yield_now().await;
            drop(first);
        };
        let waiting = join_all([enter(5, "a"), enter(5, "b"), enter(255, "z"), enter(0, "now")]);
        futures::join!(waiting, release);
        assert_eq!(*order.lock().unwrap(), ["now", "a", "b", "z"]);
        assert!(!gate.places().unwrap().is_full());
    }

    #[tokio::test]
    async fn who_leaves_the_queue_takes_no_place_with_him_and_too_many_are_refused() {
        let gate = gate(1);
        let first = gate.enter(0, 1, None).await.unwrap();
        {
            let mut gone = Box::pin(gate.enter(0, 1, None));
            assert!(futures::poll!(&mut gone).is_pending());
            assert_eq!(gate.enter(0, 1, None).await.unwrap_err().code(), Some("queue_full"));
        }
        let mut let_in = Box::pin(gate.enter(0, 1, None));
        assert!(futures::poll!(&mut let_in).is_pending());
        drop(first);
        // Let in, and gone before it noticed.
        drop(let_in);
        assert!(gate.enter(0, 0, None).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_place_in_time_is_told_so_and_leaves_the_queue() {
        let gate = gate(1);
        let first = gate.enter(0, 1, None).await.unwrap();
        let late = gate.enter(0, 1, Some(Duration::from_secs(3))).await.unwrap_err();
        assert_eq!(late.kind(), ErrorKind::Timeout);
        drop(first);
        assert!(gate.enter(0, 0, Some(Duration::ZERO)).await.is_ok());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn many_tasks_never_exceed_the_width_and_all_come_through() {
        let (gate, inside) = (Arc::new(gate(3)), Arc::new(std::sync::atomic::AtomicUsize::new(0)));
        let task = |number: u32| {
            let (gate, inside) = (Arc::clone(&gate), Arc::clone(&inside));
            tokio::spawn(async move {
                let place = gate.enter((number % 7) as u8, 10_000, None).await.unwrap();
                assert!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 3);
                tokio::task::yield_now().await;
                inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                drop(place);
            })
        };
        let done = join_all((0..2_000).map(task)).await;
        assert!(done.into_iter().all(|one| one.is_ok()) && !gate.places().unwrap().is_full());
    }
}
