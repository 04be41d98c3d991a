//! What every stage of a request's life may need to know about it.

use std::time::Instant;

use crate::{Dialect, Operation, RequestId};

/// One request, as the stages see it. Made when the request is received and never changed in meaning.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestContext {
    /// The identifier that stands in logs, headers and spend records.
    pub id: RequestId,
    /// What is asked.
    pub operation: Operation,
    /// The wire format the client speaks.
    pub dialect: Dialect,
    /// Whose words errors are told in: the client's dialect, unless another API wraps it.
    pub sdk: Dialect,
    /// When the request line arrived, on the monotonic clock.
    pub received: Instant,
}

impl RequestContext {
    /// A context for a request received now.
    #[must_use]
    pub fn new(id: RequestId, operation: Operation, dialect: Dialect) -> Self {
        Self { id, operation, dialect, sdk: dialect, received: Instant::now() }
    }

    /// Says that another API wraps the dialect.
    #[must_use]
    pub fn with_sdk(mut self, sdk: Dialect) -> Self {
        self.sdk = sdk;
        self
    }
}
