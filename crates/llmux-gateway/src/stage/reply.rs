//! `reply`: status, headers and body of the answer, or the error in the client's dialect.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Response, header};
use llmux_core::{Dialect, RequestContext};
use llmux_router::{Answer, AnswerBody, Refusal};
use llmux_wire::event_stream;

use super::{receive::Received, settle::Settle};
use crate::{
    body::Body,
    dispatch::Framing,
    error,
    headers::{self, Tries},
    responses::Turn,
    snapshot::Snapshot,
};

/// The content type of a whole answer.
const DOCUMENT: &str = "application/json";

/// Writes the answer.
pub(crate) fn answer(
    cx: &RequestContext,
    snapshot: &Snapshot,
    received: &Received,
    answer: Answer,
    turn: Option<Turn>,
    settle: Settle,
) -> Response<Body> {
    let Answer {
        status, headers: upstream, body, deployment, retries, max_retries, fallbacks, dropped, ..
    } = answer;
    let tries = Tries { model: &received.model, retries, max_retries, fallbacks };
    let elapsed = cx.received.elapsed();
    let mut limits = HeaderMap::new();
    settle.tell_limits(&mut limits);
    let mut bill = None;
    let (body, content_type) = match body {
        AnswerBody::Bytes(raw) => {
            let from = Arc::clone(&deployment);
            let raw = raw.on_end(Box::new(move |report, ending| settle.ended(&report, &ending, &from)));
            (Body::Raw(Box::new(raw)), "application/octet-stream")
        }
        AnswerBody::Whole(bytes, report) => {
            bill = settle.complete(&report, elapsed, &deployment);
            (Body::Full(bytes), DOCUMENT)
        }
        AnswerBody::Stream(tap) => {
            let tells_cost = snapshot.wishes.stream_cost && cx.dialect == Dialect::OpenAi;
            let biller = tells_cost.then(|| settle.biller(&deployment));
            let from = Arc::clone(&deployment);
            let tap = tap.on_end(Box::new(move |report, ending| settle.ended(&report, &ending, &from)));
            let scrubber = &snapshot.scrubber;
            match (received.framing, turn) {
                (Some(Framing::Array), _) => (Body::array(tap, scrubber), DOCUMENT),
                _ if cx.dialect == Dialect::Ollama => {
                    (Body::stream(tap, scrubber, None), "application/x-ndjson")
                }
                (Some(Framing::Chunks), _) => (Body::chunks(tap, scrubber), event_stream::MEDIA_TYPE),
                (Some(Framing::EventStream), _) => (Body::messages(tap, scrubber), event_stream::MEDIA_TYPE),
                (_, Some(turn)) => {
                    (Body::response(tap, scrubber, turn, deployment.id().as_str()), "text/event-stream")
                }
                _ => (Body::stream(tap, scrubber, biller), "text/event-stream"),
            }
        }
    };
    let own_type = if let Body::Raw(_) = body { upstream.get(header::CONTENT_TYPE).cloned() } else { None };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers::attributed(&deployment, tries);
    let out = response.headers_mut();
    if content_type != DOCUMENT {
        out.insert(header::CONTENT_TYPE, own_type.unwrap_or_else(|| HeaderValue::from_static(content_type)));
    }
    if received.framing == Some(Framing::Chunks) {
        out.insert("x-amzn-bedrock-content-type", HeaderValue::from_static("application/json"));
    }
    if content_type != DOCUMENT {
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        // Asks reverse proxies in front of the gateway not to hold frames back.
        out.insert("x-accel-buffering", HeaderValue::from_static("no"));
    }
    headers::name_request(cx, out);
    headers::dropped(&dropped, out);
    out.extend(limits);
    headers::forward(&upstream, out);
    if let Some(bill) = &bill {
        headers::bill(bill, out);
    }
    headers::time(elapsed, out);
    response
}

/// Writes the error of the last attempt.
pub(crate) fn refusal(
    cx: &RequestContext,
    snapshot: &Snapshot,
    received: &Received,
    refusal: &Refusal,
) -> Response<Body> {
    let Refusal { retries, max_retries, fallbacks, .. } = *refusal;
    let tries = Tries { model: &received.model, retries, max_retries, fallbacks };
    let mut response = error::answer(&refusal.error, cx, snapshot);
    if let Some(deployment) = &refusal.deployment {
        let own = std::mem::replace(response.headers_mut(), headers::attributed(deployment, tries));
        response.headers_mut().extend(own);
    }
    let out = response.headers_mut();
    if let Some(upstream) = refusal.error.headers() {
        headers::forward(&headers::scrubbed(upstream, &snapshot.scrubber), out);
    }
    headers::time(cx.received.elapsed(), out);
    response
}
