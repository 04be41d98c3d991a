//! The directory of keys, over a store that counts, waits and fails as it is told.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod directory;
