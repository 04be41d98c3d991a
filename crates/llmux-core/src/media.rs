//! Images and documents that a request names by their address only.

use async_trait::async_trait;
use bytes::Bytes;

use crate::Result;

/// What was found at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FetchedMedia {
    /// The media type, such as `image/png`, without parameters.
    pub mime: String,
    /// The bytes.
    pub data: Bytes,
}

impl FetchedMedia {
    /// Bytes of a media type.
    #[must_use]
    pub fn new(mime: impl Into<String>, data: Bytes) -> Self {
        Self { mime: mime.into(), data }
    }
}

/// Fetches images and documents for providers that take bytes only.
///
/// Behaviour that the router relies on:
/// - addresses come from clients, so an implementation decides where it connects, redirects included;
/// - what it gives is bounded in size, and comes or fails within a bounded time;
/// - errors are the client's and hold neither the address's query nor what was found there.
#[async_trait]
pub trait MediaSource: Send + Sync {
    /// Fetches what is at an address.
    ///
    /// # Errors
    /// 400 when it may not be fetched, is not there, or is nothing that a model reads.
    async fn fetch(&self, url: &str) -> Result<FetchedMedia>;
}
