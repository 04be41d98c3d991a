//! `latency-based-routing`: the fastest lately, or at random among those nearly as fast.
//!
//! A sample is the time of an answer for each of its tokens, or the plain time where there are none. For streams
//! the time to the first frame counts where it is known. A deployment without samples counts as the fastest, so
//! that each is tried. Deployments at their requests or tokens per minute are left out.

use std::sync::Arc;

use llmux_core::{Candidate, Component, LimitUse, PickContext, Result, Strategy};
use serde::Deserialize;

use crate::{settings, share::among_lowest};

/// The strategy.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct LatencyBased {
    /// Seconds for which a sample counts.
    ttl: u64,
    /// How much slower than the fastest a deployment may be to be chosen as well: 0.5 stands for half as slow again.
    lowest_latency_buffer: f64,
    /// How many of the latest samples count.
    max_latency_list_size: usize,
    /// The share of first-frame times that the score of a stream does not exceed; their average if not given.
    ttft_percentile: Option<f64>,
}

impl Default for LatencyBased {
    /// LiteLLM's figures.
    fn default() -> Self {
        Self { ttl: 3600, lowest_latency_buffer: 0.0, max_latency_list_size: 10, ttft_percentile: None }
    }
}

impl LatencyBased {
    fn score(&self, candidate: &Candidate<'_>, cx: &PickContext) -> f64 {
        let (count, stats) = (self.max_latency_list_size, candidate.stats);
        let first_token = || match self.ttft_percentile {
            Some(p) => stats.first_token().percentile(p, count, self.ttl, cx.now),
            None => stats.first_token().average(count, self.ttl, cx.now),
        };
        let first_token = if cx.stream { first_token() } else { None };
        first_token.or_else(|| stats.latency().average(count, self.ttl, cx.now)).unwrap_or(0.0)
    }
}

impl Component for LatencyBased {
    type Output = dyn Strategy;
    type Config = serde_json::Value;
    const KIND: &'static str = "latency-based-routing";

    fn build(config: &Self::Config) -> Result<Arc<dyn Strategy>> {
        let strategy: Self = settings::read(config)?;
        if strategy.ttft_percentile.is_some_and(|p| !(p > 0.0 && p <= 1.0)) {
            return Err(settings::wrong("`ttft_percentile` must be above 0 and at most 1"));
        }
        if !(strategy.lowest_latency_buffer >= 0.0 && strategy.lowest_latency_buffer.is_finite()) {
            return Err(settings::wrong("`lowest_latency_buffer` must not be negative"));
        }
        if strategy.max_latency_list_size == 0 {
            return Err(settings::wrong("`max_latency_list_size` must not be 0"));
        }
        Ok(Arc::new(strategy))
    }
}

impl Strategy for LatencyBased {
    fn pick(&self, candidates: &[Candidate<'_>], cx: &PickContext) -> Option<usize> {
        let most = 1.0 + self.lowest_latency_buffer;
        among_lowest(candidates, most, cx.random, |candidate| self.score(candidate, cx))
    }

    fn limits(&self) -> LimitUse {
        LimitUse::Observe
    }
}

#[cfg(test)]
mod tests {
    use llmux_core::{DeploymentId, DeploymentStats, Moment};
    use serde_json::json;

    use super::*;

    const NOW: Moment = Moment::from_millis(1_000_000);

    fn cx(random: u64) -> PickContext {
        PickContext::new(random).at(NOW)
    }

    fn pick(args: serde_json::Value, stats: &[DeploymentStats], cx: &PickContext) -> usize {
        let id = DeploymentId::from("d");
        let candidates: Vec<_> = stats.iter().map(|stats| Candidate::new(&id).with_stats(stats)).collect();
        LatencyBased::build(&args).unwrap().pick(&candidates, cx).unwrap()
    }

    fn slow_and_fast() -> [DeploymentStats; 2] {
        let stats = [const { DeploymentStats::new() }; 2];
        for (stats, latency) in stats.iter().zip([0.03, 0.02]) {
            stats.latency().record(latency, NOW);
        }
        stats
    }

    #[test]
    fn the_fastest_is_asked_and_a_deployment_never_asked_before_it() {
        let stats = slow_and_fast();
        for random in [0, u64::MAX] {
            assert_eq!(pick(json!({}), &stats, &cx(random)), 1);
        }
        let mut with_new = Vec::from(stats);
        with_new.push(DeploymentStats::new());
        assert_eq!(pick(json!(null), &with_new, &cx(0)), 2);
    }

    #[test]
    fn the_buffer_lets_nearly_as_fast_ones_share() {
        let stats = slow_and_fast();
        let args = json!({"lowest_latency_buffer": 0.6});
        assert_eq!(pick(args.clone(), &stats, &cx(0)), 0);
        assert_eq!(pick(args, &stats, &cx(u64::MAX)), 1);
        assert_eq!(pick(json!({"lowest_latency_buffer": 0.4}), &stats, &cx(0)), 1);
    }

    #[test]
    fn streams_go_by_the_time_to_the_first_frame_or_its_percentile() {
        let stats = slow_and_fast();
        // The first is quicker on average, the second in the slowest tenth.
        [0.1, 0.1, 0.1, 0.9].into_iter().for_each(|time| stats[0].first_token().record(time, NOW));
        [0.4, 0.4, 0.4, 0.4].into_iter().for_each(|time| stats[1].first_token().record(time, NOW));
        assert_eq!(pick(json!({}), &stats, &cx(0).with_stream(true)), 0);
        assert_eq!(pick(json!({"ttft_percentile": 0.9}), &stats, &cx(0).with_stream(true)), 1);
        assert_eq!(
            pick(json!({"ttft_percentile": 0.9}), &stats, &cx(0)),
            1,
            "only streams have a first frame"
        );
    }

    #[test]
    fn old_samples_and_those_beyond_the_list_do_not_count() {
        let stats = slow_and_fast();
        let later = PickContext::new(0).at(Moment::from_millis(1_000_000 + 61_000));
        stats[1].latency().record(9.0, Moment::from_millis(1_060_000));
        assert_eq!(pick(json!({"ttl": 60}), &stats, &later), 0, "the first has no samples any more");
        let stats = slow_and_fast();
        stats[0].latency().record(0.001, NOW);
        assert_eq!(pick(json!({"max_latency_list_size": 1}), &stats, &cx(0)), 0);
    }

    #[test]
    fn settings_out_of_bounds_are_refused_by_name() {
        for (args, name) in [
            (json!({"ttft_percentile": 1.5}), "ttft_percentile"),
            (json!({"lowest_latency_buffer": -1}), "lowest_latency_buffer"),
            (json!({"max_latency_list_size": 0}), "max_latency_list_size"),
            (json!({"ttl": "long"}), "routing_strategy_args"),
        ] {
            let error = LatencyBased::build(&args).err().unwrap();
            assert!(error.message().contains(name), "{error}");
        }
    }
}
