//! Embeddings for clients of OpenAI's dialect: `invoke` with the bodies of the models that Bedrock hosts, by the
//! inference parameters in its user guide.

use bytes::Bytes;
use llmux_core::{Error, ErrorKind, Result, Usage};
use serde_json::{Map, Value, json};

use crate::{json::read::Object, openai::EmbeddingsRequest};

/// Most texts that one request to Cohere's models holds.
pub const MAX_TEXTS: usize = 96;

/// A maker's form of embeddings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Embedder {
    /// Amazon's Titan for texts, version 2.
    Titan2,
    /// Amazon's Titan before that.
    Titan,
    /// Amazon's Titan for texts and images.
    TitanImage,
    /// Amazon's Nova.
    Nova,
    /// Cohere's.
    Cohere,
}

impl Embedder {
    /// The form of a model; `None` when it is not known to make embeddings.
    #[must_use]
    pub fn of(model: &str) -> Option<Self> {
        let named = |part: &str| model.contains(part);
        Some(match () {
            () if named("titan-embed-text-v2") => Self::Titan2,
            () if named("titan-embed-image") => Self::TitanImage,
            () if named("titan-embed") => Self::Titan,
            () if named("cohere.embed") => Self::Cohere,
            () if named("nova") && named("embed") => Self::Nova,
            () => return None,
        })
    }

    /// Writes a request. `body` is the client's: its `input_type`, `truncate` and `normalize`, which OpenAI does not
    /// have, reach the models that know them.
    ///
    /// # Errors
    /// A 400 for more texts than the model takes at once: Amazon's take one.
    pub fn write_request(self, request: &EmbeddingsRequest, body: &[u8]) -> Result<Bytes> {
        let most = if self == Self::Cohere { MAX_TEXTS } else { 1 };
        let text =
            request.inputs.first().ok_or_else(|| Error::invalid("input", "`input` must hold a text"))?;
        if request.inputs.len() > most {
            let message = format!("this model takes {most} text(s) a request, not {}", request.inputs.len());
            return Err(Error::invalid("input", message));
        }
        let mut given = Object::parse(body)?;
        let dimensions = |name: &str| request.dimensions.map(|count| (name.to_owned(), Value::from(count)));
        let mut out = Map::new();
        match self {
            Self::Titan2 | Self::Titan => {
                out.insert("inputText".into(), text.as_str().into());
                out.extend(dimensions("dimensions").filter(|_| self == Self::Titan2));
                out.extend(given.bool("normalize")?.map(|normal| ("normalize".to_owned(), normal.into())));
            }
            Self::TitanImage => {
                out.insert("inputText".into(), text.as_str().into());
                let config = dimensions("outputEmbeddingLength").map(|config| Map::from_iter([config]));
                out.extend(config.map(|config| ("embeddingConfig".to_owned(), config.into())));
            }
            Self::Nova => {
                let text = json!({ "value": text, "truncationMode": "NONE" });
                let mut params = Map::from_iter([("embeddingPurpose".to_owned(), "GENERIC_INDEX".into())]);
                params.extend(dimensions("embeddingDimension"));
                params.insert("text".into(), text);
                out.insert("taskType".into(), "SINGLE_EMBEDDING".into());
                out.insert("singleEmbeddingParams".into(), params.into());
            }
            Self::Cohere => {
                let kind = given.string("input_type")?.unwrap_or_else(|| "search_document".to_owned());
                out.insert("texts".into(), request.inputs.clone().into());
                out.insert("input_type".into(), kind.into());
                out.insert("embedding_types".into(), json!(["float"]));
                let truncate = given.string("truncate")?;
                out.extend(truncate.map(|truncate| ("truncate".to_owned(), truncate.into())));
                out.extend(dimensions("output_dimension"));
            }
        }
        Ok(Value::Object(out).to_string().into())
    }
}

/// Reads the vectors of an answer, whatever its maker, and the usage where the body tells it.
///
/// # Errors
/// [`ErrorKind::BadReply`] when the body holds none.
pub fn read_embeddings(body: &[u8]) -> Result<(Vec<Vec<f32>>, Option<Usage>)> {
    let value: Value = serde_json::from_slice(body).map_err(|error| bad(&error.to_string()))?;
    let embeddings = value.get("embeddings").map(|list| list.get("float").unwrap_or(list));
    let vectors = match (embeddings, value.get("embedding")) {
        (Some(Value::Array(list)), _) => list
            .iter()
            .map(|one| read_vector(one.get("embedding").unwrap_or(one)))
            .collect::<Option<Vec<_>>>(),
        (_, Some(vector)) => read_vector(vector).map(|vector| vec![vector]),
        _ => None,
    };
    let usage = value.get("inputTextTokenCount").and_then(Value::as_u64).map(|tokens| {
        let mut usage = Usage::default();
        usage.input = tokens;
        usage
    });
    vectors.map(|vectors| (vectors, usage)).ok_or_else(|| bad("no vectors"))
}

#[expect(clippy::cast_possible_truncation, reason = "models answer in single precision, written in decimals")]
fn read_vector(value: &Value) -> Option<Vec<f32>> {
    value.as_array()?.iter().map(|number| Some(number.as_f64()? as f32)).collect()
}

fn bad(detail: &str) -> Error {
    Error::upstream(ErrorKind::BadReply, format!("the provider's answer holds no embeddings: {detail}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::read_embeddings_request;

    fn write(model: &str, body: &Value) -> Result<Value> {
        let body = body.to_string();
        let request = read_embeddings_request(body.as_bytes()).unwrap();
        let written = Embedder::of(model).unwrap().write_request(&request, body.as_bytes())?;
        Ok(serde_json::from_slice(&written).unwrap())
    }

    #[test]
    fn each_maker_gets_its_own_form() {
        let one = json!({"model": "m", "input": "hi", "dimensions": 256, "normalize": true});
        let titan = json!({"inputText": "hi", "dimensions": 256, "normalize": true});
        assert_eq!(write("amazon.titan-embed-text-v2:0", &one).unwrap(), titan);
        let image = write("amazon.titan-embed-image-v1", &one).unwrap();
        assert_eq!(image["embeddingConfig"], json!({"outputEmbeddingLength": 256}));
        let nova = write("amazon.nova-2-multimodal-embeddings-v1:0", &one).unwrap();
        assert_eq!(nova["singleEmbeddingParams"]["text"]["value"], "hi");
        let two = json!({"model": "m", "input": ["a", "b"], "input_type": "search_query"});
        let cohere = write("us.cohere.embed-v4:0", &two).unwrap();
        assert_eq!((&cohere["texts"], &cohere["input_type"]), (&json!(["a", "b"]), &json!("search_query")));
        assert_eq!(write("amazon.titan-embed-text-v1", &two).unwrap_err().param(), Some("input"));
        assert_eq!(Embedder::of("anthropic.claude-x"), None);
    }

    #[test]
    fn vectors_are_read_from_every_form() {
        let bodies = [
            json!({"embedding": [0.5, 1], "inputTextTokenCount": 2}),
            json!({"embeddings": [[0.5, 1]]}),
            json!({"embeddings": {"float": [[0.5, 1]]}}),
            json!({"embeddings": [{"embeddingType": "TEXT", "embedding": [0.5, 1]}]}),
        ];
        for body in bodies {
            assert_eq!(read_embeddings(body.to_string().as_bytes()).unwrap().0, [[0.5, 1.0]], "{body}");
        }
        assert!(read_embeddings(b"{\"embeddings\": 1}").is_err());
    }
}
