//! Keeping responses and conversations of OpenAI's Responses API for providers that keep none.

use async_trait::async_trait;
use bytes::Bytes;

use crate::Result;

/// Keeps records by id. What a record holds is the gateway's business: JSON, of a response with its input, or of a
/// conversation.
///
/// Behaviour that the gateway relies on:
/// - what `put` has acknowledged, `get` finds at once, also from another task;
/// - the store is bounded: it may forget a record at any time, the longest unused first; `get` counts as use;
/// - records come back as they were put, or not at all;
/// - no method waits longer than a client would; a store that cannot be reached is an error, and never a panic.
#[async_trait]
pub trait ResponseStore: Send + Sync {
    /// The record under this id.
    ///
    /// # Errors
    /// When the store cannot be asked.
    async fn get(&self, id: &str) -> Result<Option<Bytes>>;

    /// Keeps a record, in place of the one that has the id already.
    ///
    /// # Errors
    /// When the record is too large, or the store cannot be reached.
    async fn put(&self, id: &str, record: Bytes) -> Result<()>;

    /// Forgets a record; gives whether there was one.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn remove(&self, id: &str) -> Result<bool>;
}
