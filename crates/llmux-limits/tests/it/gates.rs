//! All gates or none.

use std::sync::Arc;

use llmux_core::Money;
use llmux_limits::{Ask, Budget, Gate, LimitKind, Meter, Rates, Scope, ScopeKind, admit};
use proptest::prelude::*;

use crate::{dollars, gate, of};

#[test]
fn requests_beyond_the_limit_are_refused_until_the_window_closes() {
    let gate = gate(Rates::new(Some(2), None, None), None);
    let ask = |now| admit([&gate], &Ask::new("m", now)).map(|pass| pass.settle(0, Money::ZERO, now));
    assert!(ask(1_000).is_ok() && ask(1_001).is_ok());
    let refusal = ask(1_002).unwrap_err();
    assert_eq!((refusal.kind, refusal.resets_at), (LimitKind::Requests, Some(1_060)));
    assert_eq!(
        refusal.to_string(),
        "Rate limit exceeded for api_key: id. Limit type: requests. Current limit: 2, Remaining: 0. \
         Limit resets at: 1970-01-01 00:17:40 UTC"
    );
    assert!(ask(1_060).is_ok());
}

#[test]
fn tokens_are_reserved_before_and_corrected_after() {
    let gate = gate(Rates::new(None, Some(100), None), None);
    let ask = Ask::new("m", 1_000).with_tokens(20, Some(40));
    let first = admit([&gate], &ask).unwrap();
    assert_eq!(admit([&gate], &ask).map(drop).unwrap_err().remaining, 40);
    let _ = first.settle(30, Money::ZERO, 1_001);
    let second = admit([&gate], &ask).unwrap();
    assert_eq!(second.tightest(LimitKind::Tokens).unwrap().remaining, 10);
    drop(second);
    let third = admit([&gate], &Ask::new("m", 1_001).with_tokens(1, None)).unwrap();
    assert_eq!(
        third.tightest(LimitKind::Tokens).unwrap().remaining,
        100 - 30 - 1 - 12,
        "a failed call is refunded"
    );
}

#[test]
fn a_request_that_is_refused_at_one_gate_is_counted_at_none() {
    let team = of(ScopeKind::Team, Rates::new(Some(10), Some(1_000), Some(10)), Some("1"));
    let key = of(ScopeKind::Key, Rates::new(Some(0), None, None), None);
    let refusal = admit([&team, &key], &Ask::new("m", 9).with_cost(dollars("0.4"))).map(drop).unwrap_err();
    assert_eq!(refusal.scope, Scope::new(ScopeKind::Key, "id"));
    let pass = admit([&team], &Ask::new("m", 9).with_cost(dollars("1"))).unwrap();
    let rooms: Vec<_> = pass.rooms().map(|(_, kind, room)| (kind, room.remaining)).collect();
    assert_eq!(rooms, [(LimitKind::Requests, 9), (LimitKind::Tokens, 1_000 - 125), (LimitKind::Parallel, 9)]);
}

#[test]
fn budgets_are_asked_before_rates() {
    let key = gate(Rates::new(Some(0), None, None), None);
    let team = of(ScopeKind::Team, Rates::default(), Some("0"));
    let refusal = admit([&key, &team], &Ask::new("m", 9)).map(drop).unwrap_err();
    assert_eq!(refusal.kind, LimitKind::Budget);
    assert_eq!(refusal.to_string(), "Budget has been exceeded! team: id. Current cost: 0, Max budget: 0");
}

#[test]
fn a_request_whose_price_is_unknown_passes_while_anything_is_left() {
    let gate = gate(Rates::default(), Some("1"));
    let _ = admit([&gate], &Ask::new("m", 9)).unwrap().settle(5, dollars("0.999999999"), 9);
    let _ = admit([&gate], &Ask::new("m", 9)).unwrap().settle(5, dollars("0.5"), 9);
    assert!(admit([&gate], &Ask::new("m", 9)).is_err());
}

#[test]
fn a_soft_limit_is_reported_once_and_stops_nobody() {
    let meter = Arc::new(Meter::default());
    let budget = Budget::new(&meter, "budget", dollars("10")).with_soft_limit(Some(dollars("1")));
    let gate = Arc::new(Gate::new(Scope::new(ScopeKind::Key, "k"), meter, Rates::default(), vec![budget]));
    let mut reached =
        (0..4).flat_map(|_| admit([&gate], &Ask::new("m", 9)).unwrap().settle(0, dollars("0.6"), 9));
    assert_eq!(reached.next().unwrap().amount, dollars("1"));
    assert_eq!(reached.next(), None);
}

#[test]
fn a_budget_of_one_model_does_not_limit_another() {
    let meter = Arc::new(Meter::default());
    let budget = Budget::new(&meter, "gpt-4o", dollars("0")).with_model("gpt-4o");
    let gate = Arc::new(Gate::new(Scope::new(ScopeKind::Key, "k"), meter, Rates::default(), vec![budget]));
    assert!(admit([&gate], &Ask::new("gpt-4o", 9)).is_err());
    assert!(admit([&gate], &Ask::new("gpt-4o-mini", 9)).is_ok());
}

proptest! {
    #[test]
    fn a_budget_is_never_exceeded_and_nothing_reserved_is_forgotten(
        calls in proptest::collection::vec((0_u32..30, 0_u32..=100, any::<bool>(), 0_usize..5), 1..60)
    ) {
        let gate = gate(Rates::new(None, None, Some(1_000)), Some("0.5"));
        let (mut open, mut spent) = (Vec::new(), Money::ZERO);
        let cents = |cents: u32| dollars("0.01").times(cents.into());
        for (estimate, part, fails, close) in calls {
            let ask = Ask::new("m", 9).with_cost(cents(estimate));
            open.extend(admit([&gate], &ask).ok().map(|pass| (pass, estimate, part, fails)));
            if close < open.len() {
                let (pass, estimate, part, fails) = open.remove(close);
                if !fails {
                    let cost = cents(estimate * part / 100);
                    spent = spent + cost;
                    let _ = pass.settle(1, cost, 9);
                }
            }
            prop_assert!(gate.budgets()[0].spent(9) <= dollars("0.5"));
        }
        open.clear();
        prop_assert_eq!(gate.budgets()[0].spent(9), spent);
        let last = admit([&gate], &Ask::new("m", 9));
        if let Ok(last) = last {
            prop_assert_eq!(last.tightest(LimitKind::Parallel).unwrap().remaining, 999);
        }
    }
}
