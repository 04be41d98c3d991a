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

pub mod simple_shuffle;

use llmux_core::Registry;

/// Adds every strategy of this crate.
pub fn register(registry: &mut Registry) {
    registry.strategies.register::<simple_shuffle::SimpleShuffle>();
}
