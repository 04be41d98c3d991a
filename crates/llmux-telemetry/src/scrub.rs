//! The last line of defence against secrets in logs.

use std::borrow::Cow;

use llmux_core::{Error, ErrorKind, Result};
use regex::bytes::{Captures, Regex};

/// What secrets look like; the group `keep`, if any, stays.
const PATTERN: &str = r#"(?x)
    (?P<keep> (?i:
        \b bearer \s+
        | \b authorization ["']? \s* [:=] \s* ["']? basic \s+
        | \b x-api-key ["']? \s* [:=] \s* ["']?
    ) ) [A-Za-z0-9._~+/=-]{8,}
    | \b (?: sk | rk | pk ) - [A-Za-z0-9_-]{4,}     # OpenAI, Anthropic, LiteLLM and those that follow them
    | \b (?: gsk | hf | xai | pplx | nvapi | r8 | ghp | github_pat ) [_-] [A-Za-z0-9_-]{16,}
    | \b AIza [A-Za-z0-9_-]{20,}                     # Google
    | \b (?: AKIA | ASIA ) [A-Z0-9]{16} \b           # AWS
    | \b eyJ [A-Za-z0-9_-]{8,} \. [A-Za-z0-9_-]{8,} \. [A-Za-z0-9_-]*    # JSON web tokens
"#;
const MASK: &[u8] = b"***";

/// Masks what looks like a key or a token.
///
/// Secrets have types that cannot be printed; this is for those that come in through texts of others, such as a
/// provider's error message.
#[derive(Clone, Debug)]
pub struct Scrubber {
    pattern: Regex,
}

impl Scrubber {
    /// Prepares the search.
    ///
    /// # Errors
    ///
    /// None in practice: the pattern is fixed.
    pub fn new() -> Result<Self> {
        let pattern = Regex::new(PATTERN)
            .map_err(|error| Error::new(ErrorKind::Internal, format!("the pattern of secrets: {error}")))?;
        Ok(Self { pattern })
    }

    /// The same text with `***` in place of secrets. Text without secrets is not copied.
    #[must_use]
    pub fn scrub<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        self.pattern.replace_all(text, |found: &Captures<'_>| {
            let keep = found.name("keep").map_or(&[][..], |keep| keep.as_bytes());
            [keep, MASK].concat()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(text: &str) -> String {
        String::from_utf8(Scrubber::new().unwrap().scrub(text.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn keys_and_tokens_of_known_forms_are_masked() {
        for (text, expected) in [
            ("Incorrect API key provided: sk-proj-canary_1234.", "Incorrect API key provided: ***."),
            (r#"{"authorization":"Bearer canary.0123-456"}"#, r#"{"authorization":"Bearer ***"}"#),
            ("authorization: basic Y2FuYXJ5OmNhbmFyeQ==", "authorization: basic ***"),
            (r#""x-api-key": "canary0123""#, r#""x-api-key": "***""#),
            ("url?key=AIzaSyCanary0123456789canary0123", "url?key=***"),
            ("key gsk_canary0123456789canary", "key ***"),
            ("id AKIACANARY0123456789 used", "id *** used"),
            ("jwt eyJjYW5hcnkiOjF9.eyJjYW5hcnkiOjF9.c2lnbmF0dXJl", "jwt ***"),
        ] {
            assert_eq!(scrubbed(text), expected);
        }
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        let scrubber = Scrubber::new().unwrap();
        for text in [
            "task-force of risk-takers",
            "gpt-4o-2024-08-06 via us-east-1",
            "basic understanding",
            "the bearer of news",
            "✓ é",
        ] {
            assert!(matches!(scrubber.scrub(text.as_bytes()), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn all_secrets_of_several_lines_are_masked() {
        assert_eq!(scrubbed("a sk-canary1\nb sk-canary2 sk-canary3\n"), "a ***\nb *** ***\n");
    }
}
