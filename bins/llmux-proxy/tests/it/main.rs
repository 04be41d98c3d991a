//! The real `llmux-proxy` binary between real clients and a scripted provider.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod access;
mod configuration;
mod limits;
mod proxy;
mod routes;
mod start;
