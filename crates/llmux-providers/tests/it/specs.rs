//! Everything that goes out, against the published schemas.

mod schema;

use llmux_core::{Dialect, Operation, Result as CoreResult};
use llmux_testkit::fixtures;
use llmux_wire::{anthropic, openai};
use serde_json::Value;

use self::schema::{Name, Schemas};
use crate::{
    calls, errors,
    exceptions::{Check, Complaints, examine},
    recordings::{self, Recording},
    responses::over_chat,
    said::events,
};

/// The schema of a whole answer, for clients of this dialect.
fn answer_name(operation: Operation, dialect: Dialect) -> Name {
    match (operation, dialect) {
        (Operation::CountTokens, _) => Name::Count,
        (_, Dialect::Anthropic) => Name::Message,
        (_, Dialect::OpenAiResponses) => Name::Response,
        (Operation::Embeddings, Dialect::Cohere) => Name::CohereEmbeddings,
        (_, Dialect::Cohere) => Name::CohereChat,
        (Operation::Completion, _) => Name::Completion,
        (Operation::Embeddings, _) => Name::Embeddings,
        _ => Name::Chat,
    }
}

/// The schema of an event of a stream, for clients of this dialect.
fn event_name(operation: Operation, dialect: Dialect, event: &Value) -> Name {
    match (operation, dialect) {
        (_, Dialect::OpenAiResponses) => Name::ResponseEvent,
        (_, Dialect::Cohere) => Name::CohereEvent,
        (_, Dialect::Anthropic) if event["type"] == "ping" => Name::Ping,
        (_, Dialect::Anthropic) if event["type"] == "error" => Name::AnthropicError,
        (_, Dialect::OpenAi) if event.get("error").is_some() => Name::OpenAiError,
        (_, Dialect::Anthropic) => Name::Event,
        // Chunks of text completions have the form of whole ones.
        (Operation::Completion, _) => Name::Completion,
        _ => Name::Chunk,
    }
}

/// The others publish no schema of whole answers that could be held against them.
fn has_schema(dialect: Dialect) -> bool {
    !matches!(dialect, Dialect::Gemini | Dialect::Ollama | Dialect::BedrockConverse)
}

/// The answers to a recording, for clients of this dialect.
fn outputs(recording: &Recording, dialect: Dialect) -> CoreResult<Vec<(Name, Value)>> {
    let (case, operation) = (&recording.case, recording.operation);
    let mut outputs = Vec::new();
    if let Some(body) = &case.response {
        let request = calls::request(operation, dialect, false);
        let (answer, _) =
            calls::whole(calls::reply(&*recording.provider, operation, dialect, &request), body)?;
        outputs.push((answer_name(operation, dialect), serde_json::from_slice(&answer).unwrap()));
    }
    if let Some(stream) = recording.stream() {
        let request = calls::streaming(operation, dialect);
        let reply = calls::reply(&*recording.provider, operation, dialect, &request);
        let (answer, _) = calls::stream_at_once(reply, &stream)?;
        let frames = events(&answer).filter(|(_, data)| data != "[DONE]");
        outputs.extend(frames.map(|(_, data)| {
            let event = serde_json::from_str(&data).unwrap();
            (event_name(operation, dialect, &event), event)
        }));
    }
    Ok(outputs)
}

fn complaints(schemas: &Schemas, outputs: CoreResult<Vec<(Name, Value)>>) -> Complaints {
    match outputs {
        Ok(outputs) => {
            let mut found: Complaints =
                outputs.iter().flat_map(|(name, value)| schemas.complaints(*name, value)).collect();
            found.sort();
            found.dedup();
            found
        }
        Err(error) => calls::told(error),
    }
}

#[test]
fn translated_answers_and_frames_are_what_the_clients_specification_says() {
    let Some(schemas) = Schemas::load() else { return };
    examine(Check::Specification, &recordings::chats(), Recording::name, |recording| {
        let dialects = recording.other_dialects().filter(|dialect| has_schema(*dialect));
        dialects.flat_map(|dialect| complaints(&schemas, outputs(recording, dialect))).collect()
    });
}

#[test]
fn chats_as_responses_are_what_the_specification_says() {
    let Some(schemas) = Schemas::load() else { return };
    examine(Check::ResponseSpecification, &recordings::chats(), Recording::name, |recording| {
        let chat = Recording {
            case: recording.case.clone(),
            provider: over_chat(recording),
            operation: Operation::Chat,
            dialect: recording.dialect,
        };
        complaints(&schemas, outputs(&chat, Dialect::OpenAiResponses))
    });
}

#[test]
fn requests_for_responses_become_what_the_providers_specifications_say() {
    let Some(schemas) = Schemas::load() else { return };
    let recorded = recordings::responses().into_iter();
    let recorded =
        recorded.filter_map(|recording| Some((recording.case.request_body()?.clone(), recording.case.name)));
    let asked = fixtures::client_requests("responses").into_iter();
    let all = recorded.chain(asked.map(|request| (request.body, request.name)));
    let foreign: Vec<_> = all
        .map(|(mut body, name)| {
            let fields = body.as_object_mut().unwrap();
            // What refers to something stored is refused, and the schema is the one of requests without a stream.
            for name in ["previous_response_id", "conversation", "background", "stream"] {
                fields.shift_remove(name);
            }
            body["model"] = "claude-sonnet-4-5".into();
            Foreign { name, body }
        })
        .filter(|foreign| !foreign.body["input"].to_string().contains("item_reference"))
        .collect();
    translated(&schemas, "openai_like", Dialect::OpenAiResponses, Name::ChatRequest, &foreign);
    translated(&schemas, "anthropic", Dialect::OpenAiResponses, Name::MessagesRequest, &foreign);
}

#[test]
fn passed_answers_and_frames_are_what_the_clients_specification_says() {
    let Some(schemas) = Schemas::load() else { return };
    let mut recordings = recordings::answered();
    recordings.retain(|recording| has_schema(recording.dialect));
    examine(Check::PassedSpecification, &recordings, Recording::name, |recording| {
        complaints(&schemas, outputs(recording, recording.dialect))
    });
}

#[test]
fn chats_as_text_completions_are_what_the_specification_says() {
    let Some(schemas) = Schemas::load() else { return };
    let mut recordings = recordings::chats();
    recordings.retain(|recording| recording.dialect != Dialect::OpenAi);
    examine(Check::CompletionSpecification, &recordings, Recording::name, |recording| {
        let completion = Recording {
            case: recording.case.clone(),
            provider: recording.provider.clone(),
            operation: Operation::Completion,
            dialect: recording.dialect,
        };
        complaints(&schemas, outputs(&completion, Dialect::OpenAi))
    });
}

#[test]
fn error_bodies_are_what_the_specifications_say() {
    let Some(schemas) = Schemas::load() else { return };
    examine(
        Check::Specification,
        &errors::refusals(),
        |(recording, _)| recording.name(),
        |(_, error)| {
            let body = |bytes: bytes::Bytes| serde_json::from_slice(&bytes).unwrap();
            let bodies = [
                (Name::OpenAiError, body(openai::write_error(error))),
                (Name::AnthropicError, body(anthropic::write_error(error))),
            ];
            complaints(&schemas, Ok(bodies.into()))
        },
    );
}

/// A request in the dialect that the provider does not speak.
struct Foreign {
    name: String,
    body: Value,
}

fn translated(schemas: &Schemas, kind: &str, dialect: Dialect, schema: Name, foreign: &[Foreign]) {
    let provider = recordings::dropping_provider(kind);
    let check = match (kind, dialect) {
        ("anthropic", Dialect::OpenAiResponses) => Check::ResponseToMessages,
        _ => Check::RequestSpecification,
    };
    examine(
        check,
        foreign,
        |foreign| &foreign.name,
        |foreign| {
            let exchange = calls::prepare(&*provider, Operation::Chat, dialect, &foreign.body);
            complaints(schemas, exchange.map(|exchange| vec![(schema, calls::sent(&exchange).1)]))
        },
    );
}

#[test]
fn requests_of_anthropic_clients_become_what_openais_specification_says() {
    let Some(schemas) = Schemas::load() else { return };
    let recorded = fixtures::cases_of(&["anthropic"]).into_iter().filter(|case| case.kind == "chat");
    let recorded =
        recorded.filter_map(|case| Some(Foreign { body: case.request_body()?.clone(), name: case.name }));
    let asked = fixtures::client_requests("messages").into_iter();
    let asked = asked.map(|request| Foreign { body: request.body, name: request.name });
    let foreign: Vec<_> = recorded.chain(asked).collect();
    translated(&schemas, "openai", Dialect::Anthropic, Name::ChatRequest, &foreign);
}

#[test]
fn requests_of_openai_clients_become_what_anthropics_specification_says() {
    let Some(schemas) = Schemas::load() else { return };
    let recorded = fixtures::cases().into_iter().filter(|case| case.kind == "chat");
    let recorded = recorded.filter_map(|case| {
        let mut body = case.client.as_ref()?["body"].clone();
        body["model"] = "claude-sonnet-4-5".into();
        // The schema is the one of requests without a stream.
        body.as_object_mut().unwrap().shift_remove("stream");
        Some(Foreign { body, name: case.name })
    });
    let asked = fixtures::client_requests("completions").into_iter();
    let asked = asked.map(|request| Foreign { body: request.body, name: request.name });
    let foreign: Vec<_> = recorded.chain(asked).collect();
    translated(&schemas, "anthropic", Dialect::OpenAi, Name::MessagesRequest, &foreign);
}
