//! What replicas share, in memory and in real Redis servers.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod conformance;
mod faults;
