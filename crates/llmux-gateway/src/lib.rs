//! The data plane of LLMux as a library.
//!
//! [`server`] moves bytes within limits; [`Gateway`] says what each request gets; [`Snapshot`] is what it serves
//! from, built from a configuration. The life of a request can be read in `pipeline.rs`.

pub mod cors;
pub mod server;

mod access;
mod array;
mod bill;
mod body;
mod catalogue;
mod chunks;
mod costed;
mod dispatch;
mod error;
mod gateway;
mod headers;
mod health;
mod landing;
mod manage;
mod models;
mod ollama;
mod pipeline;
mod relay;
mod responses;
mod snapshot;
mod stage;
mod tenancy;
mod utilities;

pub use body::Body;
pub use dispatch::{Endpoint, FactsPage, Kept, Manage, Utility, dispatch};
pub use gateway::Gateway;
pub use manage::Source;
pub use responses::{MemoryStore, StoreLimits};
pub use snapshot::{Built, Parts, Snapshot};
pub use tenancy::Tenancy;
