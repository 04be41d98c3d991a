//! The events of one item, numbered.

use bytes::BytesMut;
use serde_json::{Map, Value, json};

use crate::{
    responses::item_write::{IN_PROGRESS, Item, Kind, Piece, summary},
    sse,
};

/// Writes events with their numbers in the stream.
#[derive(Debug, Default)]
pub(super) struct Numbered {
    next: u64,
}

impl Numbered {
    /// Appends an event of this type with the fields of an object.
    pub(super) fn write(&mut self, kind: &str, fields: Value, out: &mut BytesMut) {
        let mut event = Map::new();
        event.insert("type".into(), kind.into());
        event.insert("sequence_number".into(), self.next.into());
        self.next = self.next.saturating_add(1);
        if let Value::Object(fields) = fields {
            event.extend(fields);
        }
        sse::write(out, kind, Value::Object(event).to_string().as_bytes());
    }

    /// An item begins, with whatever it holds so far.
    pub(super) fn begin(&mut self, item: &Item, at: usize, out: &mut BytesMut) {
        let value = item.value(IN_PROGRESS);
        self.write("response.output_item.added", json!({ "output_index": at, "item": value }), out);
    }

    /// An item ends, with its last piece.
    pub(super) fn end(&mut self, item: &Item, at: usize, status: &str, out: &mut BytesMut) {
        match &item.kind {
            Kind::Message(_) => self.end_piece(item, at, out),
            Kind::Reasoning { text, .. } if !text.is_empty() => self.end_summary(item, at, text, out),
            Kind::Call(call) => {
                let fields = json!({
                    "item_id": item.id,
                    "output_index": at,
                    "name": call.name,
                    "arguments": call.arguments,
                });
                self.write("response.function_call_arguments.done", fields, out);
            }
            Kind::Reasoning { .. } | Kind::Redacted(_) => {}
        }
        let value = item.value(status);
        self.write("response.output_item.done", json!({ "output_index": at, "item": value }), out);
    }

    /// More text of a message.
    pub(super) fn text(&mut self, item: &mut Item, at: usize, more: &str, out: &mut BytesMut) {
        self.piece(item, at, |piece| matches!(piece, Piece::Text { .. }), Piece::text, out);
        let (id, place) = (&item.id, item.place());
        let fields = json!({
            "item_id": id,
            "output_index": at,
            "content_index": place,
            "delta": more,
            "logprobs": [],
        });
        self.write("response.output_text.delta", fields, out);
        if let Some(Piece::Text { text, .. }) = item.last_piece() {
            text.push_str(more);
        }
    }

    /// More of a refusal.
    pub(super) fn refusal(&mut self, item: &mut Item, at: usize, more: &str, out: &mut BytesMut) {
        let new = || Piece::Refusal(String::new());
        self.piece(item, at, |piece| matches!(piece, Piece::Refusal(_)), new, out);
        let fields = json!({
            "item_id": item.id,
            "output_index": at,
            "content_index": item.place(),
            "delta": more,
        });
        self.write("response.refusal.delta", fields, out);
        if let Some(Piece::Refusal(text)) = item.last_piece() {
            text.push_str(more);
        }
    }

    /// A source of a message's text.
    pub(super) fn annotate(&mut self, item: &mut Item, at: usize, annotation: Value, out: &mut BytesMut) {
        self.piece(item, at, |piece| matches!(piece, Piece::Text { .. }), Piece::text, out);
        let (id, place) = (item.id.clone(), item.place());
        let Some(Piece::Text { annotations, .. }) = item.last_piece() else { return };
        let fields = json!({
            "item_id": id,
            "output_index": at,
            "content_index": place,
            "annotation_index": annotations.len(),
            "annotation": annotation,
        });
        annotations.push(annotation);
        self.write("response.output_text.annotation.added", fields, out);
    }

    /// More reasoning. All of it is one part of the summary.
    pub(super) fn think(&mut self, item: &mut Item, at: usize, more: &str, out: &mut BytesMut) {
        let Kind::Reasoning { text, .. } = &mut item.kind else { return };
        let place = json!({ "item_id": item.id, "output_index": at, "summary_index": 0 });
        if text.is_empty() {
            let fields = with(&place, "part", summary(""));
            self.write("response.reasoning_summary_part.added", fields, out);
        }
        text.push_str(more);
        self.write("response.reasoning_summary_text.delta", with(&place, "delta", more.into()), out);
    }

    /// More of a call's arguments.
    pub(super) fn arguments(&mut self, item: &mut Item, at: usize, more: &str, out: &mut BytesMut) {
        let Kind::Call(call) = &mut item.kind else { return };
        call.arguments.push_str(more);
        let fields = json!({ "item_id": item.id, "output_index": at, "delta": more });
        self.write("response.function_call_arguments.delta", fields, out);
    }

    /// Makes sure that a message's last piece fits; begins one if it does not.
    fn piece(
        &mut self,
        item: &mut Item,
        at: usize,
        fits: fn(&Piece) -> bool,
        new: impl FnOnce() -> Piece,
        out: &mut BytesMut,
    ) {
        if item.last_piece().is_some_and(|piece| fits(piece)) {
            return;
        }
        self.end_piece(item, at, out);
        let Kind::Message(pieces) = &mut item.kind else { return };
        let piece = new();
        let fields = json!({
            "item_id": item.id,
            "output_index": at,
            "content_index": pieces.len(),
            "part": piece.value(),
        });
        pieces.push(piece);
        self.write("response.content_part.added", fields, out);
    }

    /// Ends a message's last piece, if there is one.
    fn end_piece(&mut self, item: &Item, at: usize, out: &mut BytesMut) {
        let Kind::Message(pieces) = &item.kind else { return };
        let Some(piece) = pieces.last() else { return };
        let place = json!({ "item_id": item.id, "output_index": at, "content_index": item.place() });
        match piece {
            Piece::Text { text, logprobs, .. } => {
                let fields = with(&place, "text", text.as_str().into());
                let fields = with(&fields, "logprobs", logprobs.clone().into());
                self.write("response.output_text.done", fields, out);
            }
            Piece::Refusal(text) => {
                self.write("response.refusal.done", with(&place, "refusal", text.as_str().into()), out);
            }
        }
        self.write("response.content_part.done", with(&place, "part", piece.value()), out);
    }

    fn end_summary(&mut self, item: &Item, at: usize, text: &str, out: &mut BytesMut) {
        let place = json!({ "item_id": item.id, "output_index": at, "summary_index": 0 });
        self.write("response.reasoning_summary_text.done", with(&place, "text", text.into()), out);
        self.write("response.reasoning_summary_part.done", with(&place, "part", summary(text)), out);
    }
}

impl Item {
    /// Adds log probabilities to the text that is written.
    pub(super) fn add_logprobs(&mut self, more: Vec<Value>) {
        if let Some(Piece::Text { logprobs, .. }) = self.last_piece() {
            logprobs.extend(more);
        }
    }

    fn last_piece(&mut self) -> Option<&mut Piece> {
        match &mut self.kind {
            Kind::Message(pieces) => pieces.last_mut(),
            _ => None,
        }
    }

    /// The place of the last piece.
    fn place(&self) -> usize {
        match &self.kind {
            Kind::Message(pieces) => pieces.len().saturating_sub(1),
            _ => 0,
        }
    }
}

/// The object with one more field.
fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
    object
}
