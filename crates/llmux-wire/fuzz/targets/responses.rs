//! OpenAI's Responses: requests of clients, streams of OpenAI's that pass, chats that become responses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmux_core::Shaping;
use llmux_wire::{
    anthropic,
    chat::{ChatAnswer, Fit},
    json::envelope,
    openai,
    passthrough::Passthrough,
    responses,
    translate::Translated,
};
use llmux_wire_fuzz::{json, passing_agrees, translation_agrees};

fn settings() -> responses::Settings {
    let body = br#"{"model":"m","input":"hi"}"#;
    responses::Settings::of(body, &envelope::read(body).expect("an object"))
}

fuzz_target!(|data: &[u8]| {
    if let Ok(request) = responses::read_request(data) {
        let shaping = Shaping::default();
        let mut fit = Fit::new("the target", &shaping).dropping(true);
        for written in [
            openai::write_request(&request, "other", &mut fit),
            anthropic::write_request(&request, "other", &mut fit),
        ] {
            written.into_iter().for_each(|written| _ = json(&written));
        }
        let fields = envelope::read(data).expect("a request is an object");
        let answer = ChatAnswer::default();
        json(&responses::write_answer(&answer, 1, &responses::Settings::of(data, &fields)));
    }
    passing_agrees(|| Box::new(Passthrough::new(responses::ResponsesWatch::new())), data);
    translation_agrees(
        || {
            let (reader, writer) = (openai::StreamReader::new(), responses::StreamWriter::new(1, settings()));
            let write = |answer: &_| responses::write_answer(answer, 1, &settings());
            Box::new(Translated::new(openai::read_answer, write, reader, writer))
        },
        data,
    );
    translation_agrees(
        || {
            let (reader, writer) =
                (anthropic::StreamReader::new(), responses::StreamWriter::new(1, settings()));
            let write = |answer: &_| responses::write_answer(answer, 1, &settings());
            Box::new(Translated::new(anthropic::read_answer, write, reader, writer))
        },
        data,
    );
});
