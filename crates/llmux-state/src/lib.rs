//! What replicas of LLMux share: counts, and messages to each other.
//!
//! Two implementations of [`SharedState`](llmux_core::SharedState): [`MemoryHub`] for replicas within one process and
//! for tests, and, with the feature `redis`, [`RedisState`](redis::RedisState) for Redis alone, behind sentinels and as
//! a cluster.
//!
//! ```
//! use llmux_core::{Count, SharedState, Span};
//! use llmux_state::MemoryHub;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let hub = MemoryHub::new();
//! let (one, other) = (hub.join("one"), hub.join("other"));
//! let wish = [Count::new("requests", Span::Minute).with_wish(6, 10)];
//! assert_eq!(one.count("deployment", &wish).await?[0].granted, 6);
//! assert_eq!(other.count("deployment", &wish).await?[0].granted, 0);
//! # Ok::<(), llmux_core::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod memory;
#[cfg(feature = "redis")]
pub mod redis;

pub use memory::{MemoryHub, MemoryState};

use llmux_core::{Error, ErrorKind};

/// Why a call failed.
fn out_of_reach(why: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the shared state cannot be reached: {why}"))
        .with_code("shared_state_unreachable")
}
