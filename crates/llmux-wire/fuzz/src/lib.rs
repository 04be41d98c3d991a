//! What the targets share: cutting input into pieces, and what must hold of requests, answers and streams.

use bytes::Bytes;
use llmux_core::{Frames, Reply, Shaping};
use llmux_wire::{
    anthropic, bedrock, chat,
    chat::Fit,
    cohere, gemini, ndjson, ollama, openai,
    sse::{Decoder, SseEvent},
    stream::StreamReader,
};
use serde_json::Value;

/// Cuts `bytes` into pieces of lengths that follow from the bytes themselves, so that a finding can be replayed.
pub fn pieces(bytes: &[u8]) -> Vec<&[u8]> {
    let mut state = bytes
        .iter()
        .fold(0x9E37_79B9_u32, |sum, byte| sum.rotate_left(5).wrapping_mul(0x0100_0193) ^ u32::from(*byte));
    let mut rest = bytes;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (piece, after) = rest.split_at(((state >> 24) as usize % 19 + 1).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// Parses what we wrote ourselves.
pub fn json(written: &[u8]) -> Value {
    serde_json::from_slice(written)
        .unwrap_or_else(|error| panic!("not JSON: {error}: {}", String::from_utf8_lossy(written)))
}

/// A request that could be read is written in every dialect or refused, and what is written can be read: also what has
/// no neutral form and goes on as the client wrote it.
pub fn request(request: &chat::ChatRequest) {
    for drop_params in [false, true] {
        let mut shaping = Shaping::default();
        shaping.drop_params = drop_params;
        let mut fit = Fit::new("the target", &shaping);
        if let Ok(written) = openai::write_request(request, "other", &mut fit) {
            openai::read_request(&written).expect("our own request is read");
        }
        if let Ok(written) = anthropic::write_request(request, "other", &mut fit) {
            anthropic::read_request(&written).expect("our own request is read");
        }
        if let Ok(written) = gemini::write_request(request, "other", &mut fit) {
            gemini::read_request(&written).expect("our own request is read");
        }
        if let Ok(written) = bedrock::write_request(request, "other", &mut fit) {
            json(&written);
        }
        if let Ok(written) = cohere::write_request(request, "other", &mut fit) {
            cohere::read_request(&written).expect("our own request is read");
        }
        if let Ok(written) = ollama::write_request(request, "other", &mut fit) {
            ollama::read_request(&written).expect("our own request is read");
        }
    }
}

/// An answer that could be read is written in every form, and what is written can be read.
pub fn answer(answer: &chat::ChatAnswer) {
    let (openai, anthropic) = (openai::write_answer(answer, 1), anthropic::write_answer(answer));
    openai::read_answer(&openai).expect("our own answer is read");
    anthropic::read_answer(&anthropic).expect("our own answer is read");
    gemini::read_answer(&gemini::write_answer(answer)).expect("our own answer is read");
    bedrock::read_answer(&bedrock::write_answer(answer), "i", "m").expect("our own answer is read");
    cohere::read_answer(&cohere::write_answer(answer)).expect("our own answer is read");
    ollama::read_answer(&ollama::write_answer(answer, 1)).expect("our own answer is read");
    json(&openai::write_completion_answer(answer, 1));
    json(&ollama::write_generated(answer, 1));
}

/// A stream is read to the same events however it is cut.
pub fn events_agree(make: impl Fn() -> Box<dyn StreamReader>, stream: &[u8]) {
    let read = |pieces: &[&[u8]]| {
        let (mut reader, mut events) = (make(), Vec::new());
        let read = pieces.iter().try_for_each(|piece| reader.push(piece, &mut events));
        let read = read.and_then(|()| reader.finish(&mut events));
        format!("{events:?} {:?}", read.map_err(|error| error.to_string()))
    };
    assert_eq!(read(&[stream]), read(&pieces(stream)), "the events depend on how the stream is cut");
}

/// A stream that is passed on says the same however it is cut. How many blank lines part its frames is the
/// provider's own business.
pub fn passing_agrees(make: impl Fn() -> Box<dyn Reply>, stream: &[u8]) {
    let said = |pieces: &[&[u8]]| {
        let (output, error) = turn(&mut *make(), pieces);
        (events(&output), error)
    };
    assert_eq!(said(&[stream]), said(&pieces(stream)), "the output depends on how the stream is cut");
}

/// A stream that is translated gives the same bytes however it is cut: whole frames of JSON.
pub fn translation_agrees(make: impl Fn() -> Box<dyn Reply>, stream: &[u8]) {
    let whole = turn(&mut *make(), &[stream]);
    assert_eq!(whole, turn(&mut *make(), &pieces(stream)), "the output depends on how the stream is cut");
    assert!(whole.0.is_empty() || whole.0.ends_with(b"\n\n"), "the output ends inside a frame");
    for event in events(&whole.0).iter().filter(|event| event.data != "[DONE]") {
        json(&event.data);
    }
}

fn events(stream: &[u8]) -> Vec<SseEvent> {
    let (mut decoder, mut events) = (Decoder::new(), Vec::new());
    let mut keep = |event| {
        events.push(event);
        Ok(())
    };
    decoder.push(stream, &mut keep).expect("short input");
    decoder.finish(&mut keep).expect("short input");
    events
}

fn turn(reply: &mut dyn Reply, pieces: &[&[u8]]) -> (Vec<u8>, Option<String>) {
    let (mut frames, mut output) = (Frames::default(), Vec::new());
    let mut result = Ok(());
    for piece in pieces {
        result = result.and_then(|()| reply.push(Bytes::copy_from_slice(piece), &mut frames));
        while let Some(frame) = frames.pop() {
            output.extend_from_slice(&frame);
        }
    }
    result = result.and_then(|()| reply.finish(&mut frames));
    while let Some(frame) = frames.pop() {
        output.extend_from_slice(&frame);
    }
    let error = result.err().map(|error| error.to_string());
    (output, error)
}

/// Lines are the same however the stream is cut.
pub fn lines_agree(stream: &[u8]) {
    let read = |pieces: &[&[u8]]| {
        let (mut decoder, mut lines) = (ndjson::Decoder::new(), Vec::new());
        let mut keep = |line: &[u8]| {
            lines.push(line.to_vec());
            Ok(())
        };
        pieces.iter().for_each(|piece| decoder.push(piece, &mut keep).expect("short input"));
        decoder.finish(&mut keep).expect("short input");
        lines
    };
    assert_eq!(read(&[stream]), read(&pieces(stream)), "the lines depend on how the stream is cut");
}

/// A stream of lines that is passed on or translated gives the same bytes however it is cut: whole lines.
pub fn lines_pass(make: impl Fn() -> Box<dyn Reply>, stream: &[u8]) {
    let whole = turn(&mut *make(), &[stream]);
    assert_eq!(whole, turn(&mut *make(), &pieces(stream)), "the output depends on how the stream is cut");
    assert!(whole.0.is_empty() || whole.0.ends_with(b"\n"), "the output ends inside a line");
}
