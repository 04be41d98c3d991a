//! Cohere: requests of clients, answers and streams of the provider, and streams that clients get.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use llmux_core::Reply;
use llmux_wire::{cohere, openai, passthrough::Passthrough, translate::Translated};
use llmux_wire_fuzz::{events_agree, passing_agrees, translation_agrees};

fuzz_target!(|data: &[u8]| {
    if let Ok(request) = cohere::read_request(data) {
        llmux_wire_fuzz::request(&request);
    }
    if let Ok(answer) = cohere::read_answer(data) {
        llmux_wire_fuzz::answer(&answer);
    }
    let _ = (cohere::read_embeddings_request(data), cohere::read_embeddings(data));
    let body = Bytes::copy_from_slice(data);
    if let Ok(passed) = Passthrough::new(cohere::CohereWatch::new()).whole(body.clone()) {
        assert_eq!(passed, body);
    }
    events_agree(|| Box::new(cohere::StreamReader::new()), data);
    passing_agrees(|| Box::new(Passthrough::new(cohere::CohereWatch::new())), data);
    translation_agrees(
        || {
            let (reader, writer) = (cohere::StreamReader::new(), openai::StreamWriter::new(1, true));
            let write = |answer: &_| openai::write_answer(answer, 1);
            Box::new(Translated::new(cohere::read_answer, write, reader, writer))
        },
        data,
    );
    translation_agrees(
        || {
            let (reader, writer) = (openai::StreamReader::new(), cohere::StreamWriter::new());
            let write = |answer: &_| cohere::write_answer(answer);
            Box::new(Translated::new(openai::read_answer, write, reader, writer))
        },
        data,
    );
});
