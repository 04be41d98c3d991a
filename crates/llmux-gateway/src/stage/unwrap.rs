//! What Bedrock's `invoke` wraps otherwise than the dialect inside says it: Anthropic's, so far.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use llmux_core::Envelope;
use llmux_wire::json::edit::Edits;
use serde_json::Map;

/// The headers that name a guardrail, and the fields of Converse's for the same.
const GUARDRAIL: [(&str, &str); 3] = [
    ("x-amzn-bedrock-guardrailidentifier", "guardrailIdentifier"),
    ("x-amzn-bedrock-guardrailversion", "guardrailVersion"),
    ("x-amzn-bedrock-trace", "trace"),
];

/// The body as the dialect has it: whether to stream stands in it, the version does not, and previews are asked for
/// in a header. A guardrail joins it as Converse has it, so that a provider without one refuses the request.
pub(super) fn run(body: &Bytes, fields: &Envelope, stream: bool, headers: &mut HeaderMap) -> Bytes {
    let mut edits = Edits::new();
    edits.set_raw("stream", if stream { "true" } else { "false" });
    for name in ["anthropic_version", "anthropic_beta"] {
        if fields.find(body, name).is_some() {
            edits.remove(name);
        }
    }
    let betas = fields.get(body, "anthropic_beta");
    let betas: Vec<String> = betas.and_then(|raw| serde_json::from_slice(raw).ok()).unwrap_or_default();
    if let Some(value) = HeaderValue::from_str(&betas.join(",")).ok().filter(|value| !value.is_empty()) {
        headers.append("anthropic-beta", value);
    }
    let guardrail: Map<_, _> = GUARDRAIL
        .iter()
        .filter_map(|(header, field)| {
            let value = headers.get(*header)?.to_str().ok()?;
            // Converse writes the word small.
            let value = if *field == "trace" { value.to_ascii_lowercase() } else { value.to_owned() };
            Some(((*field).to_owned(), value.into()))
        })
        .collect();
    if guardrail.contains_key("guardrailIdentifier") {
        edits.set_value("guardrailConfig", &guardrail.into());
    }
    edits.apply(body, fields)
}

#[cfg(test)]
mod tests {
    use llmux_wire::json::envelope;

    use super::*;

    #[test]
    fn version_and_previews_leave_the_body() {
        let body = Bytes::from_static(
            br#"{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["a","b"],"max_tokens":1}"#,
        );
        let mut headers = HeaderMap::new();
        let fields = envelope::read(&body).unwrap();
        assert_eq!(run(&body, &fields, true, &mut headers), r#"{"max_tokens":1,"stream":true}"#);
        assert_eq!(headers["anthropic-beta"], "a,b");
    }

    #[test]
    fn a_guardrail_stays_with_the_request() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-bedrock-guardrailidentifier", HeaderValue::from_static("g"));
        headers.insert("x-amzn-bedrock-trace", HeaderValue::from_static("ENABLED"));
        let body = Bytes::from_static(b"{}");
        let fields = envelope::read(&body).unwrap();
        let guarded = r#"{"stream":false,"guardrailConfig":{"guardrailIdentifier":"g","trace":"enabled"}}"#;
        assert_eq!(run(&body, &fields, false, &mut headers), guarded);
    }
}
