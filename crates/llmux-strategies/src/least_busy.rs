//! `least-busy`: the candidate with the fewest requests under way, the first of equals.

use std::sync::Arc;

use llmux_core::{Candidate, Component, PickContext, Result, Strategy};

/// The strategy; it has no settings.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeastBusy;

impl Component for LeastBusy {
    type Output = dyn Strategy;
    type Config = serde_json::Value;
    const KIND: &'static str = "least-busy";

    fn build(_: &Self::Config) -> Result<Arc<dyn Strategy>> {
        Ok(Arc::new(Self))
    }
}

impl Strategy for LeastBusy {
    fn pick(&self, candidates: &[Candidate<'_>], _: &PickContext) -> Option<usize> {
        let busy = candidates.iter().enumerate().map(|(at, candidate)| (candidate.stats.in_flight(), at));
        busy.min().map(|(_, at)| at)
    }
}

#[cfg(test)]
mod tests {
    use llmux_core::{DeploymentId, DeploymentStats};

    use super::*;

    #[test]
    fn the_one_with_the_fewest_requests_under_way_is_asked_and_the_first_of_equals() {
        let (id, stats) = (DeploymentId::from("d"), [const { DeploymentStats::new() }; 3]);
        let candidates = stats.each_ref().map(|stats| Candidate::new(&id).with_stats(stats));
        let mut picked = Vec::new();
        for _ in 0..4 {
            let at = LeastBusy.pick(&candidates, &PickContext::new(1)).unwrap();
            stats[at].enter();
            picked.push(at);
        }
        stats[2].leave();
        picked.push(LeastBusy.pick(&candidates, &PickContext::new(1)).unwrap());
        assert_eq!(picked, [0, 1, 2, 0, 2]);
    }
}
