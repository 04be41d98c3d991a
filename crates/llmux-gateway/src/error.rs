//! Errors as the client's SDK expects them: one body for each dialect, and the headers they share.

use bytes::Bytes;
use http::{HeaderValue, Response, header::CONTENT_TYPE, header::RETRY_AFTER};
use llmux_core::{Dialect, Error, RequestContext, RequestId};
use llmux_telemetry::Scrubber;
use llmux_wire::{anthropic, bedrock, cohere, gemini, ollama, openai};
use serde_json::Value;

use crate::{body::Body, headers, snapshot::Snapshot};

/// The answer for an error about a request for a model's work.
pub(crate) fn answer(error: &Error, cx: &RequestContext, snapshot: &Snapshot) -> Response<Body> {
    let id = snapshot.wishes.call_in_errors.then_some(&cx.id);
    let mut response = respond(error, cx.sdk);
    if let Body::Full(body) = response.body_mut() {
        *body = revised(body, &snapshot.scrubber, id);
    }
    headers::identify(cx, response.headers_mut());
    response
}

/// The answer for an error of the gateway's own. Headers about the request are added by the caller.
#[must_use]
pub(crate) fn respond(error: &Error, dialect: Dialect) -> Response<Body> {
    let body = match dialect {
        Dialect::Anthropic => anthropic::write_error(error),
        Dialect::Gemini => gemini::write_error(error),
        Dialect::Cohere => cohere::write_error(error),
        Dialect::Ollama => ollama::write_error(error),
        Dialect::BedrockConverse => bedrock::write_error(error),
        _ => openai::write_error(error),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = error.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if dialect == Dialect::BedrockConverse {
        let name = HeaderValue::from_static(bedrock::exception_name(error));
        headers.insert("x-amzn-errortype", name);
    }
    if let Some(wait) = error.retry_after() {
        // The header knows whole seconds only; an early retry would fail again.
        let seconds = wait.as_millis().div_ceil(1_000);
        headers.insert(RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)));
    }
    response
}

/// The body without keys, which some providers repeat in their messages, and with the call's identifier if given.
fn revised(body: &Bytes, scrubber: &Scrubber, id: Option<&RequestId>) -> Bytes {
    let Ok(mut document) = serde_json::from_slice::<Value>(body) else { return body.clone() };
    // Amazon's, Cohere's and Ollama's errors have no object of their own.
    let nested = document.get("error").is_some_and(Value::is_object);
    let error = if nested { document.get_mut("error") } else { Some(&mut document) };
    let Some(error) = error.and_then(Value::as_object_mut) else { return body.clone() };
    let name = if error.contains_key("message") { "message" } else { "error" };
    if let Some(Value::String(message)) = error.get_mut(name) {
        *message = String::from_utf8_lossy(&scrubber.scrub(message.as_bytes())).into_owned();
    }
    if let Some(id) = id {
        error.insert("litellm_call_id".into(), id.as_str().into());
    }
    document.to_string().into()
}
