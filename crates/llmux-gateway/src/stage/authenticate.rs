//! `authenticate`: is the caller who he must be? Before anything of the body is read.

use http::request::Parts;
use llmux_core::Result;

use crate::snapshot::Snapshot;

/// Lets the request pass or refuses it.
///
/// # Errors
/// 401.
pub(crate) fn run(snapshot: &Snapshot, parts: &Parts) -> Result<()> {
    snapshot.access.check(&parts.headers, parts.uri.query())
}
