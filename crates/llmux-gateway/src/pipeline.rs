//! The life of a request, one stage a line.

use http::{Request, Response};
use hyper::body::Incoming;
use llmux_core::{Dialect, Operation, RequestContext, RequestId};

use crate::{
    body::Body,
    dispatch::wraps,
    error, headers,
    snapshot::Snapshot,
    stage::{authenticate, receive, reply, route, settle::Settle},
};

/// Serves one request for a model's work.
pub(crate) async fn run(
    snapshot: &Snapshot,
    request: Request<Incoming>,
    operation: Operation,
    dialect: Dialect,
    model: Option<std::borrow::Cow<'_, str>>,
) -> Response<Body> {
    let sdk = wraps(request.uri().path()).unwrap_or(dialect);
    let cx = RequestContext::new(request_id(&request), operation, dialect).with_sdk(sdk);
    let mut response = serve(snapshot, &cx, request, model).await;
    headers::identify(&cx, response.headers_mut());
    response
}

async fn serve(
    snapshot: &Snapshot,
    cx: &RequestContext,
    request: Request<Incoming>,
    model: Option<std::borrow::Cow<'_, str>>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    if let Err(refused) = authenticate::run(snapshot, &parts) {
        crate::server::discard_body(body);
        return error::answer(&refused, cx, snapshot);
    }
    let received = match receive::run(snapshot, cx, parts, body, model).await {
        Ok(received) => received,
        Err(refused) => return error::answer(&refused, cx, snapshot),
    };
    let settle = Settle::new(cx, &received.model);
    match route::run(snapshot, cx, &received).await {
        Ok(answer) => reply::answer(cx, snapshot, answer, received.framing, settle),
        Err(refusal) => {
            settle.refused(&refusal.error);
            reply::refusal(cx, snapshot, &refusal)
        }
    }
}

/// The caller's own identifier, or a fresh one.
pub(crate) fn request_id<B>(request: &Request<B>) -> RequestId {
    let given = request.headers().get(headers::CALL_ID).and_then(|value| value.to_str().ok());
    given.and_then(RequestId::from_caller).unwrap_or_default()
}
