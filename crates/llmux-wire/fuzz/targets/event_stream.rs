//! Amazon's event streams: as they come, with their checksums made right, passed on, translated and unwrapped.
#![no_main]

use bytes::{BufMut, BytesMut};
use libfuzzer_sys::fuzz_target;
use llmux_core::{Frames, Reply};
use llmux_wire::{
    anthropic, bedrock,
    event_stream::{self, Decoder},
    openai,
    passthrough::Passthrough,
    translate::Translated,
};
use llmux_wire_fuzz::{events_agree, pieces};

/// Names of events, exceptions among them: the first byte of a line chooses one, the rest is the payload.
const NAMES: [&str; 9] = [
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
    "chunk",
    "throttlingException",
    "news",
];

fuzz_target!(|data: &[u8]| {
    let decoded = |pieces: &[&[u8]]| {
        let (mut decoder, mut messages) = (Decoder::new(), Vec::new());
        let mut keep = |message| {
            messages.push(message);
            Ok(())
        };
        let failed = pieces.iter().try_for_each(|piece| decoder.push(piece, &mut keep)).is_err();
        (messages, failed)
    };
    assert_eq!(decoded(&[data]), decoded(&pieces(data)), "the messages depend on how the stream is cut");
    examine(data);
    examine(&framed(data));
});

/// Lines of input as messages.
fn framed(data: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    for line in data.split(|byte| *byte == b'\n') {
        let Some((first, payload)) = line.split_first() else { continue };
        let name = NAMES[usize::from(*first) % NAMES.len()];
        let (kind, of) =
            if name.ends_with("Exception") { (":exception-type", "exception") } else { (":event-type", "event") };
        event_stream::write(&mut out, &[(kind, name), (":message-type", of)], payload);
    }
    out
}

fn examine(stream: &[u8]) {
    events_agree(|| Box::new(bedrock::StreamReader::new("i", "m")), stream);
    let replies: [fn() -> Box<dyn Reply>; 3] = [
        || Box::new(Passthrough::new(bedrock::ConverseWatch::new("m"))),
        || {
            let (reader, writer) = (bedrock::StreamReader::new("i", "m"), openai::StreamWriter::new(1, true));
            let read = |body: &[u8]| bedrock::read_answer(body, "i", "m");
            Box::new(Translated::new(read, |answer| openai::write_answer(answer, 1), reader, writer))
        },
        || Box::new(bedrock::Unwrapped::new(Box::new(Passthrough::new(anthropic::AnthropicWatch::new())))),
    ];
    for make in replies {
        assert_eq!(turn(make(), &[stream]), turn(make(), &pieces(stream)), "the output depends on how it is cut");
    }
}

fn turn(mut reply: Box<dyn Reply>, pieces: &[&[u8]]) -> (BytesMut, Option<String>) {
    let (mut frames, mut output) = (Frames::default(), BytesMut::new());
    let mut result = Ok(());
    for piece in pieces {
        result = result.and_then(|()| reply.push(bytes::Bytes::copy_from_slice(piece), &mut frames));
    }
    let result = result.and_then(|()| reply.finish(&mut frames));
    while let Some(frame) = frames.pop() {
        output.put_slice(&frame);
    }
    (output, result.err().map(|error| error.to_string()))
}
