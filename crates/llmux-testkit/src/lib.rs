//! What LLMux's tests share.
//!
//! - [`upstream`]: a provider on a real socket that answers, stalls and breaks off exactly as scripted;
//! - [`transport`]: the same script without a socket, for tests of what sits above the transport;
//! - [`answers`]: ready-made provider answers for both;
//! - [`fixtures`]: recorded provider traffic, where it is at hand;
//! - [`postgres`]: a real PostgreSQL server, where there is one to start;
//! - [`redis`]: real Redis servers, alone and as a cluster, where there is one to start;
//! - [`splits`](mod@splits): the ways in which a stream's bytes may arrive;
//! - [`conformance`]: what every implementation of a trait of `llmux-core` must keep.
//!
//! Everything here fails by panicking, with a message that says what was expected.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test support crate fails by panicking"
)]

pub mod answer;
pub mod answers;
pub mod conformance;
pub mod fixtures;
pub mod gate;
pub mod postgres;
pub mod redis;
pub mod script;
pub mod splits;
pub mod transport;
pub mod upstream;

pub use answer::Answer;
pub use gate::Gate;
pub use postgres::PostgresProcess;
pub use redis::{RedisCluster, RedisProcess};
pub use script::Recorded;
pub use splits::splits;
pub use transport::ScriptedTransport;
pub use upstream::{ClosedPort, ScriptedUpstream};
