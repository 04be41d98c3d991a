//! Whole exchanges: any request of any client through every kind of provider, and any answer back. The first four bytes
//! choose provider, operation, dialect, and whether it streams; the request ends at the first zero byte.
#![no_main]

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use libfuzzer_sys::fuzz_target;
use llmux_core::{
    Call, Dialect, Exchange, FailedReply, Frames, Operation, Outgoing, Provider, ProviderSettings, Registry,
};
use llmux_wire::json::envelope;

const KEY: &str = "canary-key-0123456789";
const OPERATIONS: [Operation; 8] = [
    Operation::Chat,
    Operation::Completion,
    Operation::Embeddings,
    Operation::CountTokens,
    Operation::ImageGeneration,
    Operation::Speech,
    Operation::Transcription,
    Operation::Moderation,
];
const DIALECTS: [Dialect; 4] =
    [Dialect::OpenAi, Dialect::OpenAiResponses, Dialect::Anthropic, Dialect::Gemini];

/// Every kind of provider that a key and a base URL are enough for.
static PROVIDERS: LazyLock<Vec<Arc<dyn Provider>>> = LazyLock::new(|| {
    let mut registry = Registry::empty();
    llmux_providers::register(&mut registry);
    let mut settings = ProviderSettings::default();
    settings.api_key = Some(KEY.into());
    settings.base_url = Some("https://provider.example".to_owned());
    let kinds: Vec<_> = registry.providers.kinds().map(str::to_owned).collect();
    kinds.iter().filter_map(|kind| registry.providers.build(kind, &settings).ok()).collect()
});

fuzz_target!(|data: &[u8]| {
    let [provider, operation, dialect, stream, rest @ ..] = data else { return };
    let provider = &PROVIDERS[usize::from(*provider) % PROVIDERS.len()];
    let operation = OPERATIONS[usize::from(*operation) % OPERATIONS.len()];
    let dialect = DIALECTS[usize::from(*dialect) % DIALECTS.len()];
    let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
    let (request, answer) = rest.split_at(end);
    let (body, answer) = (Bytes::copy_from_slice(request), answer.get(1..).unwrap_or_default());
    let Ok(fields) = envelope::read(&body) else { return };
    let headers = HeaderMap::new();
    let call = Call::new(operation, dialect, "model", &body, &fields, &headers)
        .with_stream(stream & 1 == 1)
        .with_drop_params(stream & 2 == 2);
    match provider.prepare(&call) {
        Ok(exchange) => talk(exchange, answer),
        Err(error) => assert!(error.status().is_client_error() && !error.message().is_empty(), "{error}"),
    }
    let bytes = Bytes::copy_from_slice(answer);
    let failed = provider.classify(&FailedReply::new(StatusCode::BAD_GATEWAY, &headers, &bytes));
    assert!(failed.status().as_u16() >= 400 && !failed.message().is_empty());
});

/// The request is JSON, and the answer becomes whole frames, or one document, or an error.
fn talk(exchange: Exchange, answer: &[u8]) {
    if let Outgoing::Send(request) = &exchange.outgoing {
        serde_json::from_slice::<&serde_json::value::RawValue>(request.body()).expect("a request is JSON");
        assert!(!request.uri().to_string().contains(KEY), "the key stands in the URL");
    }
    let mut reply = exchange.reply;
    if !exchange.streamed {
        if let Ok(whole) = reply.whole(Bytes::copy_from_slice(answer)) {
            // What passes is not checked inside its texts.
            let whole = String::from_utf8_lossy(&whole);
            serde_json::from_str::<&serde_json::value::RawValue>(&whole).expect("an answer is JSON");
        }
        return;
    }
    let (mut frames, mut output) = (Frames::default(), Vec::new());
    for piece in answer.chunks(11) {
        if reply.push(Bytes::copy_from_slice(piece), &mut frames).is_err() {
            return;
        }
        while let Some(frame) = frames.pop() {
            output.extend_from_slice(&frame);
        }
        if reply.has_failed() {
            break;
        }
    }
    let failed = reply.has_failed();
    if reply.finish(&mut frames).is_err() {
        assert!(output.is_empty(), "once something was put out errors become frames");
        return;
    }
    assert!(!failed || frames.is_empty(), "something follows an error frame");
    while let Some(frame) = frames.pop() {
        output.extend_from_slice(&frame);
    }
    let whole = [&b"\n\n"[..], b"\n\r\n"].iter().any(|end| output.ends_with(end));
    assert!(output.is_empty() || whole, "the output ends inside a frame");
}
