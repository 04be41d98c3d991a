//! Server-sent events: the same events however the bytes are cut, and what is written is read again.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use llmux_wire::sse::{Decoder, SseEvent, write};
use llmux_wire_fuzz::pieces;

fuzz_target!(|data: &[u8]| {
    let events = decode(&[data]);
    assert_eq!(events, decode(&pieces(data)));
    let single = |event: &&SseEvent| !event.data.contains(&b'\n') && !event.data.contains(&b'\r');
    for event in events.iter().filter(single) {
        let mut written = BytesMut::new();
        write(&mut written, &event.name, &event.data);
        assert_eq!(decode(&[&written]), [event.clone()]);
    }
});

fn decode(pieces: &[&[u8]]) -> Vec<SseEvent> {
    let (mut decoder, mut events) = (Decoder::new(), Vec::new());
    let mut keep = |event| {
        events.push(event);
        Ok(())
    };
    for piece in pieces {
        decoder.push(piece, &mut keep).expect("short input");
    }
    decoder.finish(&mut keep).expect("short input");
    events
}
