//! Embeddings: the request as far as a built-in provider needs it, and the answer.

use base64::Engine as _;
use bytes::Bytes;
use llmux_core::{Error, ErrorKind, Result, Usage};
use serde_json::{Map, Value, json};

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
    /// Whether an input is a list of token ids.
    pub has_tokens: bool,
    /// Whether the client asked for one vector by itself, as Google's clients may.
    pub single: bool,
    /// The other fields of the request.
    pub extra: Map<String, Value>,
}

impl EmbeddingsRequest {
    /// A request to embed these texts.
    #[must_use]
    pub fn new(model: impl Into<String>, inputs: Vec<String>) -> Self {
        Self {
            model: model.into(),
            inputs,
            dimensions: None,
            base64: false,
            has_tokens: false,
            single: false,
            extra: Map::new(),
        }
    }
}

/// Reads an embeddings request.
///
/// # Errors
/// A 400 that names line and column of malformed JSON, or the field with a wrong type.
pub fn read_embeddings_request(body: &[u8]) -> Result<EmbeddingsRequest> {
    let mut object = Object::parse(body)?;
    let model = object.need_string("model")?;
    let input = object.need("input")?;
    let has_tokens =
        is_tokens(&input.value) || input.value.as_array().is_some_and(|inputs| inputs.iter().any(is_tokens));
    let inputs = match &input.value {
        Value::String(text) => vec![text.clone()],
        list if is_tokens(list) => vec![input.value.to_string()],
        Value::Array(_) => input.list()?.into_iter().map(read_input).collect::<Result<_>>()?,
        _ => return Err(input.wrong("a string, an array of strings, or token ids")),
    };
    let dimensions = object.count("dimensions")?;
    let base64 = object.string("encoding_format")?.is_some_and(|format| format == "base64");
    Ok(EmbeddingsRequest {
        model,
        inputs,
        dimensions,
        base64,
        has_tokens,
        single: false,
        extra: object.rest(),
    })
}

fn is_tokens(value: &Value) -> bool {
    value.as_array().is_some_and(|list| list.first().is_some_and(Value::is_number))
}

fn read_input(item: Item) -> Result<String> {
    match &item.value {
        Value::String(text) => Ok(text.clone()),
        Value::Array(_) => Ok(item.value.to_string()),
        _ => Err(item.wrong("a string or an array of token ids")),
    }
}

/// Writes a request for `model`, from one of another dialect.
#[must_use]
pub fn write_embeddings_request(request: &EmbeddingsRequest, model: &str) -> Bytes {
    let mut out = Map::new();
    out.insert("model".into(), model.into());
    out.insert("input".into(), request.inputs.clone().into());
    out.insert("encoding_format".into(), "float".into());
    out.extend(request.dimensions.map(|count| ("dimensions".to_owned(), count.into())));
    Value::Object(out).to_string().into()
}

/// Reads the vectors of an answer, as numbers or base64, and what they cost where it says so.
///
/// # Errors
/// [`ErrorKind::BadReply`] when the body holds none.
pub fn read_embeddings(body: &[u8]) -> Result<(Vec<Vec<f32>>, Option<Usage>)> {
    #[derive(serde::Deserialize)]
    struct Answer {
        data: Vec<Item>,
        usage: Option<super::usage::Wire>,
    }
    #[derive(serde::Deserialize)]
    struct Item {
        embedding: Vector,
    }
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Vector {
        Numbers(Vec<f32>),
        Base64(String),
    }
    let bad = |detail: String| {
        Error::upstream(ErrorKind::BadReply, format!("the provider's answer holds no embeddings: {detail}"))
    };
    let answer: Answer = serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?;
    let vectors = answer.data.into_iter().map(|item| match item.embedding {
        Vector::Numbers(numbers) => Ok(numbers),
        Vector::Base64(text) => decode(&text).ok_or_else(|| bad("a vector is no base64".to_owned())),
    });
    Ok((vectors.collect::<Result<_>>()?, answer.usage.map(|usage| usage.buckets())))
}

fn decode(text: &str) -> Option<Vec<f32>> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    Some(bytes.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number)).collect())
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
