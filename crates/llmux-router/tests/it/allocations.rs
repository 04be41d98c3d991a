//! What a choice takes from the heap: nothing, however many filters run; among more than sixty-four deployments, its
//! lists.

use crate::{
    crowd::{self, Asking},
    hosts::registry,
};

/// Blocks that one choice among so many deployments takes, whatever came before it.
fn blocks(count: usize, strategy: &str) -> u64 {
    let (router, asking) = (crowd::router(count, strategy), Asking::new());
    let ask = asking.ask();
    // Threads take memory of their own with their first choice.
    router.pick(&ask).unwrap();
    allocation_counter::measure(|| assert!(router.pick(&ask).is_ok())).count_total
}

#[test]
fn a_choice_takes_nothing_from_the_heap_whatever_the_strategy_and_however_many_filters_run() {
    let registry = registry();
    for kind in registry.strategies.kinds() {
        for count in [2, 10, 64] {
            assert_eq!(blocks(count, kind), 0, "{kind} among {count}");
        }
        for count in [100, 1_000] {
            let blocks = blocks(count, kind);
            assert!(blocks <= 6, "{kind} among {count}: {blocks}, and sets and lists are all that it needs");
        }
    }
}
