//! `simple-shuffle`: a random choice by configured shares.
//!
//! If any candidate has a `weight` above zero, weights are the shares; else if any has such an `rpm`, those; else
//! `tpm`. A candidate without the figure in use has no share. Without any figure all have the same.

use std::sync::Arc;

use llmux_core::{Candidate, Component, PickContext, Result, Strategy};

use crate::share::{by_share, evenly};

/// The strategy; it has no settings.
#[derive(Clone, Copy, Debug, Default)]
pub struct SimpleShuffle;

impl Component for SimpleShuffle {
    type Output = dyn Strategy;
    type Config = serde_json::Value;
    const KIND: &'static str = "simple-shuffle";

    fn build(_: &Self::Config) -> Result<Arc<dyn Strategy>> {
        Ok(Arc::new(Self))
    }
}

impl Strategy for SimpleShuffle {
    fn pick(&self, candidates: &[Candidate<'_>], cx: &PickContext) -> Option<usize> {
        let figures: [fn(&Candidate<'_>) -> Option<f64>; 3] =
            [|c| c.weight, |c| c.rpm.map(|n| n as f64), |c| c.tpm.map(|n| n as f64)];
        figures
            .into_iter()
            .find(|figure| {
                candidates.iter().any(|candidate| figure(candidate).is_some_and(|share| share > 0.0))
            })
            .and_then(|figure| by_share(candidates, figure, cx.random))
            .or_else(|| evenly(candidates.len(), cx.random))
    }
}

#[cfg(test)]
mod tests {
    use llmux_core::DeploymentId;

    use super::*;

    /// Counts choices over evenly spread random numbers.
    fn counts(candidates: &[Candidate<'_>]) -> Vec<u32> {
        let mut counts = vec![0; candidates.len()];
        for step in 0..10_000_u64 {
            let random = step * (u64::MAX / 10_000) + u64::MAX / 20_000;
            counts[SimpleShuffle.pick(candidates, &PickContext::new(random)).unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn weights_come_before_rpm_and_rpm_before_tpm() {
        let id = DeploymentId::from("d");
        let make = |weight, rpm, tpm| Candidate::new(&id).with_weight(weight).with_capacity(rpm, tpm);
        let by_weight = [make(Some(3.0), Some(1), None), make(Some(1.0), Some(99), None)];
        assert_eq!(counts(&by_weight), [7_500, 2_500]);
        let by_rpm = [make(None, Some(1), Some(9)), make(None, Some(4), Some(1))];
        assert_eq!(counts(&by_rpm), [2_000, 8_000]);
        let by_tpm = [make(None, None, Some(9)), make(None, None, Some(1))];
        assert_eq!(counts(&by_tpm), [9_000, 1_000]);
    }

    #[test]
    fn without_figures_all_have_the_same_share() {
        let id = DeploymentId::from("d");
        let candidates = [Candidate::new(&id), Candidate::new(&id), Candidate::new(&id), Candidate::new(&id)];
        assert!(counts(&candidates).iter().all(|count| count.abs_diff(2_500) <= 1));
    }

    #[test]
    fn a_weight_of_zero_is_chosen_only_when_there_is_nothing_else() {
        let id = DeploymentId::from("d");
        let none = Candidate::new(&id).with_weight(Some(0.0));
        assert_eq!(counts(&[none.clone(), Candidate::new(&id).with_weight(Some(1.0))]), [0, 10_000]);
        assert_eq!(SimpleShuffle.pick(&[none], &PickContext::new(u64::MAX)), Some(0));
        assert_eq!(SimpleShuffle.pick(&[], &PickContext::new(0)), None);
    }
}
