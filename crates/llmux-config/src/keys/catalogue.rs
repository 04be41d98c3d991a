//! `catalogue`

use super::Shape::{Duration, Text, Url};
use super::{Key, Section};

/// `catalogue`
pub(crate) static CATALOGUE: Section = Section {
    name: "catalogue",
    doc: "Where facts of models come from beside the built-in ones.",
    keys: &[&[
        Key::new("file", Text, "A price map in LiteLLM's form (JSON), put over the built-in facts."),
        Key::new(
            "url",
            Url,
            "Where a newer price map is fetched from, its signature from there with `.sig`.",
        ),
        Key::new("public_key", Text, "The key that signs it: Ed25519, base64. Needed with `url`."),
        Key::new("refresh", Duration, "Time between two fetches.").default("24h"),
        Key::new("copy", Text, "A file that keeps the last good map from `url` over a restart."),
    ]],
    not_yet: &[],
    keep_in: None,
};
