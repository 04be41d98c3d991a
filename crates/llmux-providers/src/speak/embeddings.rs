//! Embeddings in the client's dialect: its request in, the vectors out.

use bytes::Bytes;
use llmux_core::{Call, Dialect, Reply, Result, Usage};
use llmux_wire::{cohere, convert::Converted, gemini, ollama, openai, openai::EmbeddingsRequest};

/// What a provider's answer holds: a vector for each input, and what they cost where it says so.
pub(crate) type Vectors = (Vec<Vec<f32>>, Option<Usage>);

/// Reads a request in the client's dialect.
pub(crate) fn read_embeddings(dialect: Dialect, body: &[u8]) -> Result<EmbeddingsRequest> {
    match dialect {
        Dialect::Gemini => gemini::read_embeddings_request(body),
        Dialect::Cohere => cohere::read_embeddings_request(body),
        Dialect::Ollama => ollama::read_embeddings_request(body),
        _ => openai::read_embeddings_request(body),
    }
}

/// Writes an answer in the client's dialect.
pub(crate) fn write_embeddings(
    dialect: Dialect,
    model: &str,
    created: u64,
    request: &EmbeddingsRequest,
    (vectors, usage): &Vectors,
) -> Bytes {
    let usage = usage.unwrap_or_default();
    match dialect {
        Dialect::Gemini => gemini::write_embeddings(vectors, request.single),
        Dialect::Cohere => cohere::write_embeddings(request, vectors, &usage, created),
        Dialect::Ollama => ollama::write_embeddings(request, model, vectors, &usage),
        _ => openai::write_embeddings(model, vectors, request.base64, &usage),
    }
}

/// A reply that turns a provider's vectors into the client's.
pub(crate) fn embedded(
    call: &Call<'_>,
    request: EmbeddingsRequest,
    read: fn(&[u8]) -> Result<Vectors>,
) -> Box<dyn Reply> {
    let (dialect, created, model) = (call.dialect, call.created, call.model.to_owned());
    Box::new(Converted::new(move |body| {
        let vectors = read(body)?;
        Ok((write_embeddings(dialect, &model, created, &request, &vectors), vectors.1))
    }))
}
