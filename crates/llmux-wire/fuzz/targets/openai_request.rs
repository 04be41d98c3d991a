//! Requests of clients that speak OpenAI's dialect: chat completions, text completions and embeddings.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmux_wire::openai;

fuzz_target!(|data: &[u8]| {
    if let Ok(request) = openai::read_request(data) {
        llmux_wire_fuzz::request(&request);
    }
    if let Ok(request) = openai::read_completion_request(data) {
        llmux_wire_fuzz::request(&request);
    }
    let _ = openai::read_embeddings_request(data);
});
