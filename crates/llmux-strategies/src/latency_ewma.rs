//! `latency-ewma`: the lowest moving average of latency, in which newer samples weigh more.
//!
//! It follows a change faster than the plain average of `latency-based-routing`, and is less nervous than the
//! latest sample. A deployment without samples comes first.

use std::sync::Arc;

use llmux_core::{
    Candidate, Component, DeploymentStats, LimitUse, PickContext, Result, Strategy, stats::Samples,
};
use serde::Deserialize;

use crate::{settings, share::among_lowest};

/// The strategy.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct LatencyEwma {
    /// Weight of the newest sample, above 0 and at most 1; each older one weighs so much less.
    alpha: f64,
    /// Seconds for which a sample counts.
    ttl: u64,
    /// How much slower than the fastest a deployment may be to be chosen as well.
    lowest_latency_buffer: f64,
}

impl Default for LatencyEwma {
    fn default() -> Self {
        Self { alpha: 0.3, ttl: 3600, lowest_latency_buffer: 0.0 }
    }
}

/// The moving average of the samples, newest first; `None` when there are none.
pub(crate) fn moving_average(samples: &Samples, alpha: f64, ttl: u64, cx: &PickContext) -> Option<f64> {
    let (mut sum, mut weights, mut weight) = (0.0, 0.0, 1.0);
    for sample in samples.recent(Samples::KEPT, ttl, cx.now) {
        sum += weight * sample;
        weights += weight;
        weight *= 1.0 - alpha;
    }
    (weights > 0.0).then(|| sum / weights)
}

impl LatencyEwma {
    fn score(&self, stats: &DeploymentStats, cx: &PickContext) -> f64 {
        let average = |samples| moving_average(samples, self.alpha, self.ttl, cx);
        let first_token = if cx.stream { average(stats.first_token()) } else { None };
        first_token.or_else(|| average(stats.latency())).unwrap_or(0.0)
    }
}

impl Component for LatencyEwma {
    type Output = dyn Strategy;
    type Config = serde_json::Value;
    const KIND: &'static str = "latency-ewma";

    fn build(config: &Self::Config) -> Result<Arc<dyn Strategy>> {
        let strategy: Self = settings::read(config)?;
        if !(strategy.alpha > 0.0 && strategy.alpha <= 1.0) {
            return Err(settings::wrong("`alpha` must be above 0 and at most 1"));
        }
        if !(strategy.lowest_latency_buffer >= 0.0 && strategy.lowest_latency_buffer.is_finite()) {
            return Err(settings::wrong("`lowest_latency_buffer` must not be negative"));
        }
        Ok(Arc::new(strategy))
    }
}

impl Strategy for LatencyEwma {
    fn pick(&self, candidates: &[Candidate<'_>], cx: &PickContext) -> Option<usize> {
        let most = 1.0 + self.lowest_latency_buffer;
        among_lowest(candidates, most, cx.random, |candidate| self.score(candidate.stats, cx))
    }

    fn limits(&self) -> LimitUse {
        LimitUse::Observe
    }
}

#[cfg(test)]
mod tests {
    use llmux_core::{DeploymentId, Moment};

    use super::*;

    #[test]
    fn a_deployment_that_became_fast_is_preferred_before_its_plain_average_says_so() {
        let (now, id) = (Moment::from_millis(1_000_000), DeploymentId::from("d"));
        let (was_slow, steady) = (DeploymentStats::new(), DeploymentStats::new());
        [9.0, 9.0, 9.0, 9.0, 0.1, 0.1, 0.1, 0.1, 0.1]
            .into_iter()
            .for_each(|s| was_slow.latency().record(s, now));
        [3.0; 9].into_iter().for_each(|s| steady.latency().record(s, now));
        let candidates = [&steady, &was_slow].map(|stats| Candidate::new(&id).with_stats(stats));
        let cx = PickContext::new(0).at(now);
        assert_eq!(LatencyEwma::default().pick(&candidates, &cx), Some(1));
        assert!(was_slow.latency().average(9, 60, now).unwrap() > 3.0);
        assert!(LatencyEwma::build(&serde_json::json!({"alpha": 0})).is_err());
    }
}
