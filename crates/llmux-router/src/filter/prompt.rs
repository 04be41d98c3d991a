//! The part of a prompt that a provider may have in its cache, as a chain of hashes.

use std::hash::{DefaultHasher, Hash, Hasher};

use memchr::memmem;
use serde_json::Value;

use crate::{ask::Ask, tokens};

/// How many blocks before the last marked one are looked up.
const BLOCKS: usize = 20;
/// Longer data is hashed by its length alone.
const LONG: usize = 4_096;

/// For each of the last blocks up to the last one marked for caching, the hash of the prompt up to and including it.
/// Nothing when no block is marked, or the prompt is estimated at fewer than `least` tokens.
pub(crate) fn chain(ask: &Ask<'_>, least: u64) -> Vec<u64> {
    let marked = memmem::find(ask.body, b"\"cache_control\"").is_some();
    if !marked || tokens::estimate(ask.body, ask.envelope) < least {
        return Vec::new();
    }
    let read = |name: &str| {
        ask.envelope.get(ask.body, name).and_then(|raw| serde_json::from_slice::<Value>(raw).ok())
    };
    let mut chain = Chain::default();
    chain.content("system", &read("system").unwrap_or_default());
    for message in read("messages").iter().filter_map(Value::as_array).flatten() {
        let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
        chain.content(role, message.get("content").unwrap_or(&Value::Null));
    }
    chain.finish()
}

#[derive(Default)]
struct Chain {
    hasher: DefaultHasher,
    hashes: Vec<u64>,
    /// How many hashes there were at the last mark.
    marked: usize,
    in_tools: bool,
}

impl Chain {
    /// A message's content: a text counts as one block of text.
    fn content(&mut self, role: &str, content: &Value) {
        match content {
            Value::Array(blocks) => blocks.iter().for_each(|block| self.block(role, block)),
            Value::String(text) => self.block(role, &serde_json::json!({"type": "text", "text": text})),
            _ => {}
        }
    }

    fn block(&mut self, role: &str, block: &Value) {
        role.hash(&mut self.hasher);
        hash(block, &mut self.hasher);
        // A run of calls and their results counts as one.
        let kind = block.get("type").and_then(Value::as_str).unwrap_or_default();
        let tools = matches!(kind, "tool_use" | "tool_result");
        if tools && self.in_tools {
            self.hashes.pop();
        }
        self.in_tools = tools;
        self.hashes.push(self.hasher.finish());
        if block
            .get("cache_control")
            .is_some_and(|mark| mark.get("type").and_then(Value::as_str) == Some("ephemeral"))
        {
            self.marked = self.hashes.len();
        }
    }

    fn finish(mut self) -> Vec<u64> {
        self.hashes.truncate(self.marked);
        let first = self.hashes.len().saturating_sub(BLOCKS);
        self.hashes.split_off(first)
    }
}

/// Hashes a value without the marks, and long data by its length.
fn hash(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter().filter(|(key, _)| *key != "cache_control") {
                key.hash(hasher);
                hash(value, hasher);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| hash(item, hasher)),
        Value::String(text) if text.len() > LONG && !text.contains(' ') => text.len().hash(hasher),
        Value::String(text) => text.hash(hasher),
        other => other.to_string().hash(hasher),
    }
}
