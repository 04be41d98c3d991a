//! Requests of clients that speak Gemini's dialect: contents and token counts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmux_wire::gemini;

fuzz_target!(|data: &[u8]| {
    if let Ok(request) = gemini::read_request(data) {
        llmux_wire_fuzz::request(&request);
    }
    if let Ok(request) = gemini::read_count_request(data) {
        llmux_wire_fuzz::request(&request);
    }
});
