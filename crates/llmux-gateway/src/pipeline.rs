//! The life of a request, one stage a line.

use http::{Request, Response};
use hyper::body::Incoming;
use llmux_core::{Dialect, Operation, RequestContext, RequestId};

use crate::{
    body::Body,
    dispatch::{Kept, wraps},
    error, headers,
    responses::{self, Turn},
    snapshot::Snapshot,
    stage::{authenticate, receive, reply, route, settle::Settle},
    tenancy::{Charge, Receipt, authorize},
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
    serve(snapshot, &cx, request, model).await
}

async fn serve(
    snapshot: &Snapshot,
    cx: &RequestContext,
    request: Request<Incoming>,
    model: Option<std::borrow::Cow<'_, str>>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let caller = match authenticate::run(snapshot, &parts).await {
        Ok(caller) => caller,
        Err(refused) => {
            crate::server::discard_body(body);
            return error::answer(&refused, cx, snapshot);
        }
    };
    let mut received = match receive::run(snapshot, cx, parts, body, model).await {
        Ok(received) => received,
        Err(refused) => return error::answer(&refused, cx, snapshot),
    };
    let charge = match Charge::admit(snapshot, caller, &mut received) {
        Ok(charge) => charge,
        Err(refused) => return error::answer(&refused, cx, snapshot),
    };
    let whose = charge.as_deref().and_then(Charge::caller);
    let turn = match Turn::begin(snapshot, cx, &mut received, whose).await {
        Ok(turn) => turn,
        Err(refused) => return error::answer(&refused, cx, snapshot),
    };
    let mut settle = Settle::new(cx, &received.model, charge);
    let receipt = settle.receipt();
    let explanation = route::asked_explanation(snapshot, cx, &received);
    let routed = route::run(snapshot, cx, &received).await;
    let chosen = routed.as_ref().ok().filter(|_| explanation.is_some());
    let chosen = chosen.map(|answer| answer.deployment.id().clone());
    let mut response = match routed {
        Ok(answer) => {
            let (answer, turn) = responses::keep_whole(answer, turn).await;
            let response = reply::answer(cx, snapshot, &received, answer, turn, settle);
            Receipt::hold(receipt, response).await
        }
        Err(refusal) => {
            settle.refused(&refusal.error);
            reply::refusal(cx, snapshot, &received, &refusal)
        }
    };
    if let Some(explanation) = explanation {
        headers::explain(explanation, chosen, response.headers_mut());
    }
    response
}

/// Tells how a deployment would be chosen for a request, without asking one.
pub(crate) async fn explain(snapshot: &Snapshot, request: Request<Incoming>) -> Response<Body> {
    let cx = RequestContext::new(request_id(&request), Operation::Chat, Dialect::OpenAi);
    let (parts, body) = request.into_parts();
    let caller = match authenticate::run(snapshot, &parts).await {
        Ok(caller) => caller,
        Err(refused) => {
            crate::server::discard_body(body);
            return error::answer(&refused, &cx, snapshot);
        }
    };
    let received = receive::run(snapshot, &cx, parts, body, None).await;
    let explained = received.and_then(|received| {
        caller.map_or(Ok(()), |caller| authorize(snapshot, &caller, &received.model))?;
        route::explain(snapshot, &cx, &received)
    });
    match explained {
        Ok(explanation) => {
            // Reasons of cooldowns are words of providers, which may repeat a key.
            let text = serde_json::json!(explanation).to_string();
            crate::gateway::json(snapshot.scrubber.scrub(text.as_bytes()).into_owned())
        }
        Err(refused) => error::answer(&refused, &cx, snapshot),
    }
}

/// Serves one request about a response or conversation that is kept.
pub(crate) async fn kept(snapshot: &Snapshot, request: Request<Incoming>, kept: Kept<'_>) -> Response<Body> {
    let cx = RequestContext::new(request_id(&request), Operation::ReadResponse, Dialect::OpenAiResponses);
    let mut response = responses::serve(snapshot, &cx, request, kept).await;
    headers::identify(&cx, response.headers_mut());
    response
}

/// The caller's own identifier, or a fresh one.
pub(crate) fn request_id<B>(request: &Request<B>) -> RequestId {
    let given = request.headers().get(headers::CALL_ID).and_then(|value| value.to_str().ok());
    given.and_then(RequestId::from_caller).unwrap_or_default()
}
