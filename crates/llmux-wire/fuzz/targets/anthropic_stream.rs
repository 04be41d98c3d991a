//! Streams of Anthropic, passed on and turned into OpenAI's dialect.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmux_wire::{anthropic, openai, passthrough::Passthrough, translate::Translated};
use llmux_wire_fuzz::{events_agree, passing_agrees, translation_agrees};

fuzz_target!(|data: &[u8]| {
    events_agree(|| Box::new(anthropic::StreamReader::new()), data);
    passing_agrees(|| Box::new(Passthrough::new(anthropic::AnthropicWatch::new())), data);
    for usage in [false, true] {
        let to_openai = || {
            let (reader, writer) = (anthropic::StreamReader::new(), openai::StreamWriter::new(1, usage));
            let write = |answer: &_| openai::write_answer(answer, 1);
            Box::new(Translated::new(anthropic::read_answer, write, reader, writer)) as _
        };
        translation_agrees(to_openai, data);
    }
});
