//! A provider's proof of its reasoning, inside `encrypted_content`.

use crate::chat::Content;

/// What a seal of ours begins with. Anything else was sealed by another provider, for itself only.
const PREFIX: &str = "llmux-1:";
const SIGNED: &str = "signed:";
const REDACTED: &str = "redacted:";

/// The seal of text with a signature.
pub(super) fn seal_signature(signature: &str) -> String {
    format!("{PREFIX}{SIGNED}{signature}")
}

/// The seal of reasoning that only the provider can read.
pub(super) fn seal_redacted(data: &str) -> String {
    format!("{PREFIX}{REDACTED}{data}")
}

/// The reasoning that a client sends back.
pub(super) fn open(text: String, encrypted: Option<&str>) -> Content {
    let sealed = encrypted.and_then(|sealed| sealed.strip_prefix(PREFIX));
    if let Some(data) = sealed.and_then(|sealed| sealed.strip_prefix(REDACTED)) {
        return Content::RedactedReasoning(data.to_owned());
    }
    let signature = sealed.and_then(|sealed| sealed.strip_prefix(SIGNED));
    Content::Reasoning { text, signature: signature.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_again() {
        let signed = open("t".into(), Some(&seal_signature("s:1")));
        assert_eq!(signed, Content::Reasoning { text: "t".into(), signature: Some("s:1".into()) });
        let redacted = open(String::new(), Some(&seal_redacted("d")));
        assert_eq!(redacted, Content::RedactedReasoning("d".into()));
    }

    #[test]
    fn the_seal_of_another_provider_proves_nothing_here() {
        let plain = Content::Reasoning { text: "t".into(), signature: None };
        assert_eq!(open("t".into(), Some("gAAAA")), plain);
        assert_eq!(open("t".into(), None), plain);
    }
}
