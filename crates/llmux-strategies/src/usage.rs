//! `usage-based-routing` and `usage-based-routing-v2`: the fewest tokens in this minute.
//!
//! What failed attempts would have consumed counts as well: a deployment that is out of order must not look like an idle
//! one. Deployments at their requests or tokens per minute are left out. The second one also counts a request before it
//! is sent, so that the requests per minute of a deployment are never exceeded, whatever comes at the same time.

use std::sync::Arc;

use llmux_core::{Candidate, Component, LimitUse, PickContext, Result, Strategy};

use crate::share::among_lowest;

/// `usage-based-routing`, under the name of LiteLLM's first version.
#[derive(Clone, Copy, Debug, Default)]
pub struct UsageBased;

/// `usage-based-routing-v2`: the same, with limits enforced.
#[derive(Clone, Copy, Debug, Default)]
pub struct UsageBasedV2;

/// One of those with the fewest tokens in this minute, those of failed attempts included.
fn fewest_tokens(candidates: &[Candidate<'_>], cx: &PickContext) -> Option<usize> {
    among_lowest(candidates, 1.0, cx.random, |candidate| {
        let stats = candidate.stats;
        stats.tokens().count(cx.now).saturating_add(stats.lost().count(cx.now)) as f64
    })
}

impl Component for UsageBased {
    type Output = dyn Strategy;
    type Config = serde_json::Value;
    const KIND: &'static str = "usage-based-routing";

    fn build(_: &Self::Config) -> Result<Arc<dyn Strategy>> {
        Ok(Arc::new(Self))
    }
}

impl Strategy for UsageBased {
    fn pick(&self, candidates: &[Candidate<'_>], cx: &PickContext) -> Option<usize> {
        fewest_tokens(candidates, cx)
    }

    fn limits(&self) -> LimitUse {
        LimitUse::Observe
    }
}

impl Component for UsageBasedV2 {
    type Output = dyn Strategy;
    type Config = serde_json::Value;
    const KIND: &'static str = "usage-based-routing-v2";

    fn build(_: &Self::Config) -> Result<Arc<dyn Strategy>> {
        Ok(Arc::new(Self))
    }
}

impl Strategy for UsageBasedV2 {
    fn pick(&self, candidates: &[Candidate<'_>], cx: &PickContext) -> Option<usize> {
        fewest_tokens(candidates, cx)
    }

    fn limits(&self) -> LimitUse {
        LimitUse::Enforce
    }
}

#[cfg(test)]
mod tests {
    use llmux_core::{DeploymentId, DeploymentStats, Moment};

    use super::*;

    #[test]
    fn the_fewest_tokens_of_this_minute_decide_and_chance_among_equals() {
        let (now, id) = (Moment::from_millis(60_000), DeploymentId::from("d"));
        let stats = [const { DeploymentStats::new() }; 3];
        stats[0].tokens().add(now, 50);
        let candidates = stats.each_ref().map(|stats| Candidate::new(&id).with_stats(stats));
        for strategy in [&UsageBased as &dyn Strategy, &UsageBasedV2] {
            assert_eq!(strategy.pick(&candidates, &PickContext::new(0).at(now)), Some(1));
            assert_eq!(strategy.pick(&candidates, &PickContext::new(u64::MAX).at(now)), Some(2));
            let next_minute = PickContext::new(0).at(Moment::from_millis(120_000));
            assert_eq!(strategy.pick(&candidates, &next_minute), Some(0));
        }
        assert!(UsageBasedV2.limits() > UsageBased.limits());
    }

    #[test]
    fn a_deployment_that_fails_is_not_taken_for_an_idle_one() {
        let (now, id) = (Moment::from_millis(60_000), DeploymentId::from("d"));
        let stats = [const { DeploymentStats::new() }; 2];
        stats[0].tokens().add(now, 50);
        stats[1].lost().add(now, 60);
        let candidates = stats.each_ref().map(|stats| Candidate::new(&id).with_stats(stats));
        assert_eq!(UsageBased.pick(&candidates, &PickContext::new(0).at(now)), Some(0));
    }
}
