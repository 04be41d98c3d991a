//! Embeddings: `embedContent` and `batchEmbedContents`, for clients and at the provider.

use bytes::Bytes;
use llmux_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::object::{open, parse};
use crate::{
    json::read::{Item, Object},
    openai::EmbeddingsRequest,
};

/// Reads a client's request: one content, or a batch of such requests. What a text is for (`taskType`, `title`) has no
/// form elsewhere and is left out; so are parts that are no text, with a 400.
///
/// # Errors
/// A 400 that names line and column of malformed JSON, the missing field, or the field with a wrong type.
pub fn read_embeddings_request(body: &[u8]) -> Result<EmbeddingsRequest> {
    let mut object = parse(body)?;
    let model = object.string("model")?.unwrap_or_default();
    let mut request = EmbeddingsRequest::new(model, Vec::new());
    match object.take("requests") {
        Some(requests) => {
            for one in requests.list()? {
                let mut one = open(one)?;
                request.inputs.push(read_text(&mut one)?);
                request.dimensions = one.count("outputDimensionality")?.or(request.dimensions);
            }
        }
        None => {
            request.single = true;
            request.inputs.push(read_text(&mut object)?);
            request.dimensions = object.count("outputDimensionality")?;
        }
    }
    Ok(request)
}

/// The text of a request's content.
fn read_text(request: &mut Object) -> Result<String> {
    let content = request.need("content")?;
    if let Value::String(text) = content.value {
        return Ok(text);
    }
    let parts = open(content)?.need("parts")?.list()?;
    parts.into_iter().map(|part| open(part)?.need("text").and_then(Item::string)).collect()
}

/// Writes the vectors for a client: one by itself, or a batch.
#[must_use]
pub fn write_embeddings(vectors: &[Vec<f32>], single: bool) -> Bytes {
    let one = |vector: &Vec<f32>| json!({ "values": vector });
    match vectors {
        [only] if single => json!({ "embedding": one(only) }),
        _ => json!({ "embeddings": vectors.iter().map(one).collect::<Vec<_>>() }),
    }
    .to_string()
    .into()
}

/// A client's request for `model`, which every request of a batch names, too.
///
/// # Errors
/// A 400 that names line and column of malformed JSON, or the field with a wrong type.
pub fn rename_embeddings(body: &[u8], model: &str) -> Result<Bytes> {
    let mut object = Object::parse(body)?;
    object.take("model");
    let requests = object.list("requests")?;
    let mut out = object.rest();
    let name = |item: Item| -> Result<Value> {
        let mut fields = item.object()?.rest();
        fields.insert("model".into(), format!("models/{model}").into());
        Ok(fields.into())
    };
    if !requests.is_empty() {
        out.insert("requests".into(), requests.into_iter().map(name).collect::<Result<Vec<_>>>()?.into());
    }
    Ok(Value::Object(out).to_string().into())
}

/// Writes a request for a batch of embeddings.
#[must_use]
pub fn write_embeddings_request(request: &EmbeddingsRequest, model: &str) -> Bytes {
    let one = |text: &String| {
        let mut out = Map::new();
        out.insert("model".into(), format!("models/{model}").into());
        out.insert("content".into(), json!({ "parts": [{ "text": text }] }));
        out.extend(request.dimensions.map(|count| ("outputDimensionality".to_owned(), count.into())));
        Value::Object(out)
    };
    let requests: Vec<_> = request.inputs.iter().map(one).collect();
    json!({ "requests": requests }).to_string().into()
}

/// Reads the vectors of a batch.
///
/// # Errors
/// [`ErrorKind::BadReply`] when the body holds none.
pub fn read_embeddings(body: &[u8]) -> Result<Vec<Vec<f32>>> {
    #[derive(serde::Deserialize)]
    struct Batch {
        embeddings: Vec<Embedding>,
    }
    #[derive(serde::Deserialize)]
    struct Embedding {
        values: Vec<f32>,
    }
    let batch: Batch = serde_json::from_slice(body).map_err(|error| {
        Error::upstream(ErrorKind::BadReply, format!("the provider's answer holds no embeddings: {error}"))
    })?;
    Ok(batch.embeddings.into_iter().map(|embedding| embedding.values).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::read_embeddings_request;

    #[test]
    fn each_text_is_a_request_of_the_batch() {
        let request = read_embeddings_request(br#"{"model":"m","input":["a","b"],"dimensions":8}"#).unwrap();
        let written: Value = serde_json::from_slice(&write_embeddings_request(&request, "g")).unwrap();
        let one =
            json!({"model": "models/g", "content": {"parts": [{"text": "b"}]}, "outputDimensionality": 8});
        assert_eq!(written["requests"][1], one);
        assert_eq!(read_embeddings(br#"{"embeddings":[{"values":[0.5]}]}"#).unwrap(), [[0.5]]);
    }

    #[test]
    fn googles_clients_ask_for_one_vector_or_for_a_batch() {
        let one = json!({"content": {"parts": [{"text": "a"}, {"text": "b"}]}, "output_dimensionality": 8,
            "taskType": "RETRIEVAL_QUERY"});
        let read = |body: Value| super::read_embeddings_request(body.to_string().as_bytes()).unwrap();
        let request = read(one.clone());
        assert_eq!(
            (request.inputs, request.dimensions, request.single),
            (vec!["ab".to_owned()], Some(8), true)
        );
        let batch = read(json!({"requests": [one]}));
        assert!(!batch.single && batch.dimensions == Some(8));
        assert_eq!(write_embeddings(&[vec![0.5]], true), r#"{"embedding":{"values":[0.5]}}"#);
        assert_eq!(write_embeddings(&[vec![0.5]], false), r#"{"embeddings":[{"values":[0.5]}]}"#);
        let image = json!({"content": {"parts": [{"inlineData": {}}]}});
        let error = super::read_embeddings_request(image.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.param(), Some("content.parts[0].text"));
    }

    #[test]
    fn every_request_of_a_batch_names_the_deployments_model() {
        let body = br#"{"model":"alias","requests":[{"model":"models/alias","content":{},"new":1.0}]}"#;
        let expected = r#"{"requests":[{"model":"models/up","content":{},"new":1.0}]}"#;
        assert_eq!(rename_embeddings(body, "up").unwrap(), expected);
    }
}
