//! Recorded traffic through the real providers, for clients of both dialects.
//!
//! Adding a recording needs no code. What cannot pass stands in [`exceptions`] with its reason, and in
//! `docs/replay.md`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test fails by panicking, and a skipped one has to be seen"
)]

mod answers;
mod bedrock;
mod calls;
mod cross;
mod errors;
mod exceptions;
mod hosts;
mod media;
mod ollama;
mod pains;
mod recordings;
mod requests;
mod responses;
mod retrieval;
mod rules;
mod said;
mod specs;
