//! Questions about a request that is not sent: its tokens, its cost, its form at the provider.

mod count;
mod estimate;
mod transform;

use bytes::Bytes;
use http::Request;
use hyper::body::Incoming;
use llmux_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use crate::{dispatch::Utility, server::read_body, snapshot::Snapshot, stage::authenticate};

/// Answers one question.
///
/// # Errors
/// 401 without a key, 400 for what is no question, 404 for a model that is not served.
pub(crate) async fn run(snapshot: &Snapshot, request: Request<Incoming>, which: Utility) -> Result<Bytes> {
    let (parts, body) = request.into_parts();
    if let Err(refused) = authenticate::run(snapshot, &parts).await {
        crate::server::discard_body(body);
        return Err(refused);
    }
    let body = read_body(body, snapshot.limits.body_size, snapshot.limits.body_time).await?;
    let question: Map<String, Value> = serde_json::from_slice(&body)
        .map_err(|_| Error::client(ErrorKind::InvalidRequest, "the body must be a JSON object"))?;
    let answer = match which {
        Utility::CountTokens => count::answer(snapshot, &question, &parts).await?,
        Utility::Transform => transform::answer(snapshot, &question, &parts.headers)?,
        Utility::EstimateCost => estimate::answer(snapshot, &question)?,
    };
    Ok(answer.to_string().into())
}

/// A text that must be there.
fn text<'q>(question: &'q Map<String, Value>, name: &str) -> Result<&'q str> {
    question.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or_else(|| {
        Error::client(ErrorKind::InvalidRequest, format!("`{name}` is required, as a text"))
            .with_param(name)
            .with_code("missing_required_parameter")
    })
}
