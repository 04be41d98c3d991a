//! So many places, and those who wait for one: the most urgent first, and of the equally urgent whoever came first.
//!
//! Taking and giving back a place is one atomic operation as long as nobody waits. Only who waits, and who lets in
//! somebody that waits, takes the lock. Whoever gives back a place first frees it and then looks whether somebody
//! waits; whoever waits first says so and then looks for a free place: one of them always sees the other.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use crate::sync::{Arc, AtomicUsize, Mutex, MutexGuard, Ordering, fence, unpoisoned};

/// The places.
#[derive(Debug)]
pub(crate) struct Places {
    width: usize,
    taken: AtomicUsize,
    /// How many wait, so that it can be seen without the lock.
    waiting: AtomicUsize,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    /// By urgency, then by arrival.
    waiting: BTreeMap<(u8, u64), oneshot::Sender<Place>>,
}

/// One place that is taken. Dropping it lets another one in.
#[derive(Debug)]
pub(crate) struct Place(Option<Arc<Places>>);

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(places) = self.0.take() {
            Places::give_back(&places);
        }
    }
}

/// Too many wait already.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

/// Stands in the queue until it is dropped, or let in.
struct Standing<'a> {
    places: Option<&'a Places>,
    key: (u8, u64),
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        let Some(places) = self.places else { return };
        let mut queue = places.lock();
        queue.waiting.remove(&self.key);
        places.waiting.store(queue.waiting.len(), Ordering::Relaxed);
    }
}

impl Places {
    pub(crate) fn new(width: usize) -> Arc<Self> {
        let (taken, waiting) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { width, taken, waiting, queue: Mutex::new(Queue::default()) })
    }

    /// Whether another one would have to wait.
    pub(crate) fn is_full(&self) -> bool {
        self.taken.load(Ordering::Relaxed) >= self.width || self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Takes a place, or waits for one behind those that are as urgent or more; zero is the most urgent. At most
    /// `most` wait.
    ///
    /// # Errors
    /// When so many wait already.
    pub(crate) async fn enter(this: &Arc<Self>, urgency: u8, most: usize) -> Result<Place, TooMany> {
        if this.waiting.load(Ordering::Relaxed) == 0
            && let Some(place) = Self::take(this)
        {
            return Ok(place);
        }
        let (key, place) = Self::stand(this, urgency, most)?;
        let mut standing = Standing { places: Some(this), key };
        // Senders go with the place that they bring only.
        let place = place.await.map_err(|_| TooMany)?;
        standing.places = None;
        Ok(place)
    }

    fn stand(
        this: &Arc<Self>,
        urgency: u8,
        most: usize,
    ) -> Result<((u8, u64), oneshot::Receiver<Place>), TooMany> {
        let mut queue = this.lock();
        if queue.waiting.len() >= most {
            return Err(TooMany);
        }
        let key = (urgency, queue.next);
        queue.next = queue.next.wrapping_add(1);
        let (sender, receiver) = oneshot::channel();
        queue.waiting.insert(key, sender);
        this.waiting.store(queue.waiting.len(), Ordering::Relaxed);
        fence(Ordering::SeqCst);
        Self::let_in(this, &mut queue);
        Ok((key, receiver))
    }

    /// Takes a free place.
    fn take(this: &Arc<Self>) -> Option<Place> {
        let more = |taken: usize| (taken < this.width).then_some(taken + 1);
        let taken = this.taken.fetch_update(Ordering::AcqRel, Ordering::Relaxed, more);
        taken.is_ok().then(|| Place(Some(Arc::clone(this))))
    }

    fn give_back(this: &Arc<Self>) {
        this.taken.fetch_sub(1, Ordering::AcqRel);
        fence(Ordering::SeqCst);
        if this.waiting.load(Ordering::Relaxed) > 0 {
            Self::let_in(this, &mut this.lock());
        }
    }

    /// Gives free places to those that wait.
    fn let_in(this: &Arc<Self>, queue: &mut Queue) {
        while !queue.waiting.is_empty()
            && let Some(place) = Self::take(this)
        {
            let sent = queue.waiting.pop_first().map(|(_, sender)| sender.send(place));
            if let Some(Err(mut unwanted)) = sent {
                // Its drop would take the lock once more.
                unwanted.0 = None;
                this.taken.fetch_sub(1, Ordering::AcqRel);
            }
        }
        this.waiting.store(queue.waiting.len(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        unpoisoned(self.queue.lock())
    }
}
