//! The client's side of a translation, whatever the provider speaks: its request in, its answer out.

mod embeddings;

pub(crate) use embeddings::{Vectors, embedded, read_embeddings, write_embeddings};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use llmux_core::{Call, Dialect, Exchange, Operation, Outgoing, Reply, Result, ScriptedReply, Shaping};
use llmux_wire::{
    anthropic, bedrock,
    chat::{self, ChatAnswer, ChatRequest, ToolNames},
    cohere, gemini, ollama, openai,
    passthrough::Passthrough,
    responses,
    stream::StreamReader,
    translate::Translated,
};

/// Reads a chat or text completion in the client's dialect.
pub(crate) fn read(call: &Call<'_>, body: &[u8]) -> Result<ChatRequest> {
    match (call.operation, call.dialect) {
        (Operation::Completion, Dialect::Ollama) => ollama::read_generate_request(body),
        (Operation::Completion, _) => openai::read_completion_request(body),
        (_, Dialect::Ollama) => ollama::read_request(body),
        (_, Dialect::OpenAiResponses) => responses::read_request(body),
        (_, Dialect::Anthropic) => anthropic::read_request(body),
        (_, Dialect::Cohere) => cohere::read_request(body),
        (_, Dialect::Gemini | Dialect::BedrockConverse) => {
            let read =
                if call.dialect == Dialect::Gemini { gemini::read_request } else { bedrock::read_request };
            let mut request = read(body)?;
            // These dialects say so in the path.
            request.stream = call.stream;
            Ok(request)
        }
        _ => openai::read_request(body),
    }
}

/// Longest name of a tool, by the references of OpenAI, Google and Bedrock.
pub(crate) const MOST_OF_A_NAME: usize = 64;

/// Reads a chat for a provider that is strict: put right if the deployment's rules allow it, its tools under names that
/// the provider takes.
pub(crate) fn read_fitting(
    call: &Call<'_>,
    body: &[u8],
    shaping: &Shaping,
    most_of_a_name: usize,
) -> Result<(ChatRequest, ToolNames)> {
    let mut request = read(call, body)?;
    if shaping.modify_params {
        chat::repair(&mut request);
    }
    let names = ToolNames::fit(&mut request, most_of_a_name);
    Ok((request, names))
}

/// Reads a request to count tokens.
pub(crate) fn read_count(call: &Call<'_>) -> Result<ChatRequest> {
    match call.dialect {
        Dialect::Gemini => gemini::read_count_request(call.body),
        Dialect::BedrockConverse => bedrock::read_count_request(call.body),
        _ => anthropic::read_count_request(call.body),
    }
}

/// Writes a token count.
pub(crate) fn write_count(dialect: Dialect, tokens: u64) -> Bytes {
    match dialect {
        Dialect::Gemini => gemini::write_count(tokens),
        Dialect::BedrockConverse => bedrock::write_count(tokens),
        _ => anthropic::write_count(tokens),
    }
}

/// An exchange that answers with this many tokens, without asking anybody.
pub(crate) fn counted(dialect: Dialect, tokens: u64) -> Exchange {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let reply = ScriptedReply::whole(StatusCode::OK, headers, write_count(dialect, tokens));
    Exchange::new(Outgoing::Answered(reply), passthrough(dialect, false), false)
}

/// A reply that passes as it comes. `hides_usage`: the client did not ask for the usage of its stream, but it is
/// counted all the same.
pub(crate) fn passthrough(dialect: Dialect, hides_usage: bool) -> Box<dyn Reply> {
    match dialect {
        Dialect::OpenAiResponses => Box::new(Passthrough::new(responses::ResponsesWatch::new())),
        Dialect::Anthropic => Box::new(Passthrough::new(anthropic::AnthropicWatch::new())),
        Dialect::Gemini => Box::new(Passthrough::new(gemini::GeminiWatch::new())),
        Dialect::Cohere => Box::new(Passthrough::new(cohere::CohereWatch::new())),
        Dialect::Ollama => Box::new(Passthrough::new(ollama::OllamaWatch::new())),
        Dialect::BedrockConverse => Box::new(Passthrough::new(bedrock::ConverseWatch::new(""))),
        _ => Box::new(Passthrough::new(openai::OpenAiWatch::new(hides_usage))),
    }
}

/// An id for an answer whose provider gives it none: it follows from the request and its time.
pub(crate) fn answer_id(call: &Call<'_>) -> String {
    const BASIS: u64 = 0xCBF2_9CE4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01B3;
    // FNV-1a: nothing secret depends on it.
    let time = call.created.to_be_bytes();
    let bytes = time.iter().chain(call.body.iter());
    let digest = bytes.fold(BASIS, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(PRIME));
    format!("{digest:016x}")
}

/// A reply from a provider's readers to the client's dialect.
pub(crate) fn translated(
    call: &Call<'_>,
    stream_usage: bool,
    read_answer: impl Fn(&[u8]) -> Result<ChatAnswer> + Send + 'static,
    reader: impl StreamReader + 'static,
) -> Box<dyn Reply> {
    let created = call.created;
    let translated = match (call.operation, call.dialect) {
        (Operation::Completion, Dialect::Ollama) => Translated::new(
            read_answer,
            move |answer| ollama::write_generated(answer, created),
            reader,
            ollama::StreamWriter::generated(created),
        ),
        (_, Dialect::Ollama) => Translated::new(
            read_answer,
            move |answer| ollama::write_answer(answer, created),
            reader,
            ollama::StreamWriter::new(created),
        ),
        (Operation::Completion, _) => Translated::new(
            read_answer,
            move |answer| openai::write_completion_answer(answer, created),
            reader,
            openai::CompletionStreamWriter::new(created, stream_usage),
        ),
        (_, Dialect::OpenAiResponses) => {
            let settings = responses::Settings::of(call.body, call.envelope);
            let writer = responses::StreamWriter::new(created, settings.clone());
            let write = move |answer: &_| responses::write_answer(answer, created, &settings);
            Translated::new(read_answer, write, reader, writer)
        }
        (_, Dialect::Anthropic) => {
            Translated::new(read_answer, anthropic::write_answer, reader, anthropic::StreamWriter::new())
        }
        (_, Dialect::Gemini) => {
            Translated::new(read_answer, gemini::write_answer, reader, gemini::StreamWriter::new())
        }
        (_, Dialect::Cohere) => {
            Translated::new(read_answer, cohere::write_answer, reader, cohere::StreamWriter::new())
        }
        (_, Dialect::BedrockConverse) => {
            Translated::new(read_answer, bedrock::write_answer, reader, bedrock::StreamWriter::new())
        }
        _ => Translated::new(
            read_answer,
            move |answer| openai::write_answer(answer, created),
            reader,
            openai::StreamWriter::new(created, stream_usage),
        ),
    };
    Box::new(translated.with_model(call.model))
}
