//! Answers of OpenAI-like hosts, for each client dialect.

use llmux_core::{Call, Dialect, Operation, Reply};
use llmux_wire::{anthropic, openai, passthrough::Passthrough, responses, translate::Translated};

/// The client speaks OpenAI's dialect too.
pub(super) fn passthrough(hides_usage: bool) -> Box<dyn Reply> {
    Box::new(Passthrough::new(openai::OpenAiWatch::new(hides_usage)))
}

/// The client speaks another dialect, or asked for a text completion where there is only chat.
pub(super) fn translated(call: &Call<'_>, stream_usage: bool) -> Box<dyn Reply> {
    let created = call.created;
    let reader = openai::StreamReader::new();
    match (call.operation, call.dialect) {
        (Operation::Chat, Dialect::Anthropic) => Box::new(Translated::new(
            openai::read_answer,
            anthropic::write_answer,
            reader,
            anthropic::StreamWriter::new(),
        )),
        (Operation::Chat, Dialect::OpenAiResponses) => {
            let settings = responses::Settings::of(call.body, call.envelope);
            let writer = responses::StreamWriter::new(created, settings.clone());
            let write = move |answer: &_| responses::write_answer(answer, created, &settings);
            Box::new(Translated::new(openai::read_answer, write, reader, writer))
        }
        _ => Box::new(Translated::new(
            openai::read_answer,
            move |answer| openai::write_completion_answer(answer, created),
            reader,
            openai::CompletionStreamWriter::new(created, stream_usage),
        )),
    }
}
