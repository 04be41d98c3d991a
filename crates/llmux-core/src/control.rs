//! The seam between the data plane and what manages it.

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;

use crate::{KeyHash, Result};

/// Who sends a request, as far as the data plane knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Caller {
    /// Whoever has the master key.
    Operator,
    /// Whoever has the key of this hash; whether there is such a key is not known yet.
    Key(KeyHash),
    /// Nobody: no key was sent.
    Unknown,
}

/// A request for the control plane.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ControlRequest {
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// What is behind the path's question mark.
    pub query: Option<String>,
    /// Its body.
    pub body: Bytes,
    /// Who sends it.
    pub caller: Caller,
}

impl ControlRequest {
    /// A request without a query and without a body.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>, caller: Caller) -> Self {
        Self { method, path: path.into(), query: None, body: Bytes::new(), caller }
    }
}

/// Manages what the data plane serves by. The data plane hands requests over whose paths are claimed; it knows nothing
/// else of them.
#[async_trait]
pub trait ControlPlane: Send + Sync {
    /// Whether requests for this path are its business, whatever their method.
    fn claims(&self, path: &str) -> bool;

    /// Answers a request, with a JSON document.
    ///
    /// # Errors
    /// What the client is told: 401 and 403 for who may not, 400 and 404 for what cannot be done.
    async fn answer(&self, request: ControlRequest) -> Result<Bytes>;
}
