//! Routing strategies of LLMux, one file each.
//!
//! ```
//! use llmux_core::{Candidate, DeploymentId, PickContext, Registry};
//!
//! let mut registry = Registry::empty();
//! llmux_strategies::register(&mut registry);
//! let shuffle = registry.strategies.build("simple-shuffle", &serde_json::Value::Null)?;
//! let (a, b) = (DeploymentId::from("a"), DeploymentId::from("b"));
//! let candidates = [
//!     Candidate::new(&a).with_weight(Some(1.0)),
//!     Candidate::new(&b).with_weight(Some(0.0)),
//! ];
//! assert_eq!(shuffle.pick(&candidates, &PickContext::new(42)), Some(0));
//! # Ok::<(), llmux_core::Error>(())
//! ```

pub mod cost;
pub mod latency;
pub mod latency_ewma;
pub mod least_busy;
pub mod power_of_two;
pub mod priority;
pub mod round_robin;
pub mod simple_shuffle;
pub mod usage;

mod settings;
mod share;

use llmux_core::Registry;

/// Adds every strategy of this crate.
pub fn register(registry: &mut Registry) {
    let strategies = &mut registry.strategies;
    strategies.register::<simple_shuffle::SimpleShuffle>();
    strategies.register::<round_robin::RoundRobin>();
    strategies.register::<least_busy::LeastBusy>();
    strategies.register::<latency::LatencyBased>();
    strategies.register::<latency_ewma::LatencyEwma>();
    strategies.register::<power_of_two::PowerOfTwo>();
    strategies.register::<usage::UsageBased>();
    strategies.register::<usage::UsageBasedV2>();
    strategies.register::<cost::CostBased>();
    strategies.register::<priority::Priority>();
}
