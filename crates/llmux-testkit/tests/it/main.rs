//! Tests of the test kit, and of the rules that the whole workspace keeps.

mod conformance;
mod docs;
mod structure;
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod upstream;
