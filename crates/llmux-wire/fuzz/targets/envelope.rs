//! Finding and changing top-level fields: what is changed stays JSON, and everything else stays as it stood.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use llmux_core::Envelope;
use llmux_wire::json::{edit::Edits, envelope};
use serde_json::{Map, Value, value::RawValue};

const SET: &[u8] = b"\"model\"";
const REMOVED: &[u8] = b"\"stream\"";
const ADDED: &[u8] = b"\"added\"";

fuzz_target!(|data: &[u8]| {
    let body = Bytes::copy_from_slice(data);
    let fields = match envelope::read(&body) {
        Ok(fields) => fields,
        Err(error) => {
            let too_many = error.message().contains("too many");
            let parsed = serde_json::from_slice::<Map<String, Value>>(&body);
            assert!(too_many || parsed.is_err(), "refused although it is an object: {error}");
            return;
        }
    };
    let mut edits = Edits::new();
    assert_eq!(edits.apply(&body, &fields), body);
    edits.set_str("model", "a \"quoted\" name");
    edits.remove("stream");
    edits.set_raw("added", "[1]");
    let changed = edits.apply(&body, &fields);
    serde_json::from_slice::<&RawValue>(&changed).expect("the changed body is JSON");
    let after = envelope::read(&changed).expect("the changed body is an object");
    assert_eq!(untouched(&body, &fields), untouched(&changed, &after));
    assert_eq!(after.get(&changed, "model"), Some(&br#""a \"quoted\" name""#[..]));
    assert_eq!(after.get(&changed, "added"), Some(&b"[1]"[..]));
    assert_eq!(after.get(&changed, "stream"), None);
});

/// Key and value of each field that no edit names, as bytes.
fn untouched<'b>(body: &'b [u8], fields: &Envelope) -> Vec<(&'b [u8], &'b [u8])> {
    let fields = fields.fields().iter().map(|field| (&body[field.key.clone()], &body[field.value.clone()]));
    fields.filter(|(key, _)| ![SET, REMOVED, ADDED].contains(key)).collect()
}
