//! Behaviour of the loader as its users see it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod checking;
mod committed;
mod deployments;
mod environment;
mod includes;
mod pass_through;
mod robustness;
mod secrets;
mod support;
mod tables;
mod yaml;
