//! Errors as the client's SDK expects them: one body for each dialect, and the headers they share.

use http::{HeaderValue, Response, header::CONTENT_TYPE, header::RETRY_AFTER};
use llmux_core::{Dialect, Error};
use llmux_wire::{anthropic, openai};

use crate::body::Body;

/// The answer for an error. Headers about the request are added by the caller.
#[must_use]
pub(crate) fn respond(error: &Error, dialect: Dialect) -> Response<Body> {
    let body = match dialect {
        Dialect::Anthropic => anthropic::write_error(error),
        _ => openai::write_error(error),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = error.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(wait) = error.retry_after() {
        // The header knows whole seconds only; an early retry would fail again.
        let seconds = wait.as_millis().div_ceil(1_000);
        headers.insert(RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)));
    }
    response
}
