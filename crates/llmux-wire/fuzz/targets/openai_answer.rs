//! Whole answers of OpenAI-like providers.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use llmux_core::Reply;
use llmux_wire::{openai, passthrough::Passthrough};

fuzz_target!(|data: &[u8]| {
    if let Ok(answer) = openai::read_answer(data) {
        llmux_wire_fuzz::answer(&answer);
    }
    let body = Bytes::copy_from_slice(data);
    if let Ok(passed) = Passthrough::new(openai::OpenAiWatch::new(false)).whole(body.clone()) {
        assert_eq!(passed, body);
    }
});
