//! Requests and answers in each dialect's form.
//!
//! What OpenAI's clients send is written by writers of the tests' own, since the ones in use leave out what only LiteLLM's
//! clients add; so are read the responses that only clients read. All else goes through the dialects' own halves.

mod openai;
mod responses;

use bytes::{Bytes, BytesMut};
use llmux_core::{Dialect, Result, Shaping};
use llmux_wire::{
    anthropic, bedrock,
    chat::{ChatAnswer, ChatRequest, Event, Fit},
    cohere, gemini,
    json::envelope,
    ollama,
    stream::{StreamReader, StreamWriter},
};
use serde_json::Value;

use crate::calls::CREATED;

/// A request as a client of this dialect sends it.
pub(super) fn write_request(
    dialect: Dialect,
    request: &ChatRequest,
    model: &str,
    drop: bool,
) -> Result<Value> {
    let shaping = Shaping::default();
    let mut fit = Fit::new("the dialect", &shaping).dropping(drop);
    let body = match dialect {
        Dialect::OpenAi => return Ok(openai::request(request, model)),
        Dialect::OpenAiResponses => return Ok(responses::request(request, model)),
        Dialect::Anthropic => anthropic::write_request(request, model, &mut fit),
        Dialect::Gemini => gemini::write_request(request, model, &mut fit),
        Dialect::BedrockConverse => bedrock::write_request(request, model, &mut fit),
        Dialect::Cohere => cohere::write_request(request, model, &mut fit),
        _ => ollama::write_request(request, model, &mut fit),
    };
    let mut body: Value = serde_json::from_slice(&body?).unwrap();
    // Where the path names the model, the gateway puts it into the body.
    body["model"] = model.into();
    Ok(body)
}

/// The request that somebody gets who reads this dialect.
pub(super) fn read_request(dialect: Dialect, body: &Value) -> Result<ChatRequest> {
    let mut body = body.clone();
    if body["model"].is_null() {
        body["model"] = "named in the path".into();
    }
    let body = body.to_string();
    let read = match dialect {
        Dialect::OpenAi => llmux_wire::openai::read_request,
        Dialect::OpenAiResponses => llmux_wire::responses::read_request,
        Dialect::Anthropic => anthropic::read_request,
        Dialect::Gemini => gemini::read_request,
        Dialect::BedrockConverse => bedrock::read_request,
        Dialect::Cohere => cohere::read_request,
        _ => ollama::read_request,
    };
    read(body.as_bytes())
}

/// A whole answer as a provider of this dialect gives it.
pub(super) fn write_answer(dialect: Dialect, answer: &ChatAnswer) -> Bytes {
    match dialect {
        Dialect::OpenAi => llmux_wire::openai::write_answer(answer, CREATED),
        Dialect::OpenAiResponses => llmux_wire::responses::write_answer(answer, CREATED, &settings()),
        Dialect::Anthropic => anthropic::write_answer(answer),
        Dialect::Gemini => gemini::write_answer(answer),
        Dialect::BedrockConverse => bedrock::write_answer(answer),
        Dialect::Cohere => cohere::write_answer(answer),
        _ => ollama::write_answer(answer, CREATED),
    }
}

fn settings() -> llmux_wire::responses::Settings {
    let body = br#"{"model":"m","input":"hi"}"#;
    llmux_wire::responses::Settings::of(body, &envelope::read(body).unwrap())
}

/// A stream as a provider of this dialect gives it.
pub(super) fn write_stream(dialect: Dialect, events: Vec<Event>) -> Bytes {
    let mut writer: Box<dyn StreamWriter> = match dialect {
        Dialect::OpenAi => Box::new(llmux_wire::openai::StreamWriter::new(CREATED, true)),
        Dialect::OpenAiResponses => Box::new(llmux_wire::responses::StreamWriter::new(CREATED, settings())),
        Dialect::Anthropic => Box::new(anthropic::StreamWriter::new()),
        Dialect::Gemini => Box::new(gemini::StreamWriter::new()),
        Dialect::BedrockConverse => Box::new(bedrock::StreamWriter::new()),
        Dialect::Cohere => Box::new(cohere::StreamWriter::new()),
        _ => Box::new(ollama::StreamWriter::new(CREATED)),
    };
    let mut out = BytesMut::new();
    events.into_iter().for_each(|event| writer.event(event, &mut out));
    out.freeze()
}

/// What a client of this dialect reads in a whole answer.
pub(super) fn read_answer(dialect: Dialect, body: &[u8]) -> Result<ChatAnswer> {
    match dialect {
        Dialect::OpenAi => llmux_wire::openai::read_answer(body),
        Dialect::OpenAiResponses => Ok(responses::answer(&serde_json::from_slice(body).unwrap())),
        Dialect::Anthropic => anthropic::read_answer(body),
        Dialect::Gemini => gemini::read_answer(body),
        Dialect::BedrockConverse => bedrock::read_answer(body, "", ""),
        Dialect::Cohere => cohere::read_answer(body),
        _ => ollama::read_answer(body),
    }
}

/// What a client of this dialect reads in a stream.
pub(super) fn read_stream(dialect: Dialect, stream: &[u8]) -> Result<ChatAnswer> {
    let mut reader: Box<dyn StreamReader> = match dialect {
        Dialect::OpenAi => Box::new(llmux_wire::openai::StreamReader::new()),
        Dialect::OpenAiResponses => return Ok(responses::streamed(std::str::from_utf8(stream).unwrap())),
        Dialect::Anthropic => Box::new(anthropic::StreamReader::new()),
        Dialect::Gemini => Box::new(gemini::StreamReader::new()),
        Dialect::BedrockConverse => Box::new(bedrock::StreamReader::new("", "")),
        Dialect::Cohere => Box::new(cohere::StreamReader::new()),
        _ => Box::new(ollama::StreamReader::new()),
    };
    let mut events = Vec::new();
    reader.push(stream, &mut events)?;
    reader.finish(&mut events)?;
    Ok(super::events::gathered(events))
}
