//! Provider pass-through: a client's own request goes to a provider as it is, with the provider's key in place of the
//! gateway's, and the answer comes back as it is. Neither body is held in memory.

mod answer;
mod head;
mod path;
mod routes;
mod table;
mod upload;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use hyper::body::{Body as _, Incoming};
use llmux_core::{
    Credentials, Dialect, Error, ErrorKind, Operation, Provider, Relay, RequestContext, Result, Timeouts,
    TransportReply,
};
use llmux_wire::observe::{Framed, Observer};

pub(crate) use self::answer::Passing;
pub(crate) use self::routes::{Relays, Route};

use crate::{
    body::Body,
    error, headers, pipeline,
    server::{discard_body, read_body},
    snapshot::Snapshot,
    stage::{authenticate, settle::Settle},
};
use upload::Upload;

/// Serves one request on a route; `below` is the path behind the route's prefix.
pub(crate) async fn run(
    snapshot: &Snapshot,
    request: Request<Incoming>,
    route: &Route,
    below: &str,
) -> Response<Body> {
    let id = pipeline::request_id(&request);
    let mut cx = RequestContext::new(id, Operation::PassThrough, route.sdk);
    let (parts, body) = request.into_parts();
    let served = match authenticate::run(snapshot, &parts) {
        Ok(()) => serve(snapshot, &mut cx, parts, body, route, below).await,
        Err(refused) => {
            discard_body(body);
            Err(refused)
        }
    };
    let mut response = served.unwrap_or_else(|failed| error::answer(&failed, &cx, snapshot));
    let out = response.headers_mut();
    if let Ok(provider) = &route.provider {
        headers::ask(provider.name(), provider.base_url(), out);
    }
    headers::time(cx.received.elapsed(), out);
    headers::call(&cx, out);
    response
}

async fn serve(
    snapshot: &Snapshot,
    cx: &mut RequestContext,
    parts: Parts,
    body: Incoming,
    route: &Route,
    below: &str,
) -> Result<Response<Body>> {
    let provider = route.provider()?;
    let (head, method) = (outgoing(snapshot, &parts, below)?, parts.method);
    let Relay { head, known, .. } = provider.relay(head)?;
    if let Some((operation, dialect)) = known {
        (cx.operation, cx.dialect) = (operation, dialect);
    }
    let settle = Settle::new(cx, head.uri().path());
    let sent = send(snapshot, provider, head, body).await;
    let reply = sent.map_err(|failed| failed.with_provider(provider.name()));
    let reply = match reply {
        Ok(reply) => reply,
        Err(failed) => {
            settle.refused(&failed);
            return Err(failed);
        }
    };
    Ok(answer(snapshot, reply, known, &method, settle))
}

/// What is sent on: method, path and query, and headers without those that are the gateway's business.
fn outgoing(snapshot: &Snapshot, parts: &Parts, below: &str) -> Result<Request<()>> {
    if parts.headers.contains_key(header::UPGRADE) {
        let message = "connections are not upgraded here: WebSocket sessions are not passed through";
        return Err(Error::client(ErrorKind::InvalidRequest, message).with_code("upgrade_not_supported"));
    }
    let uri = path::safe(below, parts.uri.query())?;
    let mut head = Request::new(());
    *head.method_mut() = parts.method.clone();
    *head.uri_mut() = uri;
    *head.headers_mut() = head::outgoing(&parts.headers, &snapshot.access);
    Ok(head)
}

/// Sends the request: its body as it comes, unless a signature covers it.
async fn send(
    snapshot: &Snapshot,
    provider: &Arc<dyn Provider>,
    head: Request<()>,
    body: Incoming,
) -> Result<TransportReply> {
    let relays = &snapshot.relays;
    let mut timeouts = Timeouts::default();
    timeouts.total = Some(relays.timeout);
    let credentials = provider.credentials("");
    if let Some(credentials) = credentials.filter(|credentials| credentials.covers_body()) {
        let body = read_body(body, snapshot.limits.body_size, snapshot.limits.body_time).await?;
        return send_signed(snapshot, credentials, &head.map(|()| body), timeouts).await;
    }
    let (mut parts, ()) = head.into_parts();
    if let Some(credentials) = credentials {
        let mut unsigned = Request::from_parts(parts, Bytes::new());
        credentials.sign(&mut unsigned).await?;
        (parts, _) = unsigned.into_parts();
    }
    if body.is_end_stream() {
        return relays.transport.send(Request::from_parts(parts, Bytes::new()), timeouts).await;
    }
    let upload = Upload::new(body, relays.max_upload, snapshot.limits.body_time)?;
    relays.transport.send_stream(Request::from_parts(parts, Box::pin(upload)), timeouts).await
}

/// Signs the request and sends it; once more, if its signature was refused and another may do.
async fn send_signed(
    snapshot: &Snapshot,
    credentials: &Arc<dyn Credentials>,
    request: &Request<Bytes>,
    timeouts: Timeouts,
) -> Result<TransportReply> {
    let mut signed = request.clone();
    credentials.sign(&mut signed).await?;
    let reply = snapshot.relays.transport.send(signed, timeouts).await?;
    if !matches!(reply.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Ok(reply);
    }
    let (refused, reply) = answer::peek(reply).await?;
    if !credentials.refused(&llmux_core::FailedReply::new(reply.status, &reply.headers, &refused)) {
        return Ok(reply);
    }
    let mut signed = request.clone();
    credentials.sign(&mut signed).await?;
    snapshot.relays.transport.send(signed, timeouts).await
}

/// The provider's answer as it is, observed where its dialect is known.
fn answer(
    snapshot: &Snapshot,
    reply: TransportReply,
    known: Option<(Operation, Dialect)>,
    method: &Method,
    settle: Settle,
) -> Response<Body> {
    let TransportReply { status, headers: upstream, body, .. } = reply;
    let failed = status.is_client_error() || status.is_server_error();
    let observer = known.filter(|_| status.is_success());
    let observer = observer.and_then(|(_, dialect)| Some(Observer::new(dialect, framed(&upstream)?)));
    let usage = if observer.is_some() { "tracked" } else { "unknown" };
    let scrubber = failed.then(|| Arc::clone(&snapshot.scrubber));
    let mut headers = head::returned(&upstream, scrubber.as_deref());
    headers.insert(headers::USAGE, HeaderValue::from_static(usage));
    let bare = *method == Method::HEAD || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let body = Passing::new(body, settle).observed_by(observer).scrubbed_by(scrubber);
    let body = match failed {
        true => body.refused(status),
        false => body,
    };
    let mut response = Response::new(if bare { body.without_content() } else { Body::passing(body) });
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// How the answer is framed by its content type; `None` where it is nothing that tells usage.
fn framed(headers: &http::HeaderMap) -> Option<Framed> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?.to_ascii_lowercase();
    match kind.split(';').next().unwrap_or_default().trim() {
        "text/event-stream" | llmux_wire::event_stream::MEDIA_TYPE => Some(Framed::Stream),
        "application/json" => Some(Framed::Json),
        _ => None,
    }
}
