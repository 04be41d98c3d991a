//! Requests of Converse's clients, written in every dialect, and answers of Converse.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmux_core::Shaping;
use llmux_wire::{bedrock, chat::Fit};
use llmux_wire_fuzz::{answer, json, request};

fuzz_target!(|data: &[u8]| {
    if let Ok(read) = bedrock::read_request(data) {
        request(&read);
        let shaping = Shaping::default();
        for model in ["anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-2-lite-v1:0", "other"] {
            if let Ok(written) = bedrock::write_request(&read, model, &mut Fit::new("the target", &shaping)) {
                json(&written);
            }
        }
    }
    if let Ok(read) = bedrock::read_answer(data, "i", "m") {
        let written = bedrock::write_answer(&read);
        bedrock::read_answer(&written, "i", "m").expect("our own answer is read");
        answer(&read);
    }
    let _ = bedrock::read_count_request(data);
    let _ = bedrock::read_embeddings(data);
});
