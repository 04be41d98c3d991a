//! The changes that every request may need, whatever its provider: made on the bytes, field by field.

use std::borrow::Cow;

use bytes::Bytes;
use llmux_core::{Envelope, FormEdits, Shaping};
use llmux_wire::json::edit::Edits;
use serde_json::Value;

/// Fields that speak to the gateway and mean nothing to a provider; LiteLLM's names.
const FOR_THE_GATEWAY: &[&str] = &[
    "litellm_metadata",
    "litellm_call_id",
    "litellm_trace_id",
    "litellm_session_id",
    "tags",
    "cache",
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "disable_fallbacks",
    "include_fallback_errors",
    "num_retries",
    "max_retries",
    "timeout",
    "stream_timeout",
    "request_timeout",
    "guardrails",
    "policies",
    "drop_params",
    "additional_drop_params",
    "allowed_openai_params",
    "mock_response",
    "mock_tool_calls",
    "mock_timeout",
    "mock_testing_fallbacks",
    "mock_testing_context_fallbacks",
    "mock_testing_content_policy_fallbacks",
    "mock_testing_rate_limit_error",
    "allowed_model_region",
    "no-log",
    "api_key",
    "api_base",
    "base_url",
    "api_version",
    "custom_llm_provider",
    "spend_logs_metadata",
];

fn is_for_the_gateway(name: &[u8]) -> bool {
    FOR_THE_GATEWAY.iter().any(|own| own.as_bytes() == name)
}

/// Takes out what is meant for the gateway. `metadata` goes too when the provider would refuse it:
/// OpenAI takes it only for answers that it stores.
pub(crate) fn strip<'a>(body: &'a Bytes, envelope: &Envelope, keep_metadata: bool, edits: &mut Edits<'a>) {
    for field in envelope.fields() {
        let key = field.key.start.saturating_add(1)..field.key.end.saturating_sub(1);
        let Some(name) = body.get(key) else { continue };
        if (is_for_the_gateway(name) || (!keep_metadata && name == b"metadata"))
            && let Ok(name) = std::str::from_utf8(name)
        {
            edits.remove(name);
        }
    }
}

/// Names the model as the provider does, if the client's body does not already.
pub(crate) fn rename<'a>(body: &Bytes, envelope: &Envelope, model: &str, edits: &mut Edits<'a>) {
    let raw = envelope.get(body, "model").unwrap_or_default();
    let same = raw.len() == model.len().saturating_add(2)
        && raw.get(1..raw.len().saturating_sub(1)) == Some(model.as_bytes());
    if !same {
        edits.set_str("model", model);
    }
}

/// Applies the deployment's own rules: fields that are always left out, and defaults.
pub(crate) fn apply<'a>(body: &Bytes, envelope: &Envelope, shaping: &'a Shaping, edits: &mut Edits<'a>) {
    for name in &shaping.additional_drop_params {
        edits.remove(name);
    }
    for (name, value) in &shaping.defaults {
        if envelope.get(body, name).is_none_or(|raw| raw == b"null") {
            edits.set_value(name, value);
        }
    }
}

/// From this length on, in bytes, a body goes on in pieces: below it a copy costs less than the way of a second piece.
const LARGE: usize = 16 << 10;

/// The changed body: its first piece, and those that follow it.
pub(crate) fn changed(edits: &Edits<'_>, body: &Bytes, envelope: &Envelope) -> (Bytes, Vec<Bytes>) {
    if body.len() < LARGE {
        return (edits.apply(body, envelope), Vec::new());
    }
    let mut pieces = edits.apply_in_pieces(body, envelope).into_iter();
    (pieces.next().unwrap_or_default(), pieces.collect())
}

/// The changes to a form: the model's name, what is meant for the gateway, and the deployment's own rules. `body` holds
/// the fields that are known so far.
pub(crate) fn form(body: &Bytes, envelope: &Envelope, model: &str, shaping: &Shaping) -> FormEdits {
    let mut edits = FormEdits::default();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    edits.set.push(("model".to_owned(), model.to_owned()));
    edits.set.extend(shaping.extra_body.iter().map(|(name, value)| (name.clone(), text(value))));
    let absent = |name: &str| envelope.find(body, name).is_none() && !edits.replaces(name);
    let added = shaping.defaults.iter().filter(|(name, _)| absent(name));
    edits.add = added.map(|(name, value)| (name.clone(), text(value))).collect();
    edits.drop.extend(FOR_THE_GATEWAY.iter().chain(&["metadata"]).map(|name| Cow::Borrowed(*name)));
    edits.drop.extend(shaping.additional_drop_params.iter().cloned().map(Cow::Owned));
    edits
}

/// Sets the fields that the deployment forces.
pub(crate) fn force<'a>(shaping: &'a Shaping, edits: &mut Edits<'a>) {
    for (name, value) in &shaping.extra_body {
        edits.set_value(name, value);
    }
}
