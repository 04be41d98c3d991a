//! Reasoning that only its maker can read: a blob here, a text at Anthropic.
//!
//! Bedrock wraps Anthropic's text in base64. It is unwrapped, so that a conversation may go on at Anthropic itself;
//! what is no text is marked and kept as it stands.

use base64::prelude::{BASE64_STANDARD, Engine as _};

const MARK: &str = "bedrock#";

/// The blob in neutral form.
pub(super) fn read(blob: &str) -> String {
    let text = BASE64_STANDARD.decode(blob).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()));
    text.unwrap_or_else(|| format!("{MARK}{blob}"))
}

/// The blob that stands for it.
pub(super) fn write(data: &str) -> String {
    data.strip_prefix(MARK).map_or_else(|| BASE64_STANDARD.encode(data), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anthropics_text_is_unwrapped_and_other_blobs_are_kept() {
        assert_eq!(read("RXRrRQ=="), "EtkE");
        for blob in ["RXRrRQ==", "/+8=", "", "no base64"] {
            assert_eq!(write(&read(blob)), blob);
        }
    }
}
