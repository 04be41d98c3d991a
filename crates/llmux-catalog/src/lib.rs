//! What LLMux knows of models: prices, windows, capabilities, and the cost of a usage record.
//!
//! [`Catalogue`] finds the [`Facts`] of a model; their [`Rates`] say what a usage record costs, exact to the last
//! digit. The crate does no I/O: whoever has a price map from a file or an address puts it over the built-in facts.
//!
//! ```
//! use llmux_catalog::{Catalogue, Query};
//! use llmux_core::{Terms, Usage};
//!
//! let catalogue = Catalogue::builtin();
//! let facts = catalogue.find(&Query::new("anthropic", "claude-sonnet-4-5")).expect("a known model");
//! let mut usage = Usage::default();
//! (usage.input, usage.output) = (1000, 200);
//! assert_eq!(facts.rates.cost(&usage, &Terms::new()).total().to_string(), "0.006");
//! ```

mod builtin;
mod capability;
mod catalogue;
mod deployment;
mod facts;
mod memo;
mod names;
mod rates;
mod unit;

pub use builtin::write;
pub use capability::Capabilities;
pub use catalogue::{Catalogue, Query};
pub use deployment::DeploymentFacts;
pub use facts::{Facts, WrongFact};
pub use rates::Rates;
pub use unit::{Key, Unit};
