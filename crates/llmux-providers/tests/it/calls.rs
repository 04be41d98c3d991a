//! Making a provider ready, and reading an answer through it.

use bytes::Bytes;
use http::HeaderMap;
use llmux_core::{
    Call, Dialect, Error, Exchange, Frames, Operation, Outgoing, Provider, Reply, ReplyReport, Result,
};
use llmux_wire::json::envelope;
use serde_json::{Value, json};

/// When every call comes, in seconds since 1970.
pub(crate) const CREATED: u64 = 1_700_000_000;

/// Makes a call ready.
pub(crate) fn prepare(
    provider: &dyn Provider,
    operation: Operation,
    dialect: Dialect,
    body: &Value,
) -> Result<Exchange> {
    let bytes = Bytes::from(body.to_string());
    let fields = envelope::read(&bytes)?;
    let headers = HeaderMap::new();
    let model = body["model"].as_str().unwrap_or_default();
    let call = Call::new(operation, dialect, model, &bytes, &fields, &headers)
        .with_stream(body["stream"] == true)
        .with_created(CREATED);
    provider.prepare(&call)
}

/// The smallest request of a client.
pub(crate) fn request(operation: Operation, dialect: Dialect, stream: bool) -> Value {
    let mut body = match (operation, dialect) {
        (Operation::Completion, Dialect::Ollama) => json!({"model": "m", "prompt": "hi", "stream": false}),
        (Operation::Completion, _) => json!({"model": "m", "prompt": "hi"}),
        (Operation::Embeddings, Dialect::Cohere) => json!({"model": "m", "texts": ["hi"]}),
        (Operation::Embeddings, _) => json!({"model": "m", "input": "hi"}),
        (_, Dialect::Gemini) => json!({"model": "m", "contents": [{"parts": [{"text": "hi"}]}]}),
        (_, Dialect::OpenAiResponses) => json!({"model": "m", "input": "hi"}),
        (_, Dialect::BedrockConverse) => {
            json!({"model": "m", "messages": [{"role": "user", "content": [{"text": "hi"}]}]})
        }
        (_, Dialect::Anthropic) => {
            json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]})
        }
        (_, Dialect::Ollama) => {
            json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": false})
        }
        _ => json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
    };
    if stream {
        body["stream"] = true.into();
    }
    body
}

/// A client that streams and wants usage: OpenAI's must say so.
pub(crate) fn streaming(operation: Operation, dialect: Dialect) -> Value {
    let mut body = request(operation, dialect, true);
    if dialect == Dialect::OpenAi {
        body["stream_options"] = json!({"include_usage": true});
    }
    body
}

/// The reader of the answer to this request.
pub(crate) fn reply(
    provider: &dyn Provider,
    operation: Operation,
    dialect: Dialect,
    body: &Value,
) -> Box<dyn Reply> {
    prepare(provider, operation, dialect, body).unwrap_or_else(|error| panic!("{error}: {body}")).reply
}

/// The request that the provider gets, as path and body.
pub(crate) fn sent(exchange: &Exchange) -> (String, Value) {
    match &exchange.outgoing {
        Outgoing::Send(request) => {
            (request.uri().path().to_owned(), serde_json::from_slice(request.body()).unwrap())
        }
        Outgoing::Answered(_) => panic!("the provider is asked"),
    }
}

/// Reads a whole answer.
pub(crate) fn whole(mut reply: Box<dyn Reply>, body: &Bytes) -> Result<(Bytes, ReplyReport)> {
    let answer = reply.whole(body.clone())?;
    Ok((answer, reply.report()))
}

/// Reads a stream, in these pieces, as text.
pub(crate) fn stream(
    reply: Box<dyn Reply>,
    pieces: impl IntoIterator<Item = Bytes>,
) -> Result<(String, ReplyReport)> {
    raw(reply, pieces).map(|(bytes, report)| (shown(bytes), report))
}

/// A stream as text. The messages of Amazon's become events with their type as the name; what ends the stream
/// irregularly is an `error`, as everywhere.
fn shown(bytes: Vec<u8>) -> String {
    if bytes.first() != Some(&0) {
        return String::from_utf8(bytes).unwrap();
    }
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let (mut text, mut at) = (String::new(), 0);
    while at < bytes.len() {
        let (end, payload) = (at + number(at), at + 12 + number(at + 4));
        let headers = String::from_utf8_lossy(&bytes[at + 12..payload]).into_owned();
        // Behind a header's name stand its type and two bytes of length.
        let header = |name: &str| {
            let value = headers.split_once(name)?.1.get(3..)?;
            Some(value.split(|c: char| !c.is_ascii_alphanumeric()).next()?.to_owned())
        };
        let name = header(":exception-type").map(|_| "error".to_owned()).or_else(|| header(":event-type"));
        let data = String::from_utf8_lossy(&bytes[payload..end - 4]);
        text += &format!("event: {}\ndata: {data}\n\n", name.unwrap());
        at = end;
    }
    text
}

/// Reads a stream, in these pieces.
pub(crate) fn raw(
    mut reply: Box<dyn Reply>,
    pieces: impl IntoIterator<Item = Bytes>,
) -> Result<(Vec<u8>, ReplyReport)> {
    let (mut out, mut text) = (Frames::default(), Vec::new());
    for piece in pieces {
        reply.push(piece, &mut out)?;
    }
    reply.finish(&mut out)?;
    while let Some(frame) = out.pop() {
        text.extend_from_slice(&frame);
    }
    Ok((text, reply.report()))
}

/// Reads a stream in one piece.
pub(crate) fn stream_at_once(reply: Box<dyn Reply>, body: impl AsRef<[u8]>) -> Result<(String, ReplyReport)> {
    stream(reply, [Bytes::copy_from_slice(body.as_ref())])
}

/// A failure as a complaint.
pub(crate) fn told(error: Error) -> Vec<String> {
    vec![format!("failed: {error}")]
}
