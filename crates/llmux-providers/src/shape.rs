//! The changes that every request may need, whatever its provider: made on the bytes, field by field.

use std::borrow::Cow;

use bytes::Bytes;
use llmux_core::{Call, Envelope, FormEdits, Result, Shaping};
use llmux_wire::json::{edit::Edits, envelope};
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
        match Path::of(name) {
            None => edits.remove(name),
            Some(path) => {
                if let Some(changed) = path.without(envelope.get(body, path.field)) {
                    edits.set_raw(path.field, changed);
                }
            }
        }
    }
    for (name, value) in &shaping.defaults {
        if envelope.get(body, name).is_none_or(|raw| raw == b"null") {
            edits.set_value(name, value);
        }
    }
}

/// A place inside a field: `tools[*].function.strict`, `messages[0].name`, `metadata.labels`.
struct Path<'a> {
    field: &'a str,
    steps: Vec<Step<'a>>,
}

/// One step further inside.
enum Step<'a> {
    Member(&'a str),
    Each,
    Nth(usize),
}

impl<'a> Path<'a> {
    /// `None` for the name of a field, and for what is no path.
    fn of(text: &'a str) -> Option<Self> {
        let end = text.find(['.', '['])?;
        let (field, mut rest) = text.split_at_checked(end)?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('[') {
                let (index, after) = after.split_once(']')?;
                steps.push(if index == "*" { Step::Each } else { Step::Nth(index.parse().ok()?) });
                rest = after;
            } else {
                let after = rest.strip_prefix('.')?;
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (name, after) = after.split_at_checked(end)?;
                steps.push(Step::Member(name));
                rest = after;
            }
        }
        Some(Self { field, steps })
    }

    /// The field without what is at this place; `None` if nothing is.
    fn without(&self, field: Option<&[u8]>) -> Option<Vec<u8>> {
        let mut value: Value = serde_json::from_slice(field?).ok()?;
        take_out(&mut value, &self.steps).then(|| value.to_string().into_bytes())
    }
}

/// Takes out what is at the end of the steps; whether there was anything.
fn take_out(value: &mut Value, steps: &[Step<'_>]) -> bool {
    match (steps, value) {
        ([Step::Member(name)], Value::Object(object)) => object.shift_remove(*name).is_some(),
        ([Step::Member(name), rest @ ..], Value::Object(object)) => {
            object.get_mut(*name).is_some_and(|inner| take_out(inner, rest))
        }
        ([Step::Each], Value::Array(items)) => !std::mem::take(items).is_empty(),
        ([Step::Each, rest @ ..], Value::Array(items)) => {
            items.iter_mut().fold(false, |any, item| take_out(item, rest) | any)
        }
        ([Step::Nth(at)], Value::Array(items)) if *at < items.len() => {
            items.remove(*at);
            true
        }
        ([Step::Nth(at), rest @ ..], Value::Array(items)) => {
            items.get_mut(*at).is_some_and(|item| take_out(item, rest))
        }
        _ => false,
    }
}

/// The client's body for a translation: without what is meant for the gateway, and with the deployment's defaults, which
/// are in the client's words too.
pub(crate) fn prepared(call: &Call<'_>, keep_metadata: bool, shaping: &Shaping) -> Bytes {
    let mut edits = Edits::new();
    strip(call.body, call.envelope, keep_metadata, &mut edits);
    apply(call.body, call.envelope, shaping, &mut edits);
    edits.apply(call.body, call.envelope)
}

/// A translated body with the fields that the deployment forces.
pub(crate) fn forced(body: Bytes, shaping: &Shaping) -> Result<Bytes> {
    if shaping.extra_body.is_empty() {
        return Ok(body);
    }
    let mut edits = Edits::new();
    force(shaping, &mut edits);
    Ok(edits.apply(&body, &envelope::read(&body)?))
}

/// The body of a client that speaks the provider's dialect already.
pub(crate) fn passed(call: &Call<'_>, shaping: &Shaping) -> Bytes {
    let mut edits = Edits::new();
    strip(call.body, call.envelope, false, &mut edits);
    apply(call.body, call.envelope, shaping, &mut edits);
    rename(call.body, call.envelope, call.model, &mut edits);
    force(shaping, &mut edits);
    edits.apply(call.body, call.envelope)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shaped(drop: &[&str], body: &Value) -> Value {
        let mut shaping = Shaping::default();
        shaping.additional_drop_params = drop.iter().map(|name| (*name).to_owned()).collect();
        let body = Bytes::from(body.to_string());
        let fields = envelope::read(&body).unwrap();
        let mut edits = Edits::new();
        apply(&body, &fields, &shaping, &mut edits);
        serde_json::from_slice(&edits.apply(&body, &fields)).unwrap()
    }

    #[test]
    fn parameters_inside_others_are_dropped_by_their_path() {
        let function = |strict: bool| match strict {
            true => json!({"function": {"name": "f", "strict": true}}),
            false => json!({"function": {"name": "f"}}),
        };
        let body =
            json!({"tools": [function(true), function(false)], "a": {"b": {"c": 1, "d": [1, 2, 3]}}, "e": 1});
        assert_eq!(
            shaped(&["tools[*].function.strict"], &body)["tools"],
            json!([function(false), function(false)])
        );
        assert_eq!(shaped(&["tools[0].function.strict"], &body)["tools"][0], function(false));
        assert_eq!(
            shaped(&["a.b.c", "e"], &body),
            json!({"tools": body["tools"], "a": {"b": {"d": [1, 2, 3]}}})
        );
        assert_eq!(shaped(&["a.b.d[1]"], &body)["a"]["b"]["d"], json!([1, 3]));
        for nothing in ["tools[*].missing", "tools[9]", "a[0]", "x.y", "tools[x]", "a..b", "a[*].b"] {
            assert_eq!(shaped(&[nothing], &body), body, "{nothing}");
        }
    }

    #[test]
    fn bytes_that_no_path_leads_into_are_kept() {
        let body = Bytes::from_static(b"{\"tools\" : [ {\"a\":1.0} ], \"x\": 1.50}");
        let fields = envelope::read(&body).unwrap();
        let mut shaping = Shaping::default();
        shaping.additional_drop_params = vec!["tools[*].strict".to_owned()];
        let mut edits = Edits::new();
        apply(&body, &fields, &shaping, &mut edits);
        assert_eq!(edits.apply(&body, &fields), body);
    }
}
