//! `authenticate`: is the caller who he must be? Before anything of the body is read.

use http::{HeaderMap, Uri, request::Parts};
use llmux_core::Result;

use crate::{snapshot::Snapshot, tenancy::Caller};

/// Lets the request pass or refuses it. Gives whose virtual key it came with; none for the master key.
///
/// # Errors
/// 401, 403 for a route that the key may not use, 503 when its key cannot be verified.
pub(crate) async fn run(snapshot: &Snapshot, parts: &Parts) -> Result<Option<Caller>> {
    by(snapshot, &parts.headers, &parts.uri).await
}

/// The same, where the request is in one piece.
pub(crate) async fn by(snapshot: &Snapshot, headers: &HeaderMap, uri: &Uri) -> Result<Option<Caller>> {
    match &snapshot.tenancy {
        None => snapshot.access.check(headers, uri.query()).map(|()| None),
        Some(tenancy) => tenancy.identify(&snapshot.access, headers, uri).await,
    }
}
