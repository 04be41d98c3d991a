//! The cost of a stream, told in its usage.

use bytes::{BufMut, Bytes, BytesMut};
use llmux_core::Bill;
use llmux_wire::{
    json::{edit::Edits, envelope},
    tap::Tap,
};
use serde_json::{Map, Value};

use crate::bill::Biller;

/// A piece of a stream, which holds whole frames, with a field `cost`, in US dollars, in the usage that it reports.
pub(crate) fn told(piece: Bytes, tap: &Tap, biller: &Biller) -> Bytes {
    if memchr::memmem::find(&piece, b"\"usage\"").is_none() {
        return piece;
    }
    match biller.bill(&tap.report()) {
        Some(bill) => with_cost(&piece, &bill),
        None => piece,
    }
}

fn with_cost(piece: &Bytes, bill: &Bill) -> Bytes {
    let mut out = BytesMut::with_capacity(piece.len().saturating_add(32));
    for line in piece.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(b"data: ").and_then(|data| chunk_with_cost(data, bill)) {
            Some(chunk) => {
                out.put_slice(b"data: ");
                out.put_slice(&chunk);
                out.put_slice(line.get(line.trim_ascii_end().len()..).unwrap_or_default());
            }
            None => out.put_slice(line),
        }
    }
    out.freeze()
}

/// The chunk with the cost in its usage; `None` if it reports none.
fn chunk_with_cost(data: &[u8], bill: &Bill) -> Option<Bytes> {
    let body = Bytes::copy_from_slice(data.trim_ascii_end());
    let fields = envelope::read(&body).ok()?;
    let mut usage: Map<String, Value> = serde_json::from_slice(fields.get(&body, "usage")?).ok()?;
    usage.insert("cost".into(), bill.total.to_f64().into());
    let mut edits = Edits::new();
    edits.set_value("usage", &Value::Object(usage));
    Some(edits.apply(&body, &fields))
}

#[cfg(test)]
mod tests {
    use llmux_core::{Cost, Margin};

    use super::*;

    #[test]
    fn only_usage_is_changed_and_only_where_there_is_one() {
        let mut cost = Cost::default();
        cost.input = "0.0000015".parse().unwrap();
        let bill = Margin::default().bill(cost);
        let piece = Bytes::from_static(
            b"data: {\"id\":\"1\",\"usage\":null,\"choices\":[]}\n\ndata: {\"usage\":{\"prompt_tokens\":3},\"x\":1}\n\ndata: [DONE]\n\n",
        );
        assert_eq!(
            with_cost(&piece, &bill),
            &b"data: {\"id\":\"1\",\"usage\":null,\"choices\":[]}\n\ndata: {\"usage\":{\"prompt_tokens\":3,\"cost\":1.5e-6},\"x\":1}\n\ndata: [DONE]\n\n"[..]
        );
    }
}
