//! What ties the events of one request together.

use llmux_core::RequestContext;
use tracing::Span;

/// A span that puts the request's id on all events within it.
///
/// It exists only when the filter lets `debug` through; otherwise it is disabled and costs a comparison, so events
/// that are shown at `info` and above name their `request_id` themselves.
#[must_use]
pub fn request_span(context: &RequestContext) -> Span {
    tracing::debug_span!("request", request_id = %context.id)
}
