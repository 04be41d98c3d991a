//! Streams of Gemini, passed on and turned into the other dialects.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmux_wire::{anthropic, gemini, openai, passthrough::Passthrough, translate::Translated};
use llmux_wire_fuzz::{events_agree, passing_agrees, translation_agrees};

fuzz_target!(|data: &[u8]| {
    events_agree(|| Box::new(gemini::StreamReader::new()), data);
    passing_agrees(|| Box::new(Passthrough::new(gemini::GeminiWatch::new())), data);
    let to_openai = || {
        let (reader, writer) = (gemini::StreamReader::new(), openai::StreamWriter::new(1, true));
        let write = |answer: &_| openai::write_answer(answer, 1);
        Box::new(Translated::new(gemini::read_answer, write, reader, writer)) as _
    };
    translation_agrees(to_openai, data);
    let to_anthropic = || {
        let (reader, writer) = (gemini::StreamReader::new(), anthropic::StreamWriter::new());
        Box::new(Translated::new(gemini::read_answer, anthropic::write_answer, reader, writer)) as _
    };
    translation_agrees(to_anthropic, data);
});
