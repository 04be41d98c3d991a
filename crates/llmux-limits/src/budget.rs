//! How much money there is, and what was spent of it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use arc_swap::ArcSwap;
use llmux_core::{
    Money,
    tenancy::{BudgetDuration, Timestamp},
};

use crate::meter::Meter;

/// What was spent of one budget. Amounts are billionths of a dollar, rounded up: they fit one atomic word, and a
/// budget is never exceeded by rounding. What is billed is exact and counted elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Purse(ArcSwap<Term>);

/// One period of a budget. The default is over already: the first who asks starts the one that there really is.
#[derive(Debug, Default)]
pub(crate) struct Term {
    period: Option<BudgetDuration>,
    start: u64,
    end: u64,
    /// What was spent and what is reserved, together.
    charged: AtomicI64,
    /// What is reserved.
    reserved: AtomicI64,
    /// What the database said last.
    known: AtomicI64,
}

impl Term {
    /// A period that nothing was spent in.
    fn new(period: Option<BudgetDuration>, now: u64) -> Self {
        let (start, end) = period.map_or((0, u64::MAX), |period| around(period, now));
        let [charged, reserved, known] = [0, 0, 0].map(AtomicI64::new);
        Self { period, start, end, charged, reserved, known }
    }

    /// Reserves an amount if what was charged leaves it within the cap. An amount of nothing passes while there is
    /// anything left.
    fn reserve(&self, amount: i64, cap: i64) -> Result<(), i64> {
        let charge = |charged: i64| {
            let sum = charged.saturating_add(amount);
            (charged < cap && sum <= cap).then_some(sum)
        };
        self.charged.fetch_update(Ordering::Relaxed, Ordering::Relaxed, charge)?;
        self.reserved.fetch_add(amount, Ordering::Relaxed);
        Ok(())
    }

    /// Replaces what was reserved by what it came to. Gives the sum before and after.
    pub(crate) fn settle(&self, reserved: i64, spent: i64) -> (i64, i64) {
        self.reserved.fetch_sub(reserved, Ordering::Relaxed);
        let more = spent.saturating_sub(reserved);
        let before = self.charged.fetch_add(more, Ordering::Relaxed);
        (before.saturating_sub(reserved), before.saturating_add(more))
    }

    /// Takes over what the database says was spent, by all replicas. It lags behind, so it is believed when it is
    /// more than what is known here; and when it went down, since then somebody has lowered it.
    fn learn(&self, spent: i64) {
        let before = self.known.swap(spent, Ordering::Relaxed);
        let lowered = before.saturating_sub(spent).max(0);
        let update = |charged: i64| {
            let lowered = charged.saturating_sub(lowered);
            Some(lowered.max(spent.saturating_add(self.reserved.load(Ordering::Relaxed))))
        };
        let _ = self.charged.fetch_update(Ordering::Relaxed, Ordering::Relaxed, update);
    }
}

/// When the period that `now` lies in began and when the next begins, in seconds since 1970.
fn around(period: BudgetDuration, now: u64) -> (u64, u64) {
    let millis = i64::try_from(now.saturating_mul(1_000)).unwrap_or(i64::MAX);
    let period = period.period(Timestamp::from_millis(millis));
    // A period of a second or more begins and ends on whole seconds.
    let seconds = |at: Timestamp| u64::try_from(at.millis().div_euclid(1_000)).unwrap_or(0);
    (seconds(period.start), seconds(period.end))
}

/// A budget of one scope: a cap, for how long, and what was spent of it.
#[derive(Debug)]
pub struct Budget {
    cap: i64,
    soft: Option<i64>,
    period: Option<BudgetDuration>,
    model: Option<Box<str>>,
    purse: Arc<Purse>,
}

impl Budget {
    /// A budget of `cap` that is never renewed. `name` tells it from others of the same scope; what was spent is
    /// counted by `meter`.
    #[must_use]
    pub fn new(meter: &Meter, name: &str, cap: Money) -> Self {
        let purse = meter.purse(name);
        Self { cap: cap.billionths(), soft: None, period: None, model: None, purse }
    }

    /// Renews it with each period of the calendar, without any job: the time alone decides.
    #[must_use]
    pub fn with_period(mut self, period: Option<BudgetDuration>) -> Self {
        self.period = period;
        self
    }

    /// Sets an amount that is reported when it is reached, and stops nobody.
    #[must_use]
    pub fn with_soft_limit(mut self, amount: Option<Money>) -> Self {
        self.soft = amount.map(Money::billionths);
        self
    }

    /// Adds to the cap until a time: a temporary increase.
    #[must_use]
    pub fn with_increase(mut self, more: Money, until: u64, now: u64) -> Self {
        if now < until {
            self.cap = self.cap.saturating_add(more.billionths());
        }
        self
    }

    /// Applies it to one model only, with or without the provider before its name; `*` is all of them.
    #[must_use]
    pub fn with_model(mut self, model: &str) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Takes over what the database says was spent in the period that `at` lies in. Said again and again it counts
    /// once.
    pub fn learn(&self, spent: Money, at: u64, now: u64) {
        let term = self.term(now);
        if at >= term.start {
            term.learn(spent.billionths());
        }
    }

    /// What was spent in the present period, what is reserved included.
    #[must_use]
    pub fn spent(&self, now: u64) -> Money {
        Money::from_billionths(self.term(now).charged.load(Ordering::Relaxed))
    }

    /// What may be spent in a period.
    #[must_use]
    pub fn cap(&self) -> Money {
        Money::from_billionths(self.cap)
    }

    /// When the present period ends, in seconds since 1970; `None` if never.
    #[must_use]
    pub fn resets_at(&self, now: u64) -> Option<u64> {
        self.period.map(|period| around(period, now).1)
    }

    /// Whether it counts what is spent on this model.
    pub(crate) fn counts(&self, model: &str) -> bool {
        let of_provider = model.split_once('/').map_or(model, |(_, name)| name);
        self.model.as_deref().is_none_or(|only| only == "*" || only == model || only == of_provider)
    }

    /// The soft limit, if the change from one sum to another reached it.
    pub(crate) fn reached(&self, before: i64, after: i64) -> Option<Money> {
        self.soft.filter(|soft| before < *soft && *soft <= after).map(Money::from_billionths)
    }

    /// Reserves an amount, or tells what was spent.
    pub(crate) fn reserve(&self, amount: i64, now: u64) -> Result<Arc<Term>, Money> {
        let term = self.term(now);
        match term.reserve(amount, self.cap) {
            Ok(()) => Ok(term),
            Err(charged) => Err(Money::from_billionths(charged)),
        }
    }

    /// The present period. The first request after its beginning starts it; those that began before settle where
    /// they reserved.
    fn term(&self, now: u64) -> Arc<Term> {
        loop {
            let term = self.purse.0.load();
            let same = term.period == self.period;
            // A clock that went back a little does not start a period again that is over.
            if same && now < term.end {
                return Arc::clone(&term);
            }
            let next = Term::new(self.period, now);
            if !same && term.charged.load(Ordering::Relaxed) != 0 {
                // Another length for the same budget: what was spent stays spent.
                // What is reserved is settled where it was reserved.
                let held = term.reserved.load(Ordering::Relaxed);
                let spent = term.charged.load(Ordering::Relaxed).saturating_sub(held);
                next.charged.store(spent.max(0), Ordering::Relaxed);
                next.known.store(term.known.load(Ordering::Relaxed), Ordering::Relaxed);
            }
            let next = Arc::new(next);
            let before = self.purse.0.compare_and_swap(&term, Arc::clone(&next));
            if Arc::ptr_eq(&before, &term) {
                return next;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dollars(amount: &str) -> Money {
        amount.parse().unwrap()
    }

    fn budget(meter: &Meter, cap: &str) -> Budget {
        Budget::new(meter, "budget", dollars(cap)).with_period("1d".parse().ok())
    }

    #[test]
    fn spending_starts_at_nothing_with_each_period_without_any_job() {
        let meter = Meter::default();
        let budget = budget(&meter, "1");
        budget
            .reserve(dollars("0.6").billionths(), 100)
            .unwrap()
            .settle(dollars("0.6").billionths(), dollars("0.9").billionths());
        assert_eq!(budget.reserve(dollars("0.2").billionths(), 86_399).unwrap_err(), dollars("0.9"));
        let late = budget.reserve(dollars("0.1").billionths(), 86_399).unwrap();
        assert!(budget.reserve(dollars("1").billionths(), 86_400).is_ok());
        late.settle(dollars("0.1").billionths(), dollars("0.1").billionths());
        assert_eq!(budget.spent(86_400), dollars("1"), "what began yesterday is settled there");
        assert_eq!(budget.resets_at(86_400), Some(2 * 86_400));
    }

    #[test]
    fn what_the_database_says_is_never_added_twice() {
        let meter = Meter::default();
        let budget = budget(&meter, "10");
        budget.learn(dollars("2"), 50, 100);
        budget.learn(dollars("2"), 50, 100);
        assert_eq!(budget.spent(100), dollars("2"));
        budget.reserve(0, 100).unwrap().settle(0, dollars("1").billionths());
        budget.learn(dollars("2"), 50, 100);
        assert_eq!(budget.spent(100), dollars("3"), "what is not in the database yet stays");
        budget.learn(dollars("5"), 50, 100);
        assert_eq!(budget.spent(100), dollars("5"), "what others spent arrives");
        let held = budget.reserve(dollars("1").billionths(), 100).unwrap();
        budget.learn(dollars("5"), 50, 100);
        assert_eq!(budget.spent(100), dollars("6"), "reservations are not in the database");
        held.settle(dollars("1").billionths(), 0);
        budget.learn(Money::ZERO, 50, 100);
        assert_eq!(budget.spent(100), Money::ZERO, "somebody has reset it");
        budget.learn(dollars("7"), 50, 86_400);
        assert_eq!(budget.spent(86_400), Money::ZERO, "that was of another day");
    }

    #[test]
    fn another_cap_or_period_keeps_what_was_spent() {
        let meter = Meter::default();
        budget(&meter, "1").reserve(0, 100).unwrap().settle(0, dollars("0.5").billionths());
        assert_eq!(budget(&meter, "9").spent(100), dollars("0.5"));
        let held = budget(&meter, "9").reserve(dollars("2").billionths(), 100).unwrap();
        let monthly = Budget::new(&meter, "budget", dollars("1")).with_period("1mo".parse().ok());
        assert_eq!(monthly.spent(100), dollars("0.5"), "what is only reserved was not spent");
        held.settle(dollars("2").billionths(), 0);
        assert_eq!(monthly.spent(100), dollars("0.5"));
    }

    #[test]
    fn a_temporary_increase_ends() {
        let meter = Meter::default();
        let more = |now| Budget::new(&meter, "b", dollars("1")).with_increase(dollars("2"), 50, now).cap();
        assert_eq!((more(49), more(50)), (dollars("3"), dollars("1")));
    }

    #[test]
    fn a_budget_of_a_model_counts_it_with_or_without_its_provider() {
        let meter = Meter::default();
        let of = |name: &str| Budget::new(&meter, name, Money::ZERO).with_model(name);
        assert!(of("gpt-4o").counts("openai/gpt-4o") && of("gpt-4o").counts("gpt-4o") && of("*").counts("x"));
        assert!(!of("gpt-4o").counts("gpt-4o-mini") && !of("openai/gpt-4o").counts("gpt-4o"));
    }
}
