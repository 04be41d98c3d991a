//! Limits from outside: gates, passes and what many threads make of them.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod gates;
mod threads;

use std::sync::Arc;

use llmux_core::Money;
use llmux_limits::{Budget, Gate, Meter, Rates, Scope, ScopeKind};

fn dollars(amount: &str) -> Money {
    amount.parse().unwrap()
}

/// A gate of a key with these rates and perhaps a budget.
fn gate(rates: Rates, cap: Option<&str>) -> Arc<Gate> {
    of(ScopeKind::Key, rates, cap)
}

fn of(kind: ScopeKind, rates: Rates, cap: Option<&str>) -> Arc<Gate> {
    let meter = Arc::new(Meter::default());
    let budgets = cap.map(|cap| Budget::new(&meter, "budget", dollars(cap)));
    Arc::new(Gate::new(Scope::new(kind, "id"), meter, rates, budgets.into_iter().collect()))
}
