//! Whole answers of Anthropic: messages and token counts.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use llmux_core::Reply;
use llmux_wire::{anthropic, passthrough::Passthrough};

fuzz_target!(|data: &[u8]| {
    if let Ok(answer) = anthropic::read_answer(data) {
        llmux_wire_fuzz::answer(&answer);
    }
    let _ = anthropic::read_count(data);
    let body = Bytes::copy_from_slice(data);
    if let Ok(passed) = Passthrough::new(anthropic::AnthropicWatch::new()).whole(body.clone()) {
        assert_eq!(passed, body);
    }
});
