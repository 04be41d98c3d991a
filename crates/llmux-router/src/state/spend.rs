//! Money spent within a budget's period.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwapOption;
use llmux_core::Moment;

/// Parts of a dollar that are counted: a whole number adds up the same in any order.
const PARTS: f64 = 1e9;

/// Spend since the first payment of the present period.
#[derive(Debug, Default)]
pub(crate) struct Spend(ArcSwapOption<Period>);

#[derive(Debug)]
struct Period {
    ends: Moment,
    spent: AtomicU64,
}

impl Spend {
    /// Dollars spent in the period of `now`.
    pub(crate) fn total(&self, now: Moment) -> f64 {
        let period = self.0.load();
        let open = period.as_ref().filter(|period| period.ends > now);
        open.map_or(0.0, |period| period.spent.load(Ordering::Relaxed) as f64 / PARTS)
    }

    /// Milliseconds until the present period ends.
    pub(crate) fn left(&self, now: Moment) -> Option<u64> {
        let period = self.0.load();
        period.as_ref().and_then(|period| period.ends.millis().checked_sub(now.millis()))
    }

    /// Adds dollars. The first ones open a period of so many milliseconds.
    pub(crate) fn add(&self, dollars: f64, length: u64, now: Moment) {
        if !(dollars > 0.0 && dollars.is_finite()) {
            return;
        }
        let closed = |period: &Option<Arc<Period>>| period.as_ref().is_none_or(|period| period.ends <= now);
        if closed(&self.0.load()) {
            let ends = now.plus_millis(length);
            self.0.rcu(|period| {
                if closed(period) {
                    Some(Arc::new(Period { ends, spent: AtomicU64::new(0) }))
                } else {
                    period.clone()
                }
            });
        }
        if let Some(period) = &*self.0.load() {
            period.spent.fetch_add((dollars * PARTS) as u64, Ordering::Relaxed);
        }
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
}
