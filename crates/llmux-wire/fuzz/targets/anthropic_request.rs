//! Requests of clients that speak Anthropic's dialect: messages and token counts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmux_wire::anthropic;

fuzz_target!(|data: &[u8]| {
    if let Ok(request) = anthropic::read_request(data) {
        llmux_wire_fuzz::request(&request);
    }
    if let Ok(request) = anthropic::read_count_request(data) {
        llmux_wire_fuzz::request(&request);
    }
});
