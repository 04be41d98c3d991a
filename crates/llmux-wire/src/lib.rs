//! Wire formats of LLMux, as pure functions over bytes.
//!
//! - [`json`]: the envelope of a body without parsing it, edits of top-level fields, reading with paths;
//! - [`sse`]: server-sent events;
//! - [`chat`]: the neutral chat model, where dialects meet;
//! - [`openai`], [`anthropic`]: each dialect in both roles, whole and streamed;
//! - [`stream`]: the seam between a provider's stream and a client's.

pub mod anthropic;
pub mod chat;
pub mod json;
pub mod openai;
pub mod sse;
pub mod stream;
