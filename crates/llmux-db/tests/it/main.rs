//! What is kept, in SQLite and in a real PostgreSQL.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod engines;
mod identities;
mod spend;
