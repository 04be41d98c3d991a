//! `cost-based-routing`: the cheapest, by the sum of what a prompt token and an answer token cost.
//!
//! A deployment without a known price comes last. Those at their requests or tokens per minute are left out.

use std::sync::Arc;

use llmux_core::{Candidate, Component, LimitUse, PickContext, Result, Strategy};

/// US dollars for a token whose price is not known: LiteLLM's figure, more than any real one.
const UNKNOWN: f64 = 5.0;

/// The strategy; it has no settings.
#[derive(Clone, Copy, Debug, Default)]
pub struct CostBased;

impl Component for CostBased {
    type Output = dyn Strategy;
    type Config = serde_json::Value;
    const KIND: &'static str = "cost-based-routing";

    fn build(_: &Self::Config) -> Result<Arc<dyn Strategy>> {
        Ok(Arc::new(Self))
    }
}

impl Strategy for CostBased {
    fn pick(&self, candidates: &[Candidate<'_>], _: &PickContext) -> Option<usize> {
        let price = |candidate: &Candidate<'_>| {
            candidate.prices.map_or(2.0 * UNKNOWN, |prices| prices.input + prices.output)
        };
        let prices = candidates.iter().map(price).enumerate();
        prices.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(at, _)| at)
    }

    fn limits(&self) -> LimitUse {
        LimitUse::Observe
    }
}

#[cfg(test)]
mod tests {
    use llmux_core::{DeploymentId, TokenPrices};

    use super::*;

    #[test]
    fn the_cheapest_is_asked_and_one_without_a_price_last() {
        let id = DeploymentId::from("d");
        let priced = |input, output| Candidate::new(&id).with_prices(Some(TokenPrices { input, output }));
        let pick = |candidates: &[Candidate<'_>]| CostBased.pick(candidates, &PickContext::new(3));
        assert_eq!(pick(&[Candidate::new(&id), priced(2e-6, 8e-6), priced(3e-6, 4e-6)]), Some(2));
        assert_eq!(pick(&[Candidate::new(&id), priced(1.0, 1.0)]), Some(1));
        assert_eq!(pick(&[Candidate::new(&id), Candidate::new(&id)]), Some(0));
        assert_eq!(pick(&[priced(0.0, 0.0), priced(1e-9, 0.0)]), Some(0));
    }
}
