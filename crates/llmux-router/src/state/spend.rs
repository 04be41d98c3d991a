//! Money spent within a budget's period.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use llmux_core::{Count, Counted, Moment, Span};

/// Parts of a dollar that are counted: a whole number adds up the same in any order.
const PARTS: f64 = 1e9;

/// Spend since the first payment of the present period.
#[derive(Debug, Default)]
pub(crate) struct Spend {
    period: ArcSwapOption<Period>,
    /// Milliseconds of a period.
    length: AtomicU64,
    /// The budget, in parts; zero where there is none.
    limit: AtomicU64,
    /// Whether any budget at all was ever reached: as long as none was, nobody looks at any.
    reached: Arc<AtomicBool>,
    /// When the store of the replicas was asked last.
    asked: AtomicU64,
}

#[derive(Debug, Default)]
struct Period {
    ends: AtomicU64,
    spent: AtomicU64,
    /// How much of that other replicas have spent.
    others: AtomicU64,
    /// What the store of the replicas calls the period, has of this replica, and has in all.
    window: AtomicU64,
    told: AtomicU64,
    known: AtomicU64,
}

impl Period {
    fn ending(ends: Moment) -> Self {
        Self { ends: AtomicU64::new(ends.millis()), ..Self::default() }
    }

    fn is_open(&self, now: Moment) -> bool {
        self.ends.load(Ordering::Acquire) > now.millis()
    }
}

impl Spend {
    /// No spend; tells through `reached` when it is as much as the budget.
    pub(crate) fn telling(reached: &Arc<AtomicBool>) -> Self {
        Self { reached: Arc::clone(reached), ..Self::default() }
    }

    /// Sets the budget in dollars.
    pub(crate) fn set_limit(&self, limit: f64) {
        self.limit.store((limit * PARTS) as u64, Ordering::Relaxed);
        let period = self.period.load();
        let spent = period.as_ref().map_or(0, |period| period.spent.load(Ordering::Relaxed));
        self.compare(spent);
    }

    fn compare(&self, spent: u64) {
        if spent >= self.limit.load(Ordering::Relaxed) {
            self.reached.store(true, Ordering::Relaxed);
        }
    }

    /// Sets how long a period is.
    pub(crate) fn set_length(&self, length: Duration) {
        self.length.store(u64::try_from(length.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Dollars spent in the period of `now`.
    pub(crate) fn total(&self, now: Moment) -> f64 {
        let period = self.period.load();
        let open = period.as_ref().filter(|period| period.is_open(now));
        open.map_or(0.0, |period| period.spent.load(Ordering::Relaxed) as f64 / PARTS)
    }

    /// Milliseconds until the present period ends.
    pub(crate) fn left(&self, now: Moment) -> Option<u64> {
        let period = self.period.load();
        period.as_ref().and_then(|period| period.ends.load(Ordering::Acquire).checked_sub(now.millis()))
    }

    /// Adds dollars. The first ones open a period of so many milliseconds.
    pub(crate) fn add(&self, dollars: f64, length: u64, now: Moment) {
        if dollars > 0.0 && dollars.is_finite() {
            let period = self.open(now, now.plus_millis(length));
            let parts = (dollars * PARTS) as u64;
            let before = period.spent.fetch_add(parts, Ordering::Relaxed);
            self.compare(before.saturating_add(parts));
        }
    }

    /// The period of `now`; a new one that ends then, if there is none.
    fn open(&self, now: Moment, ends: Moment) -> Arc<Period> {
        loop {
            let before = self.period.load_full();
            if let Some(period) = before.as_ref().filter(|period| period.is_open(now)) {
                return Arc::clone(period);
            }
            self.period.compare_and_swap(&before, Some(Arc::new(Period::ending(ends))));
        }
    }

    /// Whether there is something to say to the others, or they have not been asked for so many milliseconds.
    pub(crate) fn is_due(&self, now: Moment, pause: u64) -> bool {
        let said = self.count(now);
        let due =
            said.own != said.told || now.millis().saturating_sub(self.asked.load(Ordering::Relaxed)) >= pause;
        if due {
            self.asked.store(now.millis(), Ordering::Relaxed);
        }
        due
    }

    /// What this replica says to the others.
    pub(crate) fn count(&self, now: Moment) -> Count<'static> {
        let count = Count::new("spend", Span::Since(self.length.load(Ordering::Relaxed)));
        let period = self.period.load();
        let Some(period) = period.as_ref().filter(|period| period.is_open(now)) else { return count };
        let of = |figure: &AtomicU64| figure.load(Ordering::Acquire);
        let own = of(&period.spent).saturating_sub(of(&period.others));
        count.with_own(of(&period.window), own, of(&period.told), of(&period.known))
    }

    /// Takes over what all replicas have spent, as the store said in answer to a question that was asked at `asked`.
    pub(crate) fn learn(&self, counted: &Counted, asked: Moment) {
        if counted.window == 0 || counted.left == 0 {
            return;
        }
        let ends = asked.plus_millis(counted.left);
        let mut period = self.open(asked, ends);
        if ![0, counted.window].contains(&period.window.load(Ordering::Acquire)) {
            // The replicas' period ended earlier than this one's.
            self.period.compare_and_swap(&period, Some(Arc::new(Period::ending(ends))));
            period = self.open(asked, ends);
        }
        let others = counted.total.saturating_sub(counted.own);
        let before = period.others.swap(others, Ordering::AcqRel);
        let change = |spent: u64| Some(spent.saturating_add(others).saturating_sub(before));
        let earlier = period.spent.fetch_update(Ordering::AcqRel, Ordering::Acquire, change);
        let spent = earlier.map_or(0, |spent| change(spent).unwrap_or_default());
        self.compare(spent);
        period.ends.store(ends.millis(), Ordering::Release);
        period.window.store(counted.window, Ordering::Release);
        period.told.store(counted.own, Ordering::Release);
        period.known.store(counted.total, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_begins_with_the_first_payment_and_the_next_one_with_the_next() {
        let (spend, at) = (Spend::default(), Moment::from_millis);
        spend.add(1.5, 1_000, at(500));
        spend.add(0.25, 1_000, at(1_400));
        assert_eq!((spend.total(at(1_499)), spend.total(at(1_500))), (1.75, 0.0));
        spend.add(2.0, 1_000, at(9_000));
        spend.add(f64::NAN, 1_000, at(9_000));
        assert_eq!((spend.total(at(9_999)), spend.left(at(9_000))), (2.0, Some(1_000)));
    }

    #[test]
    fn what_many_threads_pay_adds_up() {
        let (spend, now) = (Spend::default(), Moment::from_millis(1));
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| (0..1_000).for_each(|_| spend.add(0.001, 60_000, now)));
            }
        });
        assert!((spend.total(now) - 16.0).abs() < 1e-9);
    }

    #[test]
    fn what_others_pay_counts_and_is_not_told_as_ones_own() {
        let (spend, now) = (Spend::default(), Moment::from_millis(1_000));
        spend.set_length(Duration::from_secs(60));
        spend.add(1.0, 60_000, now);
        assert_eq!(spend.count(now).own, 1_000_000_000);
        spend.learn(&Counted::new(0, 1_000_000_000, 3_500_000_000, 77_000, 30_000), now);
        spend.add(0.5, 60_000, now);
        assert_eq!((spend.total(now), spend.left(now)), (4.0, Some(30_000)));
        let said = spend.count(now);
        assert_eq!((said.window, said.own, said.told), (77_000, 1_500_000_000, 1_000_000_000));
        let later = now.plus_millis(30_000);
        assert_eq!(spend.total(later), 0.0);
        spend.learn(&Counted::new(0, 0, 2_000_000_000, 137_000, 60_000), later);
        assert_eq!((spend.total(later), spend.count(later).own), (2.0, 0));
    }
}
