//! `route`, `translate` and `exchange`: the router finds a deployment that answers.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use llmux_core::{Operation, RequestContext};
use llmux_router::{Answer, Ask, Refusal};

use super::receive::Received;
use crate::{headers, snapshot::Snapshot};

/// Gets an answer, or the reason why there is none.
pub(crate) async fn run(
    snapshot: &Snapshot,
    cx: &RequestContext,
    received: &Received,
) -> Result<Answer, Refusal> {
    let Received { headers, body, envelope, model, stream, overrides, upload, .. } = received;
    let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let ask = Ask::new(cx.operation, cx.dialect, model, body, envelope, headers)
        .with_stream(*stream)
        .with_created(created)
        .with_overrides(*overrides);
    if cx.operation == Operation::CountTokens {
        prepare_count(snapshot, model).await;
    }
    let ask = match upload {
        Some(upload) => ask.with_upload(upload),
        None => ask,
    };
    if !snapshot.wishes.forward_headers {
        return snapshot.router.ask(&ask).await;
    }
    let forwarded = headers::forwarded(headers, |name| snapshot.access.holds_key(name));
    snapshot.router.ask(&ask.with_forwarded(&forwarded)).await
}

/// Loads what a provider needs that counts with a tokenizer of ours: not on the threads that serve.
async fn prepare_count(snapshot: &Snapshot, model: &str) {
    let Ok((_, model)) = snapshot.find(model) else { return };
    let counter = Arc::clone(&snapshot.tokens);
    // When it fails the count itself will say why.
    let _ = tokio::task::spawn_blocking(move || counter.prepare(&model)).await;
}
