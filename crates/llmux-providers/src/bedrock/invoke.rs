//! Anthropic's bodies through `invoke`: what Bedrock wants otherwise than Anthropic.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use llmux_core::{Dialect, Result};
use llmux_wire::json::{edit::Edits, envelope};
use serde_json::{Map, Value};

/// The version that every body carries.
const VERSION: &str = "bedrock-2023-05-31";
const ANTHROPIC_BETA: &str = "anthropic-beta";
/// Previews that Bedrock knows, by its guide to Claude's Messages API; it refuses requests with any other.
const BETAS: &[&str] = &[
    "computer-use-2024-10-22",
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    "context-1m-2025-08-07",
    "context-management-2025-06-27",
    "dev-full-thinking-2025-05-14",
    "effort-2025-11-24",
    "interleaved-thinking-2025-05-14",
    "output-128k-2025-02-19",
    "token-efficient-tools-2025-02-19",
    "tool-examples-2025-10-29",
    "tool-search-tool-2025-10-19",
];
const GUARDRAIL: HeaderName = HeaderName::from_static("x-amzn-bedrock-guardrailidentifier");
const GUARDRAIL_VERSION: HeaderName = HeaderName::from_static("x-amzn-bedrock-guardrailversion");
const TRACE: HeaderName = HeaderName::from_static("x-amzn-bedrock-trace");
const LATENCY: HeaderName = HeaderName::from_static("x-amzn-bedrock-performanceconfig-latency");
const METADATA: HeaderName = HeaderName::from_static("x-amzn-bedrock-request-metadata");
const TIER: HeaderName = HeaderName::from_static("x-amzn-bedrock-service-tier");

/// The body without model and stream, which stand in the path, and with its version. Previews that the client's
/// headers ask for join it; those that Bedrock does not know are told in `dropped`.
pub(super) fn adapt(
    body: &Bytes,
    client: &HeaderMap,
    dialect: Dialect,
    dropped: &mut Vec<String>,
) -> Result<Bytes> {
    let fields = envelope::read(body)?;
    let mut edits = Edits::new();
    for name in ["model", "stream"] {
        if fields.find(body, name).is_some() {
            edits.remove(name);
        }
    }
    if fields.find(body, "anthropic_version").is_none() {
        edits.set_str("anthropic_version", VERSION);
    }
    let asked = client.get_all(ANTHROPIC_BETA).into_iter().filter(|_| dialect == Dialect::Anthropic);
    let asked = asked.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let (known, unknown): (Vec<_>, Vec<_>) =
        asked.map(str::trim).filter(|beta| !beta.is_empty()).partition(|beta| BETAS.contains(beta));
    if !unknown.is_empty() {
        dropped.push(ANTHROPIC_BETA.to_owned());
    }
    if !known.is_empty() && fields.find(body, "anthropic_beta").is_none() {
        edits.set_value("anthropic_beta", &known.into());
    }
    Ok(edits.apply(body, &fields))
}

/// Takes what Converse has fields for out of the body and puts it into the headers that `invoke` has for it.
pub(super) fn move_to_headers(body: Bytes, headers: &mut HeaderMap) -> Result<Bytes> {
    let fields = envelope::read(&body)?;
    let mut edits = Edits::new();
    let mut take = |name: &'static str| -> Option<Map<String, Value>> {
        let raw = fields.get(&body, name)?;
        edits.remove(name);
        serde_json::from_slice(raw).ok()
    };
    let mut put = |name: HeaderName, value: Option<&Value>, upper: bool| {
        let text = value
            .and_then(Value::as_str)
            .map(|text| if upper { text.to_ascii_uppercase() } else { text.to_owned() });
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(name, value);
        }
    };
    if let Some(config) = take("guardrailConfig") {
        put(GUARDRAIL, config.get("guardrailIdentifier"), false);
        put(GUARDRAIL_VERSION, config.get("guardrailVersion"), false);
        put(TRACE, config.get("trace"), true);
    }
    if let Some(config) = take("performanceConfig") {
        put(LATENCY, config.get("latency"), false);
    }
    if let Some(labels) = take("requestMetadata") {
        put(METADATA, Some(&Value::Object(labels).to_string().into()), false);
    }
    if let Some(tier) = take("serviceTier") {
        put(TIER, tier.get("type"), false);
    }
    Ok(edits.apply(&body, &fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_and_stream_go_version_and_known_previews_come() {
        let body = Bytes::from_static(br#"{"model":"m","stream":true,"max_tokens":5,"messages":[]}"#);
        let mut client = HeaderMap::new();
        let betas = HeaderValue::from_static("context-1m-2025-08-07, claude-code-20250219");
        client.insert(ANTHROPIC_BETA, betas);
        let mut dropped = Vec::new();
        let adapted = adapt(&body, &client, Dialect::Anthropic, &mut dropped).unwrap();
        let expected = r#"{"max_tokens":5,"messages":[],"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["context-1m-2025-08-07"]}"#;
        assert_eq!((adapted, dropped), (Bytes::from(expected), vec!["anthropic-beta".to_owned()]));
    }

    #[test]
    fn what_converse_has_fields_for_goes_to_headers() {
        let body = Bytes::from_static(
            br#"{"guardrailConfig":{"guardrailIdentifier":"g","guardrailVersion":"1","trace":"enabled"},"a":1}"#,
        );
        let mut headers = HeaderMap::new();
        assert_eq!(move_to_headers(body, &mut headers).unwrap(), r#"{"a":1}"#);
        assert_eq!(
            (&headers[GUARDRAIL], &headers[TRACE]),
            (&"g".parse().unwrap(), &"ENABLED".parse().unwrap())
        );
    }
}
