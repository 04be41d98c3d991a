//! Errors as the client's SDK expects them: one body for each dialect, and the headers they share.

use bytes::Bytes;
use http::{HeaderValue, Response, header::CONTENT_TYPE, header::RETRY_AFTER};
use llmux_core::{Dialect, Error, RequestContext, RequestId};
use llmux_wire::{anthropic, gemini, openai};
use serde_json::Value;

use crate::{body::Body, snapshot::Snapshot};

/// The answer for an error about a request for a model's work.
pub(crate) fn answer(error: &Error, cx: &RequestContext, snapshot: &Snapshot) -> Response<Body> {
    let id = snapshot.wishes.call_in_errors.then_some(&cx.id);
    build(error, cx.dialect, id)
}

/// The answer for an error. Headers about the request are added by the caller.
#[must_use]
pub(crate) fn respond(error: &Error, dialect: Dialect) -> Response<Body> {
    build(error, dialect, None)
}

fn build(error: &Error, dialect: Dialect, call: Option<&RequestId>) -> Response<Body> {
    let mut body = match dialect {
        Dialect::Anthropic => anthropic::write_error(error),
        Dialect::Gemini => gemini::write_error(error),
        _ => openai::write_error(error),
    };
    if let Some(id) = call {
        body = with_call_id(body, id);
    }
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

/// The body with the call's identifier in its `error` object.
fn with_call_id(body: Bytes, id: &RequestId) -> Bytes {
    let Ok(mut document) = serde_json::from_slice::<Value>(&body) else { return body };
    if let Some(error) = document.get_mut("error").and_then(Value::as_object_mut) {
        error.insert("litellm_call_id".into(), id.as_str().into());
    }
    document.to_string().into()
}
