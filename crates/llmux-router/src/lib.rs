//! The embeddable engine of LLMux: which deployment answers, and what happens when it does not.
//!
//! A [`Router`] holds model groups of [`Deployment`]s. A request names a group; the router picks a deployment by
//! its strategy, sends the request over the transport, and tries another one when that makes sense: until the
//! first byte of an answer has gone to the client, never after it.
//!
//! The router starts no task and opens no connection itself. It needs a tokio runtime with timers enabled, for
//! back-off pauses and for the built-in provider's delays.

mod attempt;
mod builder;
mod deployment;
mod engine;
mod name;
mod pattern;
mod retry;
mod scripted;
mod table;
mod upload;

pub use builder::RouterBuilder;
pub use deployment::{Deployment, DeploymentSettings};
pub use engine::{Answer, AnswerBody, Ask, Overrides, Refusal, Router};
pub use name::closest;
pub use retry::RetryPolicy;
pub use table::Listing;
pub use upload::{Source, Upload};
