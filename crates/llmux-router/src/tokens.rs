//! How many tokens a prompt has, as far as choosing a deployment needs it.

use std::fmt;

use llmux_core::{Envelope, TokenCounter};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

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
    let mut bytes = 0_u64;
    texts(body, envelope, &mut |text| bytes = bytes.saturating_add(text.len() as u64));
    bytes / BYTES
}

/// The tokens of all texts, as this model would read them.
pub(crate) fn count(counter: &dyn TokenCounter, model: &str, body: &[u8], envelope: &Envelope) -> u64 {
    let mut tokens = 0_u64;
    texts(body, envelope, &mut |text| tokens = tokens.saturating_add(counter.count(model, text)));
    tokens
}

/// Shows every text of the prompt. What cannot be read shows none.
fn texts(body: &[u8], envelope: &Envelope, show: &mut dyn FnMut(&str)) {
    for raw in FIELDS.iter().filter_map(|name| envelope.get(body, name)) {
        // The provider will say what is wrong with it.
        _ = Text(show).deserialize(&mut serde_json::Deserializer::from_slice(raw));
    }
}

/// Shows all texts of a value.
struct Text<'f>(&'f mut dyn FnMut(&str));

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        // Files are long, and have no spaces in them.
        let data = text.starts_with("data:") || text.len() > 4_096 && !text.as_bytes().contains(&b' ');
        if !data {
            (self.0)(text);
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Text(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while entries.next_key::<IgnoredAny>()?.is_some() {
            entries.next_value_seed(Text(&mut *self.0))?;
        }
        Ok(())
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
