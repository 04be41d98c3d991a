//! What every provider and every reader of answers keeps, on recorded traffic.

use http::HeaderMap;
use llmux_core::{Call, Dialect, Operation};
use llmux_testkit::{conformance, conformance::Framing};
use llmux_wire::json::envelope;

use crate::{
    calls,
    exceptions::{Check, Complaints, examine},
    recordings::{self, DIALECTS, KEY, Recording},
};

/// Streams up to this size are read by all rules: they try every kind of split many times over.
const ALL_RULES: usize = 16_000;

/// Hosts that have no chats.
const SEARCHING: &[&str] = &["infinity", "jina_ai", "voyage"];
/// Hosts that only speak, draw or hear; the last get forms, which are no JSON.
const SPEAKING: &[&str] = &["cartesia", "deepgram", "elevenlabs"];
const DRAWING: &[&str] = &["black_forest_labs", "fal_ai", "recraft"];
const BY_FORM: &[&str] = &["assemblyai", "gladia", "revai", "stability"];
/// Hosts that do not stream to everybody.
const WHOLE: &[&str] = &["sagemaker"];

/// How streams of a dialect are cut into frames.
pub(crate) fn framing(dialect: Dialect) -> Framing {
    if dialect == Dialect::Ollama { Framing::Lines } else { Framing::Events }
}

#[test]
fn every_registered_provider_keeps_the_rules_of_providers() {
    let registry = recordings::registry();
    let headers = HeaderMap::new();
    for kind in registry.providers.kinds() {
        let provider = recordings::provider(kind);
        let bodies = [
            (Operation::Chat, Dialect::OpenAi, false),
            (Operation::Chat, Dialect::OpenAi, true),
            (Operation::Chat, Dialect::Anthropic, false),
            (Operation::Chat, Dialect::Anthropic, true),
            (Operation::Chat, Dialect::OpenAiResponses, false),
            (Operation::Chat, Dialect::OpenAiResponses, true),
            (Operation::Chat, Dialect::Gemini, false),
            (Operation::Chat, Dialect::Gemini, true),
            (Operation::Chat, Dialect::Cohere, false),
            (Operation::Chat, Dialect::Cohere, true),
            (Operation::Chat, Dialect::Ollama, false),
            (Operation::Chat, Dialect::Ollama, true),
            (Operation::Completion, Dialect::Ollama, true),
            (Operation::Chat, Dialect::BedrockConverse, false),
            (Operation::Chat, Dialect::BedrockConverse, true),
            (Operation::Completion, Dialect::OpenAi, true),
        ]
        .map(|(operation, dialect, stream)| {
            let body = bytes::Bytes::from(calls::request(operation, dialect, stream).to_string());
            let fields = envelope::read(&body).unwrap();
            (operation, dialect, stream, body, fields)
        });
        let ranked = bytes::Bytes::from_static(br#"{"model":"m","query":"q","documents":["a"]}"#);
        let vectors = bytes::Bytes::from_static(br#"{"model":"m","input":"a"}"#);
        let searching = [
            (Operation::Rerank, Dialect::Cohere, false, ranked.clone(), envelope::read(&ranked).unwrap()),
            (
                Operation::Embeddings,
                Dialect::OpenAi,
                false,
                vectors.clone(),
                envelope::read(&vectors).unwrap(),
            ),
        ];
        let said = bytes::Bytes::from_static(br#"{"model":"aura-2","input":"hi","voice":"v"}"#);
        let speech =
            (Operation::Speech, Dialect::OpenAi, false, said.clone(), envelope::read(&said).unwrap());
        let drawn = bytes::Bytes::from_static(br#"{"model":"m","prompt":"a harbour","n":1}"#);
        let fields = envelope::read(&drawn).unwrap();
        let image = (Operation::ImageGeneration, Dialect::OpenAi, false, drawn.clone(), fields);
        let groups = [
            (SEARCHING, &searching[..]),
            (SPEAKING, std::slice::from_ref(&speech)),
            (DRAWING, std::slice::from_ref(&image)),
            (BY_FORM, &[]),
        ];
        let own = groups.into_iter().find(|(kinds, _)| kinds.contains(&kind));
        let chats = own.map_or(&bodies[..], |(_, calls)| calls);
        let calls: Vec<_> = chats
            .iter()
            .filter(|(_, _, stream, ..)| !(*stream && WHOLE.contains(&kind)))
            .map(|(operation, dialect, stream, body, fields)| {
                Call::new(*operation, *dialect, "m", body, fields, &headers).with_stream(*stream)
            })
            .collect();
        conformance::provider(&*provider, KEY, &calls);
    }
}

#[test]
fn readers_of_recorded_streams_keep_the_rules_of_replies() {
    let mut recordings = recordings::answered();
    recordings.retain(|recording| recording.stream().is_some_and(|stream| stream.len() <= ALL_RULES));
    examine(Check::Rules, &recordings, Recording::name, |recording| {
        let stream = recording.stream().unwrap();
        for dialect in DIALECTS {
            if recording.operation == Operation::Chat || dialect == recording.dialect {
                let request = calls::streaming(recording.operation, dialect);
                let make = || calls::reply(&*recording.provider, recording.operation, dialect, &request);
                conformance::framed_reply(make, &stream, Framing::Events, framing(dialect));
            }
        }
        Complaints::new()
    });
}

#[test]
fn recorded_streams_keep_the_rules_with_the_other_line_end_too() {
    let mut recordings = recordings::chats();
    recordings.retain(|recording| recording.stream().is_some_and(|stream| stream.len() <= ALL_RULES / 4));
    // Amazon's streams have no lines.
    recordings.retain(|recording| recording.dialect != Dialect::BedrockConverse);
    examine(Check::Rules, &recordings, Recording::name, |recording| {
        let stream = recording.stream().unwrap();
        let stream = std::str::from_utf8(&stream).unwrap().replace("\r\n", "\n");
        let carriage = stream.replace('\n', "\r\n");
        for dialect in DIALECTS {
            let request = calls::streaming(Operation::Chat, dialect);
            let make = || calls::reply(&*recording.provider, Operation::Chat, dialect, &request);
            conformance::framed_reply(make, carriage.as_bytes(), Framing::Events, framing(dialect));
            let read = |stream: &str| calls::stream_at_once(make(), stream).unwrap();
            let (plain, changed) = (read(&stream), read(&carriage));
            assert_eq!(changed.1, plain.1, "{dialect}: the report");
            // What passes keeps its line ends.
            assert_eq!(changed.0.replace('\r', ""), plain.0, "{dialect}: the output");
        }
        Complaints::new()
    });
}

#[test]
fn readers_of_recorded_answers_keep_the_rules_of_replies() {
    let mut recordings = recordings::answered();
    recordings.retain(|recording| recording.case.response.is_some());
    examine(Check::Rules, &recordings, Recording::name, |recording| {
        let body = recording.case.response.as_ref().unwrap();
        for dialect in DIALECTS {
            if recording.operation == Operation::Chat || dialect == recording.dialect {
                let request = calls::request(recording.operation, dialect, false);
                let make = || calls::reply(&*recording.provider, recording.operation, dialect, &request);
                conformance::whole_reply(make, body);
            }
        }
        Complaints::new()
    });
}
