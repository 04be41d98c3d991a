//! Sending a request that passes: its body as it comes, unless a signature covers it.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};
use hyper::body::{Body as _, Incoming};
use llmux_core::{Credentials, FailedReply, Result, Timeouts, TransportReply};

use super::{answer, ready::Ready, upload::Upload};
use crate::{server::read_body, snapshot::Snapshot};

/// Sends the request.
///
/// # Errors
/// When the body does not arrive, or the server cannot be reached.
pub(super) async fn send(snapshot: &Snapshot, ready: Ready<'_>, body: Incoming) -> Result<TransportReply> {
    let relays = &snapshot.relays;
    let Ready { head, credentials, timeout, .. } = ready;
    let mut timeouts = Timeouts::default();
    timeouts.total = Some(timeout);
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
    let (refused, _, reply) = answer::peek(reply, answer::MAX_REFUSAL).await?;
    if !credentials.refused(&FailedReply::new(reply.status, &reply.headers, &refused)) {
        return Ok(reply);
    }
    let mut signed = request.clone();
    credentials.sign(&mut signed).await?;
    snapshot.relays.transport.send(signed, timeouts).await
}
