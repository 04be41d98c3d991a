//! Embeddings for clients of OpenAI's dialect: `batchEmbedContents`.

use bytes::Bytes;
use llmux_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use crate::openai::EmbeddingsRequest;

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
}
