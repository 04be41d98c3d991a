//! What some hosts do not take inside messages and tools. These are the only changes that need a tree, and the
//! tree is built only when a search of the bytes finds something to change.

use bytes::Bytes;
use llmux_core::{Envelope, Result};
use llmux_wire::json::{edit::Edits, envelope};
use memchr::memmem;
use serde_json::Value;

use super::{replay, table::Quirks};

/// Rewrites `messages` and `tools` where the host needs it. `written`: the body is no client's own, but was
/// written here.
pub(super) fn adapt(
    quirks: &Quirks,
    written: bool,
    body: &Bytes,
    envelope: &Envelope,
    edits: &mut Edits<'_>,
) -> Result<()> {
    let found =
        |field: &str, word: &[u8]| envelope.get(body, field).filter(|raw| memmem::find(raw, word).is_some());
    let developer = !quirks.developer_role && found("messages", b"\"developer\"").is_some();
    let names = !quirks.message_name && found("messages", b"\"name\"").is_some();
    let parts = quirks.content_as_string && found("messages", b"\"type\"").is_some();
    let thinking =
        (quirks.replay_reasoning || written) && found("messages", replay::FIELD.as_bytes()).is_some();
    if developer || names || parts || thinking {
        rewrite(body, envelope, "messages", edits, |messages| {
            for message in messages {
                if developer && message.get("role").and_then(Value::as_str) == Some("developer") {
                    set(message, "role", "system".into());
                }
                if let Some(message) = message.as_object_mut().filter(|_| thinking) {
                    replay::convert(quirks, message);
                }
                if names && message.get("role").and_then(Value::as_str) != Some("tool") {
                    remove(message, "name");
                }
                if let Some(text) = message.get("content").filter(|_| parts).and_then(only_text) {
                    set(message, "content", text.into());
                }
            }
        })?;
    }
    if !quirks.strict_tools && found("tools", b"\"strict\"").is_some() {
        rewrite(body, envelope, "tools", edits, |tools| {
            for tool in tools {
                if let Some(function) = tool.get_mut("function") {
                    remove(function, "strict");
                }
            }
        })?;
    }
    Ok(())
}

fn rewrite<'a>(
    body: &Bytes,
    fields: &Envelope,
    name: &'a str,
    edits: &mut Edits<'a>,
    change: impl FnOnce(&mut Vec<Value>),
) -> Result<()> {
    let raw = fields.get(body, name).unwrap_or_default();
    let mut value: Value = serde_json::from_slice(raw).map_err(|error| envelope::explain(&error))?;
    if let Some(list) = value.as_array_mut() {
        change(list);
        edits.set_value(name, &value);
    }
    Ok(())
}

fn set(value: &mut Value, name: &str, to: Value) {
    if let Some(object) = value.as_object_mut() {
        object.insert(name.to_owned(), to);
    }
}

fn remove(value: &mut Value, name: &str) {
    if let Some(object) = value.as_object_mut() {
        object.shift_remove(name);
    }
}

/// The text of a list of nothing but text parts.
fn only_text(content: &Value) -> Option<String> {
    let texts: Option<Vec<_>> =
        content.as_array()?.iter().map(|part| part.get("text").and_then(Value::as_str)).collect();
    texts.map(|texts| texts.join("\n"))
}
