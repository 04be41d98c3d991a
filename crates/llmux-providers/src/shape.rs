//! The changes that every request may need, whatever its provider: made on the bytes, field by field.

use bytes::Bytes;
use llmux_core::{Envelope, Shaping};
use llmux_wire::json::edit::Edits;

/// Fields that speak to the gateway and mean nothing to a provider; LiteLLM's names.
fn is_for_the_gateway(name: &[u8]) -> bool {
    matches!(
        name,
        b"litellm_metadata"
            | b"litellm_call_id"
            | b"litellm_trace_id"
            | b"litellm_session_id"
            | b"tags"
            | b"cache"
            | b"fallbacks"
            | b"context_window_fallbacks"
            | b"content_policy_fallbacks"
            | b"disable_fallbacks"
            | b"include_fallback_errors"
            | b"num_retries"
            | b"max_retries"
            | b"timeout"
            | b"stream_timeout"
            | b"request_timeout"
            | b"guardrails"
            | b"policies"
            | b"drop_params"
            | b"additional_drop_params"
            | b"allowed_openai_params"
            | b"mock_response"
            | b"mock_tool_calls"
            | b"mock_timeout"
            | b"mock_testing_fallbacks"
            | b"mock_testing_context_fallbacks"
            | b"mock_testing_content_policy_fallbacks"
            | b"mock_testing_rate_limit_error"
            | b"allowed_model_region"
            | b"no-log"
            | b"api_key"
            | b"api_base"
            | b"base_url"
            | b"api_version"
            | b"custom_llm_provider"
            | b"spend_logs_metadata"
    )
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

/// Sets the fields that the deployment forces.
pub(crate) fn force<'a>(shaping: &'a Shaping, edits: &mut Edits<'a>) {
    for (name, value) in &shaping.extra_body {
        edits.set_value(name, value);
    }
}
