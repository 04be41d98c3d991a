//! Pass-through: a client's own request goes to a provider, or to a server of the operator's choice, as it is, with the
//! operator's key in place of the gateway's, and the answer comes back as it is. The request's body is never held.

mod answer;
mod head;
mod own;
mod path;
mod price;
mod ready;
mod reply;
mod routes;
mod send;
mod table;
mod target;
mod upload;

use http::{HeaderValue, Request, Response, header, request::Parts};
use hyper::body::Incoming;
use llmux_core::{Error, ErrorKind, Operation, RequestContext, Result};

pub(crate) use self::answer::Passing;
pub(crate) use self::ready::Destination;
pub(crate) use self::routes::{Found, Relays};

use crate::{
    body::Body,
    error, headers, pipeline,
    server::discard_body,
    snapshot::Snapshot,
    stage::{authenticate, settle::Settle},
    tenancy::{Charge, Receipt},
};

/// Serves one request at a destination; `below` is the path behind its prefix.
pub(crate) async fn run(
    snapshot: &Snapshot,
    request: Request<Incoming>,
    destination: Destination<'_>,
    below: &str,
) -> Response<Body> {
    let id = pipeline::request_id(&request);
    let mut cx = RequestContext::new(id, Operation::PassThrough, destination.sdk());
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let allowed = match destination.asks_key() {
        true => authenticate::run(snapshot, &parts).await,
        false => Ok(None),
    };
    let allowed = allowed.and_then(|caller| Charge::admit_untouched(snapshot, caller, path));
    let served = match allowed {
        Ok(charge) => serve(snapshot, &mut cx, parts, body, Way { destination, below, charge }).await,
        Err(refused) => {
            discard_body(body);
            Err(refused)
        }
    };
    let mut response = served.unwrap_or_else(|failed| error::answer(&failed, &cx, snapshot));
    let out = response.headers_mut();
    if let Some((name, base)) = destination.names() {
        headers::ask(name, base, out);
    }
    headers::time(cx.received.elapsed(), out);
    headers::call(&cx, out);
    response
}

/// Where a request goes, and whom it is charged to.
struct Way<'a> {
    destination: Destination<'a>,
    below: &'a str,
    charge: Option<Box<Charge>>,
}

async fn serve(
    snapshot: &Snapshot,
    cx: &mut RequestContext,
    parts: Parts,
    body: Incoming,
    way: Way<'_>,
) -> Result<Response<Body>> {
    let Way { destination, below, charge } = way;
    if parts.headers.contains_key(header::UPGRADE) {
        let message = "connections are not upgraded here: WebSocket sessions are not passed through";
        return Err(Error::client(ErrorKind::InvalidRequest, message).with_code("upgrade_not_supported"));
    }
    let ready = destination.ready(snapshot, &parts, below)?;
    if let Some((operation, dialect)) = ready.known {
        (cx.operation, cx.dialect) = (operation, dialect);
    }
    let mut settle = Settle::new(cx, ready.head.uri().path(), charge);
    let receipt = settle.receipt();
    let expected = reply::Expected::of(&ready, &parts.method);
    let affordable = ready.account.map_or(Ok(()), llmux_router::Account::check);
    let sent = match affordable {
        Ok(()) => send::send(snapshot, ready, body).await,
        Err(spent) => {
            discard_body(body);
            Err(spent)
        }
    };
    match sent {
        Ok(reply) => {
            let response = reply::reply(snapshot, reply, expected, cx, settle).await?;
            Ok(Receipt::hold(receipt, response).await)
        }
        Err(failed) => {
            let failed = match destination.names() {
                Some((name, _)) => failed.with_provider(name),
                None => failed,
            };
            settle.refused(&failed);
            Err(failed)
        }
    }
}

/// The answer for a path of the operator's own that does not take this method.
pub(crate) fn wrong_method(parts: &Request<Incoming>, allowed: &str) -> Response<Body> {
    let message = format!("{} is not allowed for {}; use {allowed}", parts.method(), parts.uri().path());
    let error = Error::client(ErrorKind::MethodNotAllowed, message);
    let mut response = error::respond(&error, llmux_core::Dialect::OpenAi);
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}
