//! Whole answers of Gemini: contents, token counts and embeddings.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use llmux_core::Reply;
use llmux_wire::{gemini, passthrough::Passthrough};

fuzz_target!(|data: &[u8]| {
    if let Ok(answer) = gemini::read_answer(data) {
        llmux_wire_fuzz::answer(&answer);
    }
    let _ = gemini::read_count(data);
    let _ = gemini::read_embeddings(data);
    let body = Bytes::copy_from_slice(data);
    if let Ok(passed) = Passthrough::new(gemini::GeminiWatch::new()).whole(body.clone()) {
        assert_eq!(passed, body);
    }
});
