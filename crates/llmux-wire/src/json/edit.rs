//! Changing top-level fields of a JSON body as bytes: everything else is copied as it stands.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use llmux_core::{Envelope, Field};
use serde_json::Value;

/// Changes to the top-level fields of one body.
#[derive(Debug, Default)]
pub struct Edits<'a> {
    set: Vec<(&'a str, Vec<u8>)>,
    removed: Vec<&'a str>,
}

impl<'a> Edits<'a> {
    /// No changes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.removed.is_empty()
    }

    /// Sets a field to raw JSON, in the place where the body has it, else at the end. The last one wins.
    pub fn set_raw(&mut self, name: &'a str, json: impl Into<Vec<u8>>) {
        self.set.retain(|(known, _)| *known != name);
        self.removed.retain(|known| *known != name);
        self.set.push((name, json.into()));
    }

    /// Sets a field to a string.
    pub fn set_str(&mut self, name: &'a str, text: &str) {
        let plain = text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\');
        if plain {
            let mut json = Vec::with_capacity(text.len().saturating_add(2));
            json.push(b'"');
            json.extend_from_slice(text.as_bytes());
            json.push(b'"');
            self.set_raw(name, json);
        } else {
            self.set_value(name, &Value::from(text));
        }
    }

    /// Sets a field to a value.
    pub fn set_value(&mut self, name: &'a str, value: &Value) {
        self.set_raw(name, value.to_string());
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &'a str) {
        self.set.retain(|(known, _)| *known != name);
        self.removed.push(name);
    }

    /// The changed body. Without changes it is the same bytes.
    #[must_use]
    pub fn apply(&self, body: &Bytes, envelope: &Envelope) -> Bytes {
        if self.is_empty() {
            return body.clone();
        }
        let mut out = Out::new(body, body.len().saturating_add(self.growth()), usize::MAX);
        self.write(envelope, &mut out);
        out.open.freeze()
    }

    /// The changed body in pieces: what is long and stays is a slice of the body and not copied.
    #[must_use]
    pub fn apply_in_pieces(&self, body: &Bytes, envelope: &Envelope) -> Vec<Bytes> {
        if self.is_empty() {
            return vec![body.clone()];
        }
        let mut out = Out::new(body, self.growth().saturating_add(LONG), LONG);
        self.write(envelope, &mut out);
        out.close();
        out.pieces
    }

    /// Most bytes that the changes add.
    fn growth(&self) -> usize {
        self.set.iter().map(|(name, json)| name.len() + json.len() + 4).sum()
    }

    fn write(&self, envelope: &Envelope, out: &mut Out<'_>) {
        let body = out.body;
        let (open, close) = braces(body, envelope.fields());
        out.copy(0..open);
        let mut written = vec![false; self.set.len()];
        let (mut before, mut empty) = (open, true);
        for field in envelope.fields() {
            let key = body.get(field.key.clone()).unwrap_or_default();
            if !self.removed.iter().any(|name| quoted(key, name)) {
                if !empty {
                    // Comma and white space as the client wrote them.
                    out.copy(before..field.key.start);
                }
                empty = false;
                out.copy(field.key.start..field.value.start);
                match self.set.iter().position(|(name, _)| quoted(key, name)) {
                    Some(place) => self.put(place, &mut written, out),
                    None => out.copy(field.value.clone()),
                }
            }
            before = field.value.end;
        }
        for place in 0..self.set.len() {
            if written.get(place) == Some(&false) {
                if !empty {
                    out.open.put_u8(b',');
                }
                empty = false;
                self.put_key(place, out);
                self.put(place, &mut written, out);
            }
        }
        out.copy(close..body.len());
    }

    fn put_key(&self, place: usize, out: &mut Out<'_>) {
        if let Some((name, _)) = self.set.get(place) {
            out.open.put_u8(b'"');
            out.open.put_slice(name.as_bytes());
            out.open.put_slice(b"\":");
        }
    }

    fn put(&self, place: usize, written: &mut [bool], out: &mut Out<'_>) {
        if let (Some((_, json)), Some(done)) = (self.set.get(place), written.get_mut(place)) {
            out.open.put_slice(json);
            *done = true;
        }
    }
}

/// From this length on, in bytes, to hand a part of the body on costs less than to copy it.
const LONG: usize = 4 << 10;

/// A body that is being written: the pieces that are done, and the open one.
struct Out<'b> {
    body: &'b Bytes,
    pieces: Vec<Bytes>,
    open: BytesMut,
    long: usize,
}

impl<'b> Out<'b> {
    fn new(body: &'b Bytes, room: usize, long: usize) -> Self {
        Self { body, pieces: Vec::new(), open: BytesMut::with_capacity(room), long }
    }

    /// Takes a part of the body over.
    fn copy(&mut self, range: Range<usize>) {
        if range.len() < self.long {
            self.open.put_slice(self.body.get(range).unwrap_or_default());
        } else if range.end <= self.body.len() {
            self.close();
            self.pieces.push(self.body.slice(range));
        }
    }

    /// Ends the open piece.
    fn close(&mut self) {
        if !self.open.is_empty() {
            self.pieces.push(self.open.split().freeze());
        }
    }
}

/// Where the first field begins and where the last one ends; in an empty object, behind its opening brace.
fn braces(body: &[u8], fields: &[Field]) -> (usize, usize) {
    match (fields.first(), fields.last()) {
        (Some(first), Some(last)) => (first.key.start, last.value.end),
        _ => {
            let inside = body.iter().position(|b| *b == b'{').map_or(body.len(), |at| at + 1);
            (inside, inside)
        }
    }
}

fn quoted(key: &[u8], name: &str) -> bool {
    key.len() == name.len().saturating_add(2)
        && key.get(1..key.len().saturating_sub(1)).is_some_and(|inner| inner == name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::envelope;

    fn edited(body: &'static str, change: impl FnOnce(&mut Edits<'_>)) -> String {
        let body = Bytes::from_static(body.as_bytes());
        let mut edits = Edits::new();
        change(&mut edits);
        String::from_utf8(edits.apply(&body, &envelope::read(&body).unwrap()).to_vec()).unwrap()
    }

    #[test]
    fn a_changed_field_stays_in_its_place_and_the_rest_byte_for_byte() {
        let body = r#"{ "x" : [1, 2.50],  "model":"a" , "y":"\u00e9" }"#;
        assert_eq!(
            edited(body, |e| e.set_str("model", "b\"c")),
            r#"{ "x" : [1, 2.50],  "model":"b\"c" , "y":"\u00e9" }"#
        );
    }

    #[test]
    fn fields_are_removed_wherever_they_stand() {
        let body = r#"{"a":1, "b":2, "c":3}"#;
        assert_eq!(edited(body, |e| e.remove("a")), r#"{"b":2, "c":3}"#);
        assert_eq!(edited(body, |e| e.remove("b")), r#"{"a":1, "c":3}"#);
        assert_eq!(edited(body, |e| e.remove("c")), r#"{"a":1, "b":2}"#);
        assert_eq!(
            edited(body, |e| {
                e.remove("a");
                e.remove("b");
                e.remove("c");
            }),
            "{}"
        );
    }

    #[test]
    fn a_new_field_goes_to_the_end() {
        assert_eq!(edited(r#"{"a":1 }"#, |e| e.set_raw("b", "2")), r#"{"a":1,"b":2 }"#);
        assert_eq!(edited(" { } ", |e| e.set_raw("b", "2")), r#" {"b":2 } "#);
    }

    #[test]
    fn pieces_are_the_changed_body_and_long_ones_are_not_copied() {
        let long = "x".repeat(LONG);
        let body = Bytes::from(format!(r#"{{"a":"{long}","model":"m", "b":"{long}","c":1}}"#));
        let fields = envelope::read(&body).unwrap();
        let mut edits = Edits::new();
        edits.set_str("model", "other");
        edits.remove("c");
        edits.set_raw("d", "2");
        let pieces = edits.apply_in_pieces(&body, &fields);
        assert_eq!(pieces.concat(), edits.apply(&body, &fields));
        let inside = body.as_ptr_range();
        let copied: usize =
            pieces.iter().filter(|piece| !inside.contains(&piece.as_ptr())).map(Bytes::len).sum();
        assert!(copied < 100, "{copied}");
        assert_eq!(Edits::new().apply_in_pieces(&body, &fields), [body]);
    }

    #[test]
    fn nothing_to_change_gives_the_same_allocation() {
        let body = Bytes::from_static(b"{\"a\":1}");
        let out = Edits::new().apply(&body, &envelope::read(&body).unwrap());
        assert_eq!(out.as_ptr(), body.as_ptr());
    }

    #[test]
    fn a_field_that_stands_twice_is_changed_twice() {
        assert_eq!(edited(r#"{"m":1,"m":2}"#, |e| e.set_raw("m", "3")), r#"{"m":3,"m":3}"#);
    }
}
