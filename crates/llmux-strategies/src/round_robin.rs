//! `round-robin`: the candidates in turn.

use std::sync::Arc;

use llmux_core::{Candidate, Component, PickContext, Result, Strategy};

/// The strategy; it has no settings.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundRobin;

impl Component for RoundRobin {
    type Output = dyn Strategy;
    type Config = serde_json::Value;
    const KIND: &'static str = "round-robin";

    fn build(_: &Self::Config) -> Result<Arc<dyn Strategy>> {
        Ok(Arc::new(Self))
    }
}

impl Strategy for RoundRobin {
    fn pick(&self, candidates: &[Candidate<'_>], cx: &PickContext) -> Option<usize> {
        let turn = cx.turn.checked_rem(u64::try_from(candidates.len()).ok()?)?;
        usize::try_from(turn).ok()
    }
}

#[cfg(test)]
mod tests {
    use llmux_core::DeploymentId;

    use super::*;

    #[test]
    fn every_candidate_has_its_turn() {
        let id = DeploymentId::from("d");
        let candidates = [Candidate::new(&id), Candidate::new(&id), Candidate::new(&id)];
        let picked: Vec<_> = (0..6)
            .map(|turn| RoundRobin.pick(&candidates, &PickContext::new(9).with_turn(turn)).unwrap())
            .collect();
        assert_eq!(picked, [0, 1, 2, 0, 1, 2]);
    }
}
