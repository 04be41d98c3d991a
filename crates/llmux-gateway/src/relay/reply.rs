//! A provider's answer as it is, observed where its dialect is known.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use llmux_core::{Dialect, Money, Operation, ReplyReport, RequestContext, Result, TransportReply};
use llmux_router::Account;
use llmux_wire::observe::{Framed, Observer};

use super::{
    answer::{self, Passing},
    head,
    price::Tariff,
    ready::Ready,
};
use crate::{body::Body, headers, snapshot::Snapshot, stage::settle::Settle};

/// Longest answer that is read to its end before it goes on, so that its head can tell what it costs, in bytes.
const MAX_WHOLE: usize = 2 << 20;
/// What a server of the operator's own may tell of its answer.
const REPORTED_COST: HeaderName = HeaderName::from_static("x-litellm-response-cost");
const REPORTED_TOKENS: HeaderName = HeaderName::from_static("x-litellm-total-tokens");

/// How the answer to a request is looked at.
pub(super) struct Expected {
    dialect: Option<(Operation, Dialect)>,
    piecemeal: bool,
    tells_cost: bool,
    tariff: Tariff,
    account: Option<Account>,
    head_only: bool,
}

impl Expected {
    pub(super) fn of(ready: &Ready<'_>, method: &Method) -> Self {
        Self {
            dialect: ready.known,
            piecemeal: ready.piecemeal,
            tells_cost: ready.tells_cost,
            tariff: ready.tariff.clone(),
            account: ready.account.cloned(),
            head_only: *method == Method::HEAD,
        }
    }
}

/// The answer for the client.
///
/// # Errors
/// When an answer that is read to its end first breaks off.
pub(super) async fn reply(
    snapshot: &Snapshot,
    mut reply: TransportReply,
    expected: Expected,
    cx: &RequestContext,
    settle: Settle,
) -> Result<Response<Body>> {
    let (status, upstream) = (reply.status, reply.headers.clone());
    let (mut tariff, mut told) = (expected.tariff, ReplyReport::default());
    if expected.tells_cost && status.is_success() {
        reported(&upstream, &mut tariff, &mut told);
    }
    let failed = status.is_client_error() || status.is_server_error();
    let observer = expected.dialect.filter(|_| status.is_success());
    let framed = framed(&upstream);
    let observer = observer.and_then(|(_, dialect)| Some(Observer::new(dialect, framed?)));
    let usage = if observer.is_some() { "tracked" } else { "unknown" };
    let scrubber = failed.then(|| Arc::clone(&snapshot.scrubber));
    let mut headers = head::returned(&upstream, scrubber.as_deref());
    headers.insert(headers::USAGE, HeaderValue::from_static(usage));
    if !status.is_success() {
        tariff = Tariff::Unknown;
    }
    let bare = expected.head_only || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let short = reply.body.size_hint().lower() <= MAX_WHOLE as u64;
    let whole = short && observer.is_some() && framed == Some(Framed::Json) && tariff.needs_usage();
    let mut complete = None;
    if whole && !expected.piecemeal && !bare {
        match answer::peek(reply, MAX_WHOLE).await {
            Ok((read, ended, rejoined)) => {
                complete = ended.then_some(read);
                reply = rejoined;
            }
            Err(broken) => {
                settle.refused(&broken);
                return Err(broken);
            }
        }
    }
    let body = Passing::new(reply.body, settle)
        .observed_by(observer)
        .telling(told)
        .priced(tariff, expected.account)
        .scrubbed_by(scrubber);
    let mut body = if failed { body.refused(status) } else { body };
    if let Some(bill) = body.bill_at_once(cx, complete.as_deref()) {
        headers::bill(&bill, &mut headers);
    }
    let mut response = Response::new(match (bare, complete) {
        (true, _) => body.without_content(),
        (false, Some(read)) => body.whole(read),
        (false, None) => Body::passing(body),
    });
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// What the server itself tells of its answer's cost and tokens, which counts whatever else is known.
fn reported(headers: &HeaderMap, tariff: &mut Tariff, told: &mut ReplyReport) {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let cost = text(&REPORTED_COST).and_then(|cost| cost.parse::<Money>().ok());
    if let Some(cost) = cost.filter(|cost| !cost.is_negative()) {
        *tariff = Tariff::Fixed(cost);
    }
    if let Some(tokens) = text(&REPORTED_TOKENS).and_then(|tokens| tokens.parse().ok()) {
        told.usage.input = tokens;
        told.usage_reported = true;
    }
}

/// How the answer is framed by its content type; `None` where it is nothing that tells usage.
fn framed(headers: &HeaderMap) -> Option<Framed> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?.to_ascii_lowercase();
    match kind.split(';').next().unwrap_or_default().trim() {
        "text/event-stream" | llmux_wire::event_stream::MEDIA_TYPE => Some(Framed::Stream),
        "application/json" => Some(Framed::Json),
        _ => None,
    }
}
