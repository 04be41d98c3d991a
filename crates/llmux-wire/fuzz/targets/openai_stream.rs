//! Streams of OpenAI-like providers, passed on and turned into each dialect.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmux_wire::{anthropic, gemini, openai, passthrough::Passthrough, translate::Translated};
use llmux_wire_fuzz::{events_agree, passing_agrees, translation_agrees};

fuzz_target!(|data: &[u8]| {
    events_agree(|| Box::new(openai::StreamReader::new()), data);
    for hides_usage in [false, true] {
        passing_agrees(|| Box::new(Passthrough::new(openai::OpenAiWatch::new(hides_usage))), data);
    }
    let to_anthropic = || {
        let (reader, writer) = (openai::StreamReader::new(), anthropic::StreamWriter::new());
        Box::new(Translated::new(openai::read_answer, anthropic::write_answer, reader, writer)) as _
    };
    translation_agrees(to_anthropic, data);
    let to_gemini = || {
        let (reader, writer) = (openai::StreamReader::new(), gemini::StreamWriter::new());
        Box::new(Translated::new(openai::read_answer, gemini::write_answer, reader, writer)) as _
    };
    translation_agrees(to_gemini, data);
    let to_completion = || {
        let (reader, writer) = (openai::StreamReader::new(), openai::CompletionStreamWriter::new(1, true));
        let write = |answer: &_| openai::write_completion_answer(answer, 1);
        Box::new(Translated::new(openai::read_answer, write, reader, writer)) as _
    };
    translation_agrees(to_completion, data);
});
