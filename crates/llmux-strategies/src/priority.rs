//! `priority`: the candidates with the lowest number of their routing group; equal numbers share.
//!
//! Failed ones are no candidates any more, so the next number follows.

use std::sync::Arc;

use llmux_core::{Candidate, Component, PickContext, Result, Strategy};

use crate::share::among_lowest;

/// The strategy; the numbers are the routing group's `model_priorities`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Priority;

impl Component for Priority {
    type Output = dyn Strategy;
    type Config = serde_json::Value;
    const KIND: &'static str = "priority";

    fn build(_: &Self::Config) -> Result<Arc<dyn Strategy>> {
        Ok(Arc::new(Self))
    }
}

impl Strategy for Priority {
    fn pick(&self, candidates: &[Candidate<'_>], cx: &PickContext) -> Option<usize> {
        let number = |candidate: &Candidate<'_>| f64::from(candidate.priority.unwrap_or(u32::MAX));
        among_lowest(candidates, 1.0, cx.random, number)
    }
}

#[cfg(test)]
mod tests {
    use llmux_core::DeploymentId;

    use super::*;

    #[test]
    fn the_lowest_number_is_asked_and_equal_numbers_share() {
        let id = DeploymentId::from("d");
        let of = |number| Candidate::new(&id).with_priority(number);
        let candidates = [of(Some(2)), of(Some(1)), of(None), of(Some(1))];
        let pick = |random| Priority.pick(&candidates, &PickContext::new(random));
        assert_eq!((pick(0), pick(u64::MAX)), (Some(1), Some(3)));
    }
}
