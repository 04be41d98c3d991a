//! What Bedrock's `invoke` wraps otherwise than the dialect inside says it: Anthropic's, so far.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use llmux_core::Envelope;
use llmux_wire::json::edit::Edits;

/// The body as the dialect has it: whether to stream stands in it, the version does not, and previews are asked for
/// in a header.
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
}
