//! Embeddings: the request as far as a built-in provider needs it, and the answer.

use base64::Engine as _;
use bytes::Bytes;
use llmux_core::{Error, ErrorKind, Result, Usage};
use serde_json::{Value, json};

use super::usage;
use crate::json::read::{Item, Object};

/// An embeddings request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmbeddingsRequest {
    /// The model asked for.
    pub model: String,
    /// The texts; a list of token ids is given as its JSON text.
    pub inputs: Vec<String>,
    /// How many dimensions, if the client chooses.
    pub dimensions: Option<u64>,
    /// Whether vectors are sent as base64 of little-endian 32-bit floats instead of numbers.
    pub base64: bool,
    /// Whether the client asked for one vector by itself, as Google's clients may.
    pub single: bool,
}

/// Reads an embeddings request.
///
/// # Errors
/// A 400 that names line and column of malformed JSON, or the field with a wrong type.
pub fn read_embeddings_request(body: &[u8]) -> Result<EmbeddingsRequest> {
    let mut object = Object::parse(body)?;
    let model = object.need_string("model")?;
    let input = object.need("input")?;
    let inputs = match &input.value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) if list.first().is_some_and(Value::is_number) => vec![input.value.to_string()],
        Value::Array(_) => input.list()?.into_iter().map(read_input).collect::<Result<_>>()?,
        _ => return Err(input.wrong("a string, an array of strings, or token ids")),
    };
    let dimensions = object.count("dimensions")?;
    let base64 = object.string("encoding_format")?.is_some_and(|format| format == "base64");
    Ok(EmbeddingsRequest { model, inputs, dimensions, base64, single: false })
}

fn read_input(item: Item) -> Result<String> {
    match &item.value {
        Value::String(text) => Ok(text.clone()),
        Value::Array(_) => Ok(item.value.to_string()),
        _ => Err(item.wrong("a string or an array of token ids")),
    }
}

/// Writes a request for embeddings as numbers.
#[must_use]
pub fn write_embeddings_request(request: &EmbeddingsRequest, model: &str) -> Bytes {
    let mut body = json!({ "model": model, "input": request.inputs, "encoding_format": "float" });
    if let (Some(count), Some(fields)) = (request.dimensions, body.as_object_mut()) {
        fields.insert("dimensions".into(), count.into());
    }
    body.to_string().into()
}

/// Reads the vectors of an answer in the order of their inputs, and what was consumed.
///
/// # Errors
/// [`ErrorKind::BadReply`] when the body holds none.
pub fn read_embeddings(body: &[u8]) -> Result<(Vec<Vec<f32>>, Option<Usage>)> {
    #[derive(serde::Deserialize)]
    struct Answer {
        data: Vec<Entry>,
        #[serde(default)]
        usage: Option<usage::Wire>,
    }
    #[derive(serde::Deserialize)]
    struct Entry {
        #[serde(default)]
        index: usize,
        embedding: Vec<f32>,
    }
    let mut answer: Answer = serde_json::from_slice(body).map_err(|error| {
        Error::upstream(ErrorKind::BadReply, format!("the provider's answer holds no embeddings: {error}"))
    })?;
    answer.data.sort_by_key(|entry| entry.index);
    let vectors = answer.data.into_iter().map(|entry| entry.embedding).collect();
    Ok((vectors, answer.usage.map(|usage| usage.buckets())))
}

/// Writes an answer of one vector per input.
#[must_use]
pub fn write_embeddings(model: &str, vectors: &[Vec<f32>], base64: bool, usage: &Usage) -> Bytes {
    let data: Vec<_> = vectors
        .iter()
        .enumerate()
        .map(|(at, vector)| {
            let embedding = if base64 { encode(vector).into() } else { Value::from(vector.clone()) };
            json!({ "object": "embedding", "index": at, "embedding": embedding })
        })
        .collect();
    let usage = json!({ "prompt_tokens": usage.prompt_total(), "total_tokens": usage.total() });
    json!({ "object": "list", "data": data, "model": model, "usage": usage }).to_string().into()
}

fn encode(vector: &[f32]) -> String {
    let bytes: Vec<_> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_input_is_read() {
        for (input, count) in [("\"a\"", 1), ("[\"a\",\"b\"]", 2), ("[1,2]", 1), ("[[1],[2]]", 2)] {
            let body = format!(r#"{{"model":"m","input":{input}}}"#);
            assert_eq!(read_embeddings_request(body.as_bytes()).unwrap().inputs.len(), count, "{input}");
        }
    }

    #[test]
    fn vectors_are_numbers_or_base64() {
        let read = |base64| -> Value {
            let bytes = write_embeddings("m", &[vec![1.0]], base64, &Usage::default());
            serde_json::from_slice(&bytes).unwrap()
        };
        assert_eq!(read(false)["data"][0]["embedding"], json!([1.0]));
        assert_eq!(read(true)["data"][0]["embedding"], "AACAPw==");
    }
}
