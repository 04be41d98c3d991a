//! Credentials against scripted token services.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod aws;
mod renewed;
mod sigv4;
mod world;
