//! `power-of-two-choices`: the better of two candidates drawn at random.
//!
//! Better is who has fewer requests under way, each weighed by how long answers took lately. Two draws are enough
//! to keep queues short, and many gateways that choose at once do not all run to the same deployment.

use std::sync::Arc;

use llmux_core::{Candidate, Component, PickContext, Result, Strategy};

use crate::{latency_ewma::moving_average, share::evenly};

/// Seconds for which a latency sample counts.
const TTL: u64 = 3600;
/// Weight of the newest latency sample.
const ALPHA: f64 = 0.3;

/// The strategy; it has no settings.
#[derive(Clone, Copy, Debug, Default)]
pub struct PowerOfTwo;

impl PowerOfTwo {
    fn load(candidate: &Candidate<'_>, cx: &PickContext) -> f64 {
        let latency = moving_average(candidate.stats.latency(), ALPHA, TTL, cx).unwrap_or(0.0);
        // Never zero: among deployments without samples the number of requests decides.
        (candidate.stats.in_flight() as f64 + 1.0) * latency.max(1e-6)
    }
}

impl Component for PowerOfTwo {
    type Output = dyn Strategy;
    type Config = serde_json::Value;
    const KIND: &'static str = "power-of-two-choices";

    fn build(_: &Self::Config) -> Result<Arc<dyn Strategy>> {
        Ok(Arc::new(Self))
    }
}

impl Strategy for PowerOfTwo {
    fn pick(&self, candidates: &[Candidate<'_>], cx: &PickContext) -> Option<usize> {
        let first = evenly(candidates.len(), cx.random)?;
        // The other draw is one of the rest; a multiplication by an odd number gives it bits of its own.
        let Some(step) =
            evenly(candidates.len().saturating_sub(1), cx.random.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        else {
            return Some(first);
        };
        let second = (first + step + 1) % candidates.len();
        let load = |at: usize| candidates.get(at).map_or(f64::MAX, |candidate| Self::load(candidate, cx));
        Some(if load(second) < load(first) { second } else { first })
    }
}

#[cfg(test)]
mod tests {
    use llmux_core::{DeploymentId, DeploymentStats, Moment};

    use super::*;

    #[test]
    fn the_busiest_of_all_is_never_chosen_and_the_idlest_most_often() {
        let (id, stats) = (DeploymentId::from("d"), [const { DeploymentStats::new() }; 3]);
        for (stats, busy) in stats.iter().zip([0, 3, 9]) {
            (0..busy).for_each(|_| stats.enter());
        }
        let candidates = stats.each_ref().map(|stats| Candidate::new(&id).with_stats(stats));
        let mut counts = [0; 3];
        for step in 0..3_000_u64 {
            let random = step.wrapping_mul(0xD134_2543_DE82_EF95);
            counts[PowerOfTwo.pick(&candidates, &PickContext::new(random)).unwrap()] += 1;
        }
        assert_eq!(counts[2], 0);
        assert!((1_800..2_200).contains(&counts[0]), "two draws of three hold the idlest: {counts:?}");
    }

    #[test]
    fn a_slow_deployment_counts_as_a_busier_one() {
        let (now, id) = (Moment::from_millis(60_000), DeploymentId::from("d"));
        let stats = [const { DeploymentStats::new() }; 2];
        stats[0].latency().record(2.0, now);
        stats[1].latency().record(0.5, now);
        stats[1].enter();
        let candidates = stats.each_ref().map(|stats| Candidate::new(&id).with_stats(stats));
        assert_eq!(PowerOfTwo.pick(&candidates, &PickContext::new(7).at(now)), Some(1));
    }
}
