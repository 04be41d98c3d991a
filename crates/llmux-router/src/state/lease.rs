//! A replica's part of a limit that all replicas share.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwapOption;
use llmux_core::{Count, Counted, Moment, Span};

/// Milliseconds of a window.
const MINUTE: u64 = 60_000;

/// What this replica may use of a limit per minute, and what it knows of the others.
#[derive(Debug, Default)]
pub(crate) struct Lease {
    /// The limit, 0 if there is none that is shared.
    limit: AtomicU64,
    slice: ArcSwapOption<Slice>,
    /// When the store was asked last without a wish.
    asked: AtomicU64,
}

/// The figures of one window.
#[derive(Debug, Default)]
pub(crate) struct Slice {
    /// The store's number for it; 0 as long as the store has not heard of it.
    window: AtomicU64,
    /// When it was made, and when it ends, on the router's clock.
    begun: u64,
    expires: AtomicU64,
    /// All that this replica was granted, or has taken without asking.
    granted: AtomicU64,
    used: AtomicU64,
    /// What the store has confirmed of it.
    told: AtomicU64,
    /// What all replicas had been granted when the store was heard last.
    known: AtomicU64,
    /// What was used beyond grants while the store was out of reach.
    spare: AtomicU64,
}

impl Lease {
    pub(crate) fn set_limit(&self, limit: Option<u64>) {
        self.limit.store(limit.unwrap_or_default(), Ordering::Relaxed);
    }

    pub(crate) fn limit(&self) -> Option<u64> {
        Some(self.limit.load(Ordering::Relaxed)).filter(|limit| *limit > 0)
    }

    /// Whether the store should be asked again what the others have used: not more often than every so many
    /// milliseconds.
    pub(crate) fn is_due(&self, now: Moment, pause: u64) -> bool {
        let due = now.millis().saturating_sub(self.asked.load(Ordering::Relaxed)) >= pause;
        if due {
            self.asked.store(now.millis(), Ordering::Relaxed);
        }
        due
    }

    /// The figures of the present window, if there are any.
    pub(crate) fn live(&self, now: Moment) -> Option<Arc<Slice>> {
        self.slice.load_full().filter(|slice| !slice.is_over(now))
    }

    /// The same; a window that nobody has heard of begins with so much that is granted in advance.
    pub(crate) fn current(&self, now: Moment, credit: u64) -> Arc<Slice> {
        loop {
            let before = self.slice.load_full();
            if let Some(slice) = before.as_ref().filter(|slice| !slice.is_over(now)) {
                return Arc::clone(slice);
            }
            // Windows follow each other without a gap: the next one ends a whole number of minutes after the last.
            let last = before.as_ref().map_or(0, |slice| slice.expires.load(Ordering::Relaxed));
            let gone = now.millis().saturating_sub(last) / MINUTE;
            let expires = last.saturating_add(gone.saturating_add(1).saturating_mul(MINUTE));
            let next = Slice {
                begun: now.millis(),
                granted: AtomicU64::new(credit),
                expires: AtomicU64::new(expires),
                ..Slice::default()
            };
            self.slice.compare_and_swap(&before, Some(Arc::new(next)));
        }
    }

    /// Takes over what the store said in answer to a question that was asked at `asked`.
    pub(crate) fn learn(&self, counted: &Counted, asked: Moment) {
        if counted.window == 0 {
            return;
        }
        loop {
            let before = self.slice.load_full();
            let window = before.as_ref().map_or(0, |slice| slice.window.load(Ordering::Acquire));
            // A window that the store had not heard of is another one than that of an earlier question.
            let later = before.as_ref().is_some_and(|slice| window == 0 && asked.millis() < slice.begun);
            if later || window > counted.window {
                return;
            }
            let fits = |slice: &&Arc<Slice>| window == counted.window || window == 0 && !slice.is_over(asked);
            if let Some(slice) = before.as_ref().filter(fits) {
                return slice.learn(counted, asked);
            }
            let next = Arc::new(Slice { begun: asked.millis(), ..Slice::default() });
            next.learn(counted, asked);
            self.slice.compare_and_swap(&before, Some(next));
        }
    }
}

impl Slice {
    fn is_over(&self, now: Moment) -> bool {
        self.expires.load(Ordering::Acquire) <= now.millis()
    }

    fn learn(&self, counted: &Counted, asked: Moment) {
        self.window.store(counted.window, Ordering::Release);
        // The store's clock was read after the question was asked, so this is never too late.
        self.expires.store(asked.plus_millis(counted.left).millis(), Ordering::Release);
        self.granted.fetch_max(counted.own, Ordering::AcqRel);
        self.told.fetch_max(counted.own, Ordering::AcqRel);
        self.known.fetch_max(counted.total, Ordering::AcqRel);
    }

    /// What this replica says to the store.
    pub(crate) fn count(&self) -> Count<'static> {
        let of = |figure: &AtomicU64| figure.load(Ordering::Acquire);
        Count::new("rpm", Span::Minute).with_own(
            of(&self.window),
            of(&self.granted),
            of(&self.told),
            of(&self.known),
        )
    }

    /// Takes over what the router has counted of all replicas, while the store tells nothing. Not in the first second:
    /// the router's clock may still show the minute before.
    pub(crate) fn note(&self, counted: u64, now: Moment) {
        if now.millis().saturating_sub(self.begun) > 1_000 {
            let said = self.count();
            let untold = said.own.saturating_sub(said.told);
            self.known.fetch_max(counted.saturating_sub(untold), Ordering::AcqRel);
        }
    }

    /// What all replicas are known to have been granted.
    pub(crate) fn known(&self) -> u64 {
        self.known.load(Ordering::Acquire)
    }

    /// Whether the store has yet to hear what was granted here.
    pub(crate) fn is_untold(&self) -> bool {
        self.told.load(Ordering::Acquire) < self.granted.load(Ordering::Acquire)
    }

    /// What is granted and not used yet.
    pub(crate) fn rest(&self) -> u64 {
        self.granted.load(Ordering::Acquire).saturating_sub(self.used())
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Acquire)
    }

    /// Uses one of what was granted.
    pub(crate) fn take(&self) -> bool {
        let next = |used: u64| (used < self.granted.load(Ordering::Acquire)).then(|| used.saturating_add(1));
        self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).is_ok()
    }

    /// Uses one more than was granted, as long as this replica's part of what was left when the store was heard last
    /// allows it. `counted` is what the router has counted of all replicas, this request left out.
    pub(crate) fn take_spare(&self, limit: u64, counted: u64, replicas: u64) -> bool {
        let next = |spare: u64| {
            let known = self.known().max(counted.saturating_sub(spare));
            let share = limit.saturating_sub(known).div_ceil(replicas.max(1));
            (spare < share).then(|| spare.saturating_add(1))
        };
        let taken = self.spare.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).is_ok();
        if taken {
            self.granted.fetch_add(1, Ordering::AcqRel);
            self.used.fetch_add(1, Ordering::AcqRel);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Moment = Moment::from_millis(90_000);

    #[test]
    fn what_is_granted_is_used_once_by_any_number_of_threads() {
        let lease = Lease::default();
        let slice = lease.current(AT, 50);
        let taken: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16)
                .map(|_| scope.spawn(|| (0..20).filter(|_| lease.current(AT, 50).take()).count()))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((taken, slice.used(), slice.rest()), (50, 50, 0));
    }

    #[test]
    fn a_window_ends_with_the_minute_and_the_store_knows_better() {
        let lease = Lease::default();
        assert!(lease.live(AT).is_none());
        lease.current(AT, 1);
        assert!(lease.live(Moment::from_millis(119_999)).is_some());
        assert!(lease.live(Moment::from_millis(120_000)).is_none());
        lease.learn(&Counted::new(4, 5, 9, 180_000, 10_000), AT);
        let slice = lease.live(Moment::from_millis(99_999)).unwrap();
        assert_eq!((slice.rest(), slice.known()), (5, 9));
        assert!(lease.live(Moment::from_millis(100_000)).is_none());
        let next = lease.current(Moment::from_millis(100_000), 2);
        assert_eq!(next.rest(), 2);
        assert!(lease.live(Moment::from_millis(159_999)).is_some());
        lease.learn(&Counted::new(0, 7, 9, 180_000, 1), AT);
        assert_eq!(next.rest(), 2, "an answer that comes late is about the window before");
        lease.learn(&Counted::new(0, 7, 9, 240_000, 5_000), Moment::from_millis(100_000));
        assert_eq!(lease.live(Moment::from_millis(104_999)).unwrap().rest(), 7);
        assert!(lease.live(Moment::from_millis(105_000)).is_none());
    }

    #[test]
    fn without_the_store_each_replica_has_its_part_of_what_was_left() {
        let lease = Lease::default();
        lease.current(AT, 0);
        lease.learn(&Counted::new(0, 10, 90, 120_000, 30_000), AT);
        let slice = lease.current(AT, 0);
        let taken = (0..20).filter(|taken| slice.take_spare(100, 90 + taken, 4)).count();
        assert_eq!(taken, 3, "a quarter of ten, rounded up");
        assert_eq!(slice.count().own, 13, "the store is told later");
    }
}
