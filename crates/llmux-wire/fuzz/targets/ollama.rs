//! Ollama: requests of clients, answers and streams of the provider, and streams that clients get.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use llmux_core::Reply;
use llmux_wire::{ollama, openai, passthrough::Passthrough, translate::Translated};
use llmux_wire_fuzz::{events_agree, lines_agree, lines_pass, translation_agrees};

fuzz_target!(|data: &[u8]| {
    if let Ok(request) = ollama::read_request(data) {
        llmux_wire_fuzz::request(&request);
    }
    if let Ok(request) = ollama::read_generate_request(data) {
        llmux_wire_fuzz::request(&request);
    }
    if let Ok(answer) = ollama::read_answer(data) {
        llmux_wire_fuzz::answer(&answer);
    }
    let _ = (ollama::read_embeddings_request(data), ollama::read_embeddings(data));
    let body = Bytes::copy_from_slice(data);
    if let Ok(passed) = Passthrough::new(ollama::OllamaWatch::new()).whole(body.clone()) {
        assert_eq!(passed, body);
    }
    lines_agree(data);
    events_agree(|| Box::new(ollama::StreamReader::new()), data);
    lines_pass(|| Box::new(Passthrough::new(ollama::OllamaWatch::new())), data);
    translation_agrees(
        || {
            let (reader, writer) = (ollama::StreamReader::new(), openai::StreamWriter::new(1, true));
            let write = |answer: &_| openai::write_answer(answer, 1);
            Box::new(Translated::new(ollama::read_answer, write, reader, writer))
        },
        data,
    );
    lines_pass(
        || {
            let (reader, writer) = (openai::StreamReader::new(), ollama::StreamWriter::new(1));
            let write = |answer: &_| ollama::write_answer(answer, 1);
            Box::new(Translated::new(openai::read_answer, write, reader, writer))
        },
        data,
    );
});
