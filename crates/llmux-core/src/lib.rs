//! The vocabulary of LLMux.
//!
//! Everything that two crates of the workspace must agree on lives here and nothing else does: identifiers,
//! the one [`Error`] type, [`Usage`], the traits of each kind of plug-in and the [`Registry`] that finds an
//! implementation by its kind. The crate does no I/O and depends on no runtime, client or database.
//!
//! ```
//! use llmux_core::{Error, ErrorKind};
//!
//! let error = Error::new(ErrorKind::RateLimited, "the provider is busy").with_param("model");
//! assert_eq!(error.status().as_u16(), 429);
//! assert!(error.is_retryable());
//! ```

pub mod context;
pub mod control;
pub mod cost;
pub mod credentials;
pub mod envelope;
pub mod error;
pub mod id;
pub mod media;
mod model;
pub mod money;
pub mod operation;
pub mod provider;
pub mod registry;
pub mod reply;
pub mod response_store;
pub mod shared_state;
pub mod stats;
pub mod strategy;
mod sync;
pub mod tenancy;
pub mod tokens;
pub mod transport;
pub mod usage;

pub use context::RequestContext;
pub use control::{Caller, ControlPlane, ControlRequest};
pub use cost::{Bill, Cost, Margin, SearchContext, ServiceTier, Terms};
pub use credentials::Credentials;
pub use envelope::{Envelope, Field};
pub use error::{Error, ErrorKind, Origin, Result, Retry};
pub use id::{DeploymentId, ModelName, RequestId};
pub use media::{FetchedMedia, MediaSource};
pub use model::{Capability, ModelFacts};
pub use money::Money;
pub use operation::{Dialect, Operation};
pub use provider::{
    Asking, Call, Environment, Exchange, FailedReply, FormEdits, FormShape, Options, Outgoing, Provider,
    ProviderSettings, Relay, ScriptedReply, Shaping, Step, StepAnswer, Steps,
};
pub use registry::{Component, Family, Registry};
pub use reply::{Frames, Reply, ReplyReport};
pub use response_store::ResponseStore;
pub use secrecy::{ExposeSecret, SecretString};
pub use shared_state::{Count, Counted, Heard, SharedState, Span, Wish};
pub use stats::{DeploymentStats, Moment};
pub use strategy::{Candidate, LimitUse, PickContext, Strategy, TokenPrices};
pub use tenancy::{IdentityStore, KeyHash, SpendEvent, SpendStore};
pub use tokens::{Estimate, TokenCounter};
pub use transport::{Timeouts, Transport, TransportBody, TransportReply};
pub use usage::Usage;
