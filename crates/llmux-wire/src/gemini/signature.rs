//! Signatures of thoughts, on their way through clients of other dialects.
//!
//! A tool call's signature is appended to the call's id, in the alphabet that every API takes in ids, behind
//! LiteLLM's separator: clients may lose what stands beside a call, but never its id. Other signatures travel as
//! those of reasoning, marked, so that no other maker's signature is ever given to Gemini.

/// Between a call's id and its signature.
const SEPARATOR: &str = "__thought__";
/// What marks a signature of Gemini's among those of other makers.
const MARK: &str = "gemini#";
/// What base64 of redacted reasoning begins with for clients of this dialect: the word `redacted:` in base64.
const REDACTED: &str = "cmVkYWN0ZWQ6";
/// What Gemini takes in place of the signature of a call that it did not make itself, by its guide on thought
/// signatures: `skip_thought_signature_validator` in base64.
pub(super) const FOREIGN: &str = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";

/// The id of a signed call.
pub(super) fn join(id: String, signature: Option<&str>) -> String {
    let Some(signature) = signature else { return id };
    let plain = signature.trim_end_matches('=').chars().map(|letter| match letter {
        '+' => '-',
        '/' => '_',
        letter => letter,
    });
    id + SEPARATOR + &plain.collect::<String>()
}

/// A call's own id, and its signature in padded base64.
pub(super) fn split(id: &str) -> (&str, Option<String>) {
    let Some((id, plain)) = id.split_once(SEPARATOR) else { return (id, None) };
    let mut signature: String = plain
        .chars()
        .map(|letter| match letter {
            '-' => '+',
            '_' => '/',
            letter => letter,
        })
        .collect();
    while !signature.len().is_multiple_of(4) {
        signature.push('=');
    }
    (id, Some(signature))
}

/// A call's own id.
pub(crate) fn plain_call_id(id: &str) -> &str {
    id.split_once(SEPARATOR).map_or(id, |(id, _)| id)
}

/// Marks a signature as Gemini's.
pub(super) fn seal(signature: &str) -> String {
    format!("{MARK}{signature}")
}

/// The signature, if it is Gemini's.
pub(super) fn unseal(signature: &str) -> Option<&str> {
    signature.strip_prefix(MARK)
}

/// Whether a signature is marked as Gemini's: no other provider takes it.
pub(crate) fn is_sealed(signature: &str) -> bool {
    unseal(signature).is_some()
}

/// Redacted reasoning as the signature of a thought.
pub(super) fn from_redacted(data: &str) -> String {
    format!("{REDACTED}{data}")
}

/// The redacted reasoning that a signature stands for.
pub(super) fn to_redacted(signature: &str) -> Option<&str> {
    signature.strip_prefix(REDACTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calls_signature_comes_back_out_of_its_id() {
        for signature in ["Ck0+/w==", "abcd", "YWI="] {
            let id = join("call_1".into(), Some(signature));
            assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'));
            assert_eq!(split(&id), ("call_1", Some(signature.to_owned())));
        }
        assert_eq!(split(&join("call_1".into(), None)), ("call_1", None));
    }

    #[test]
    fn only_geminis_own_signatures_are_taken_as_such() {
        assert_eq!(unseal(&seal("s")), Some("s"));
        assert_eq!(unseal("ErUB"), None);
        assert_eq!(to_redacted(&from_redacted("d")), Some("d"));
    }
}
