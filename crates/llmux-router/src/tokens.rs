//! How many tokens a prompt has, as far as choosing a deployment needs it.

use std::fmt;

use llmux_core::{Dialect, Envelope};
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Counts the tokens of a prompt as a model's own tokenizer would.
///
/// It is asked only when it matters: when a prompt has more bytes than some deployment takes tokens.
pub trait TokenCounter: Send + Sync {
    /// The number of tokens of a request's prompt; `None` when it cannot tell, which excludes no deployment.
    fn count(&self, model: &str, dialect: Dialect, body: &[u8], envelope: &Envelope) -> Option<u64>;
}

/// The fields of a body that hold the prompt, over all dialects.
const FIELDS: &[&str] =
    &["messages", "input", "prompt", "system", "instructions", "contents", "systemInstruction", "tools"];
/// Bytes of text that a token stands for on average, in languages written with Latin letters.
const BYTES: u64 = 4;

/// The bytes of the fields that hold the prompt. No prompt has more tokens: each stands for a byte at least.
pub(crate) fn most(body: &[u8], envelope: &Envelope) -> u64 {
    let length = |name: &&str| envelope.get(body, name).map_or(0, |raw| raw.len() as u64);
    FIELDS.iter().map(length).sum()
}

/// A cautious guess: a quarter of the bytes of all texts, files and images left out.
pub(crate) fn estimate(body: &[u8], envelope: &Envelope) -> u64 {
    let text = |name: &&str| {
        let raw = envelope.get(body, name)?;
        serde_json::Deserializer::from_slice(raw).deserialize_any(Text).ok()
    };
    FIELDS.iter().filter_map(text).sum::<u64>() / BYTES
}

/// Sums up the bytes of all texts of a value.
struct Text;

impl<'de> Visitor<'de> for Text {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E>(self, text: &str) -> Result<u64, E> {
        // Files are long, and have no spaces in them.
        let data = text.starts_with("data:") || text.len() > 4_096 && !text.as_bytes().contains(&b' ');
        Ok(if data { 0 } else { text.len() as u64 })
    }

    fn visit_bool<E>(self, _: bool) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_i64<E>(self, _: i64) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_u64<E>(self, _: u64) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_f64<E>(self, _: f64) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_unit<E>(self) -> Result<u64, E> {
        Ok(0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<u64, A::Error> {
        let mut sum = 0_u64;
        while let Some(more) = items.next_element_seed(Seed)? {
            sum = sum.saturating_add(more);
        }
        Ok(sum)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<u64, A::Error> {
        let mut sum = 0_u64;
        while entries.next_key::<IgnoredAny>()?.is_some() {
            sum = sum.saturating_add(entries.next_value_seed(Seed)?);
        }
        Ok(sum)
    }
}

struct Seed;

impl<'de> serde::de::DeserializeSeed<'de> for Seed {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<u64, D::Error> {
        value.deserialize_any(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_count_and_files_do_not() {
        let image = format!("data:image/png;base64,{}", "A".repeat(9_000));
        let body = serde_json::json!({
            "model": "ignored",
            "messages": [{"role": "user", "content": [
                {"type": "text", "text": "x y ".repeat(100)},
                {"type": "image_url", "image_url": {"url": image}},
            ]}],
            "temperature": 0.5,
        })
        .to_string();
        let envelope = llmux_wire::json::envelope::read(body.as_bytes()).unwrap();
        let tokens = estimate(body.as_bytes(), &envelope);
        assert!((100..110).contains(&tokens), "{tokens}");
        assert!(most(body.as_bytes(), &envelope) > 9_000);
    }
}
