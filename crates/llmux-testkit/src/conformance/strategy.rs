//! The rules of [`Strategy`].

use llmux_core::{Candidate, DeploymentId, PickContext, Strategy};

use crate::splits;

/// Candidate lists that are tried.
const LISTS: u64 = 200;
/// The longest list.
const LONGEST: u64 = 12;

/// Checks a strategy: the answer is an index in range, there is one unless there is no candidate, and the same
/// question gets the same answer.
///
/// # Panics
/// When a rule is broken.
pub fn strategy(strategy: &dyn Strategy) {
    let ids: Vec<DeploymentId> = (0..LONGEST).map(|at| format!("deployment-{at}").into()).collect();
    let mut state = 0;
    assert_eq!(strategy.pick(&[], &PickContext::new(7)), None, "there is nothing to pick from");
    for _ in 0..LISTS {
        let length = 1 + splits::next(&mut state) % LONGEST;
        let chosen = ids.iter().take(usize::try_from(length).expect("short"));
        let candidates: Vec<_> = chosen.map(|id| candidate(id, &mut state)).collect();
        for random in [0, 1, u64::MAX, splits::next(&mut state)] {
            let cx = PickContext::new(random);
            let picked = strategy.pick(&candidates, &cx);
            let index = picked.unwrap_or_else(|| panic!("one of {candidates:?} must be picked"));
            assert!(index < candidates.len(), "{index} is no index into {candidates:?}");
            let again = strategy.pick(&candidates, &cx);
            assert_eq!(again, picked, "the same question got two answers: {candidates:?}, {cx:?}");
        }
    }
}

/// A candidate with and without weight and capacity, the odd values of configurations included.
fn candidate<'a>(id: &'a DeploymentId, state: &mut u64) -> Candidate<'a> {
    let weights = [None, Some(0.0), Some(1.0), Some(0.3), Some(1e9)];
    let capacities = [None, Some(0), Some(1), Some(100_000), Some(u64::MAX)];
    let mut one_of = |count: usize| {
        let count = u64::try_from(count).expect("short");
        usize::try_from(splits::next(state) % count).expect("short")
    };
    Candidate::new(id)
        .with_weight(weights[one_of(weights.len())])
        .with_capacity(capacities[one_of(capacities.len())], capacities[one_of(capacities.len())])
}
