//! Names on answers: the id that the client knows a response by, and what it says about being kept.

use bytes::{Bytes, BytesMut};
use llmux_core::{Envelope, Result};
use llmux_wire::json::{edit::Edits, envelope};

/// What a response object is to say.
#[derive(Debug, Default)]
pub(super) struct Labels<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) store: bool,
    pub(super) previous: Option<&'a str>,
    pub(super) conversation: Option<&'a str>,
}

impl Labels<'_> {
    /// The response object with these labels; everything else stays as it stands.
    pub(super) fn put_on(&self, response: &Bytes, fields: &Envelope) -> Bytes {
        let mut edits = Edits::new();
        if let Some(id) = self.id {
            edits.set_str("id", id);
        }
        if self.store {
            edits.set_raw("store", "true");
        }
        if let Some(previous) = self.previous {
            edits.set_str("previous_response_id", previous);
        }
        let conversation = self.conversation.map(|id| serde_json::json!({ "id": id }));
        if let Some(conversation) = &conversation {
            edits.set_value("conversation", conversation);
        }
        edits.apply(response, fields)
    }
}

/// Text of a field of a JSON object.
pub(super) fn text(body: &Bytes, fields: &Envelope, name: &str) -> Option<String> {
    serde_json::from_slice(fields.get(body, name)?).ok()
}

/// The data of an event's frame with its `response` changed by `change`; `None` if it has none.
pub(super) fn in_frame(
    frame: &Bytes,
    change: impl FnOnce(&str, Bytes) -> Result<Bytes>,
) -> Result<Option<Bytes>> {
    let Some((start, end)) = data(frame) else { return Ok(None) };
    let event = frame.slice(start..end);
    let fields = envelope::read(&event)?;
    let Some(field) = fields.find(&event, "response") else { return Ok(None) };
    let kind = text(&event, &fields, "type").unwrap_or_default();
    let response = change(&kind, event.slice(field.value.clone()))?;
    let mut edits = Edits::new();
    edits.set_raw("response", response);
    let event = edits.apply(&event, &fields);
    let mut out = BytesMut::with_capacity(frame.len().saturating_add(200));
    out.extend_from_slice(frame.get(..start).unwrap_or_default());
    out.extend_from_slice(&event);
    out.extend_from_slice(frame.get(end..).unwrap_or_default());
    Ok(Some(out.freeze()))
}

/// Where the data of a frame stands: the line that begins with `data:`.
fn data(frame: &[u8]) -> Option<(usize, usize)> {
    let mut start = 0;
    for line in frame.split_inclusive(|byte| *byte == b'\n') {
        if let Some(data) = line.strip_prefix(b"data:") {
            let begin = start + (line.len() - data.trim_ascii_start().len());
            return Some((begin, begin + data.trim_ascii().len()));
        }
        start += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_labels_of_a_frame_change() {
        let frame = "event: response.created\r\ndata: {\"type\":\"response.created\", \
            \"response\":{\"id\":\"a\",\"new\": 1.0}}\r\n\r\n";
        let labels = Labels { id: Some("b"), ..Labels::default() };
        let change = |kind: &str, response: Bytes| {
            assert_eq!(kind, "response.created");
            Ok(labels.put_on(&response, &envelope::read(&response)?))
        };
        let labelled = in_frame(&Bytes::from_static(frame.as_bytes()), change).unwrap().unwrap();
        assert_eq!(labelled, frame.replace("\"a\"", "\"b\""));
        let delta = Bytes::from_static(b"data: {\"type\":\"x\"}\n\n");
        assert!(in_frame(&delta, |_, response| Ok(response)).unwrap().is_none());
    }
}
