//! The embeddable engine of LLMux: which deployment answers, and what happens when it does not.
//!
//! A [`Router`] holds model groups of [`Deployment`]s. A request names a group; the router picks a deployment by
//! its strategy, sends the request over the transport, and tries another one when that makes sense: until the
//! first byte of an answer has gone to the client, never after it.
//!
//! The router starts no task and opens no connection itself. It needs a tokio runtime with timers enabled, for
//! back-off pauses and for the built-in provider's delays.

mod account;
mod ask;
mod attempt;
mod builder;
mod clock;
mod cooldown;
mod deployment;
mod detour;
mod directions;
mod engine;
mod exception;
mod explain;
mod fallback;
mod filter;
#[cfg(fuzzing)]
pub mod fuzzing;
mod group;
mod health;
mod hedge;
mod line;
mod live;
mod mask;
mod media;
mod name;
mod pattern;
mod pick;
mod pieces;
mod policy;
mod refusal;
mod replication;
mod retry;
mod scripted;
mod state;
mod steps;
mod sync;
mod table;
mod tokens;
mod upload;
mod visit;

pub use account::Account;
pub use ask::{Answer, AnswerBody, Ask, Overrides, Refusal};
pub use builder::RouterBuilder;
pub use cooldown::{Cooldown, CooldownPolicy, DeploymentCooldown};
pub use deployment::{Budget, Capabilities, Deployment, DeploymentSettings, TierTimeouts};
pub use directions::{Directions, MockFailure};
pub use engine::Router;
pub use exception::{Exception, PerException};
pub use explain::{Exclusion, Explained, Explanation};
pub use fallback::{Fallback, FallbackList, FallbackPolicy};
pub use health::{CheckResult, HealthCheck};
pub use live::DeploymentStatus;
pub use name::closest;
pub use policy::{AffinityPolicy, HedgePolicy, Remembered, RouterPolicy, RoutingGroup, TagPolicy};
pub use replication::{Replication, ReplicationOptions, SharedLimits};
pub use retry::{RetryBudget, RetryPolicy};
pub use state::{DeploymentState, RouterState};
pub use table::Listing;
pub use upload::{Source, Upload};
