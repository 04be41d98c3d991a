//! `POST /utils/transform_request`: what would go to the provider.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use llmux_core::{Call, Dialect, Error, Operation, Outgoing, Result};
use llmux_wire::json::envelope;
use serde_json::{Map, Value, json};

use super::text;
use crate::snapshot::Snapshot;

/// LiteLLM's names of calls, and what they ask. Each may have an `a` before it.
const CALLS: &[(&str, Operation, Dialect)] = &[
    ("completion", Operation::Chat, Dialect::OpenAi),
    ("text_completion", Operation::Completion, Dialect::OpenAi),
    ("embedding", Operation::Embeddings, Dialect::OpenAi),
    ("responses", Operation::Chat, Dialect::OpenAiResponses),
    ("anthropic_messages", Operation::Chat, Dialect::Anthropic),
];

/// The address, body and headers of the request; headers that hold a secret are masked.
pub(super) fn answer(
    snapshot: &Snapshot,
    question: &Map<String, Value>,
    headers: &HeaderMap,
) -> Result<Value> {
    let kind = text(question, "call_type")?;
    let known = |name: &str| CALLS.iter().find(|(known, ..)| *known == name);
    let Some((_, operation, dialect)) = known(kind).or_else(|| known(kind.strip_prefix('a')?)) else {
        let names: Vec<_> = CALLS.iter().map(|(name, ..)| *name).collect();
        return Err(Error::invalid("call_type", format!("`call_type` must be one of {}", names.join(", "))));
    };
    let Some(Value::Object(request)) = question.get("request_body") else {
        return Err(Error::invalid("request_body", "`request_body` must be an object"));
    };
    let (deployment, model) = snapshot.find(text(request, "model")?)?;
    let body = Bytes::from(Value::from(request.clone()).to_string());
    let fields = envelope::read(&body)?;
    let stream = request.get("stream").and_then(Value::as_bool).unwrap_or_default();
    let call = Call::new(*operation, *dialect, &model, &body, &fields, headers).with_stream(stream);
    let exchange = deployment.provider().prepare(&call)?;
    let Outgoing::Send(request) = exchange.outgoing else {
        return Err(Error::invalid("model", format!("`{model}` is built in: nothing is sent")));
    };
    let address = request.uri().to_string();
    let address = address.split('?').next().unwrap_or_default();
    let raw_body = serde_json::from_slice::<Value>(request.body()).unwrap_or_default();
    let shown = request.headers().iter().map(|(name, value)| (name.as_str().to_owned(), masked(name, value)));
    Ok(json!({
        "raw_request_api_base": address,
        "raw_request_body": raw_body,
        "raw_request_headers": shown.collect::<Map<_, _>>(),
        "error": null,
    }))
}

/// A header's value; stars for those that may hold a secret, as headers that the configuration adds may.
fn masked(name: &HeaderName, value: &HeaderValue) -> Value {
    const SECRET: [&str; 4] = ["key", "token", "secret", "signature"];
    let secret = value.is_sensitive()
        || *name == AUTHORIZATION
        || SECRET.iter().any(|word| name.as_str().contains(word));
    match value.to_str().ok().filter(|_| !secret) {
        Some(text) => text.into(),
        None => "****".into(),
    }
}
