//! What LLMux keeps: identities and spend, in SQLite or PostgreSQL.
//!
//! Both engines get the same SQL, through one [`Database`]. Identities are documents in LiteLLM's form with a few
//! columns beside them by which they are found; what they spent is in columns only. Money is kept as two whole
//! numbers, so that sums are exact in both engines.

mod amount;
mod connection;
mod identities;
mod query;
mod record;
mod schema;
mod spend;
mod store;

pub use connection::Database;
pub use identities::{Filter, Page, Sort};
pub use record::Record;
pub use spend::{LogFilter, SpendBy, SpendFilter, SpendRow};
