//! Requests that are the control plane's business.

use bytes::Bytes;
use http::Request;
use hyper::body::Incoming;
use llmux_core::{ControlPlane, ControlRequest, Result};

use crate::{
    server::{discard_body, read_body},
    snapshot::Snapshot,
};

/// Hands a request over, with what its key tells of who sends it.
///
/// # Errors
/// 403 without a master key; what is wrong with the body; what the control plane refuses.
pub(crate) async fn hand_over(
    control: &dyn ControlPlane,
    snapshot: &Snapshot,
    request: Request<Incoming>,
) -> Result<Bytes> {
    let (head, body) = request.into_parts();
    let caller = match snapshot.access.identify(&head.headers, head.uri.query()) {
        Ok(caller) => caller,
        Err(refused) => {
            discard_body(body);
            return Err(refused);
        }
    };
    let mut handed = ControlRequest::new(head.method, head.uri.path(), caller);
    handed.query = head.uri.query().map(str::to_owned);
    handed.body = read_body(body, snapshot.limits.body_size, snapshot.limits.body_time).await?;
    control.answer(handed).await
}
