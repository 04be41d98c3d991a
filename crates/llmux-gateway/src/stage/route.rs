//! `route`, `translate` and `exchange`: the router finds a deployment that answers.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use llmux_core::{Error, ErrorKind, Operation, RequestContext, Terms, Usage};
use llmux_router::{Answer, Ask, Explanation, Refusal};

use super::receive::Received;
use crate::{headers, snapshot::Snapshot};

/// What a request is, for the router.
fn ask<'a>(cx: &RequestContext, received: &'a Received) -> Ask<'a> {
    let Received { headers, body, envelope, stream, overrides, directions, upload, .. } = received;
    let model = received.deployment.as_deref().unwrap_or(&received.model);
    let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let ask = Ask::new(cx.operation, cx.dialect, model, body, envelope, headers)
        .with_stream(*stream)
        .with_created(created)
        .with_overrides(*overrides);
    let ask = match upload {
        Some(upload) => ask.with_upload(upload),
        None => ask,
    };
    match directions {
        Some(directions) => ask.with_directions(directions),
        None => ask,
    }
}

/// Gets an answer, or the reason why there is none.
pub(crate) async fn run(
    snapshot: &Snapshot,
    cx: &RequestContext,
    received: &Received,
) -> Result<Answer, Refusal> {
    if snapshot.wishes.priced_only && cx.operation != Operation::CountTokens {
        priced(snapshot, received)?;
    }
    let ask = ask(cx, received);
    if cx.operation == Operation::CountTokens {
        prepare_count(snapshot, &received.model).await;
    }
    if !snapshot.wishes.forward_headers {
        return snapshot.router.ask(&ask).await;
    }
    let forwarded = headers::forwarded(&received.headers, |name| snapshot.access.holds_key(name));
    snapshot.router.ask(&ask.with_forwarded(&forwarded)).await
}

/// Refuses a model that is known but has no price, as the operator wishes.
fn priced(snapshot: &Snapshot, received: &Received) -> Result<(), Error> {
    let model = received.deployment.as_deref().unwrap_or(&received.model);
    // The router says that a model is unknown.
    let Ok((deployment, name)) = snapshot.find(model) else { return Ok(()) };
    let terms = Terms::new().with_models(Some(&name), None);
    let facts = deployment.settings().facts.as_ref();
    if facts.is_some_and(|facts| facts.bill(&Usage::default(), &terms).is_some()) {
        return Ok(());
    }
    let message = format!("no price is known for the model `{model}`, and models without one are not served");
    Err(Error::client(ErrorKind::PermissionDenied, message)
        .with_code("model_without_pricing")
        .with_param("model"))
}

/// How a deployment would be chosen now.
///
/// # Errors
/// When the model is unknown.
pub(crate) fn explain(
    snapshot: &Snapshot,
    cx: &RequestContext,
    received: &Received,
) -> Result<Explanation, Error> {
    snapshot.router.explain(&ask(cx, received))
}

/// The same, if the request asks for it in a header.
pub(crate) fn asked_explanation(
    snapshot: &Snapshot,
    cx: &RequestContext,
    received: &Received,
) -> Option<Explanation> {
    let asked = received.headers.get(headers::EXPLAIN)?;
    let yes = asked.as_bytes().eq_ignore_ascii_case(b"true") || asked == "1";
    if yes { explain(snapshot, cx, received).ok() } else { None }
}

/// Loads what a provider needs that counts with a tokenizer of ours: not on the threads that serve.
async fn prepare_count(snapshot: &Snapshot, model: &str) {
    let Ok((_, model)) = snapshot.find(model) else { return };
    let counter = Arc::clone(&snapshot.tokens);
    // When it fails the count itself will say why.
    let _ = tokio::task::spawn_blocking(move || counter.prepare(&model)).await;
}
