//! What every implementation of a trait of `llmux-core` must keep.
//!
//! Each function checks one implementation against the behaviour that its trait documents and panics with the
//! rule that is broken. They are complete enough that an implementation that passes can be put in the place of
//! any other; what is particular to one belongs into its own tests.

mod provider;
mod reply;
mod response_store;
mod shared_state;
mod strategy;
mod transport;

pub use provider::provider;
pub use reply::{Framing, framed_reply, reply, reply_error, whole_reply};
pub use response_store::response_store;
pub use shared_state::shared_state;
pub use strategy::strategy;
pub use transport::transport;
