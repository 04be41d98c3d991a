//! Texts to vectors: `/v2/embed`.

use base64::Engine as _;
use bytes::Bytes;
use llmux_core::{Error, ErrorKind, Result, Usage};
use serde_json::{Map, Value, json};

use super::usage::read_usage;
use crate::{
    json::read::{Item, Object},
    openai::EmbeddingsRequest,
};

/// What texts are embedded for, unless the client says: LiteLLM's default.
const INPUT_TYPE: &str = "search_document";

/// Writes a request, from one of another dialect. Its own fields, such as `input_type`, go along.
///
/// # Errors
/// A 400 for inputs of token ids, which Cohere does not take.
pub fn write_embeddings_request(request: &EmbeddingsRequest, model: &str) -> Result<Bytes> {
    if request.has_tokens {
        return Err(Error::unsupported("input", "Cohere embeds texts, not token ids"));
    }
    let mut out = Map::new();
    out.insert("model".into(), model.into());
    let images =
        !request.inputs.is_empty() && request.inputs.iter().all(|input| input.starts_with("data:image/"));
    out.insert(if images { "images" } else { "texts" }.into(), request.inputs.clone().into());
    out.insert("input_type".into(), if images { "image" } else { INPUT_TYPE }.into());
    out.insert("embedding_types".into(), json!(["float"]));
    out.extend(request.dimensions.map(|count| ("output_dimension".to_owned(), count.into())));
    let own = request.extra.iter().filter(|(name, _)| !["user", "embedding_types"].contains(&name.as_str()));
    out.extend(own.map(|(name, value)| (name.clone(), value.clone())));
    Ok(Value::Object(out).to_string().into())
}

/// Reads a request of a client for another provider: texts only, as numbers or base64.
///
/// # Errors
/// A 400 that names the field with a wrong type, or one that other providers cannot serve.
pub fn read_embeddings_request(body: &[u8]) -> Result<EmbeddingsRequest> {
    let mut object = Object::parse(body)?;
    let mut request = EmbeddingsRequest::new(object.need_string("model")?, Vec::new());
    if object.peek("images").is_some() {
        return Err(Error::unsupported("images", "`images` can be embedded by Cohere only"));
    }
    for item in object.list("texts")? {
        request.inputs.push(item.string()?);
    }
    for item in object.list("inputs")? {
        request.inputs.push(read_input(item)?);
    }
    if request.inputs.is_empty() {
        return Err(object.missing("texts"));
    }
    let types = object.list("embedding_types")?.into_iter().map(Item::string).collect::<Result<Vec<_>>>()?;
    if let Some(other) = types.iter().find(|kind| !["float", "base64"].contains(&kind.as_str())) {
        let message = format!("vectors of the type {other} come from Cohere only");
        return Err(Error::unsupported("embedding_types", message));
    }
    request.base64 = types.iter().any(|kind| kind == "base64");
    request.dimensions = object.count("output_dimension")?;
    Ok(request)
}

/// One of `inputs`: a list of contents, of which texts are understood.
fn read_input(item: Item) -> Result<String> {
    let contents = item.object()?.need("content")?.list()?;
    let texts = contents.into_iter().map(|content| content.object()?.need_string("text"));
    texts.collect::<Result<Vec<_>>>().map(|texts| texts.join("\n"))
}

/// Reads the vectors of an answer, and what they cost where it says so.
///
/// # Errors
/// [`ErrorKind::BadReply`] when the body holds none.
pub fn read_embeddings(body: &[u8]) -> Result<(Vec<Vec<f32>>, Option<Usage>)> {
    #[derive(serde::Deserialize)]
    struct Answer {
        embeddings: Vectors,
        #[serde(default)]
        meta: Value,
    }
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Vectors {
        ByType { float: Vec<Vec<f32>> },
        Plain(Vec<Vec<f32>>),
    }
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        Error::upstream(ErrorKind::BadReply, format!("the provider's answer holds no embeddings: {error}"))
    })?;
    let (Vectors::ByType { float: vectors } | Vectors::Plain(vectors)) = answer.embeddings;
    Ok((vectors, answer.meta.is_object().then(|| read_usage(&answer.meta))))
}

/// Writes an answer to `request`. `created` (seconds since 1970) makes its identifier.
#[must_use]
pub fn write_embeddings(
    request: &EmbeddingsRequest,
    vectors: &[Vec<f32>],
    usage: &Usage,
    created: u64,
) -> Bytes {
    let embeddings = if request.base64 {
        json!({ "base64": vectors.iter().map(|vector| encode(vector)).collect::<Vec<_>>() })
    } else {
        json!({ "float": vectors })
    };
    json!({
        "id": format!("embed-{created}"),
        "embeddings": embeddings,
        "texts": request.inputs,
        "meta": {
            "api_version": { "version": "2" },
            "billed_units": { "input_tokens": usage.prompt_total() },
        },
        "response_type": "embeddings_by_type",
    })
    .to_string()
    .into()
}

/// Base64 of little-endian 32-bit floats.
fn encode(vector: &[f32]) -> String {
    let bytes: Vec<_> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai;

    fn written(body: &Value) -> Value {
        let request = openai::read_embeddings_request(body.to_string().as_bytes()).unwrap();
        serde_json::from_slice(&write_embeddings_request(&request, "embed-v4.0").unwrap()).unwrap()
    }

    #[test]
    fn a_request_gets_coheres_names_and_keeps_its_own_fields() {
        let body = json!({"model": "m", "input": ["a"], "dimensions": 256, "input_type": "search_query",
            "truncate": "NONE", "user": "u", "encoding_format": "base64"});
        let expected = json!({"model": "embed-v4.0", "texts": ["a"], "input_type": "search_query",
            "embedding_types": ["float"], "output_dimension": 256, "truncate": "NONE"});
        assert_eq!(written(&body), expected);
        let image = "data:image/png;base64,AA==";
        let body = written(&json!({"model": "m", "input": image}));
        assert_eq!((&body["images"], &body["input_type"]), (&json!([image]), &json!("image")));
    }

    #[test]
    fn token_ids_are_refused() {
        let request = openai::read_embeddings_request(br#"{"model":"m","input":[1,2]}"#).unwrap();
        assert_eq!(write_embeddings_request(&request, "m").unwrap_err().param(), Some("input"));
    }

    #[test]
    fn vectors_are_read_and_written() {
        let request = json!({"model": "m", "texts": ["a"], "embedding_types": ["float"]}).to_string();
        let request = read_embeddings_request(request.as_bytes()).unwrap();
        let mut usage = Usage::default();
        usage.input = 5;
        let answer = write_embeddings(&request, &[vec![0.5, 1.0]], &usage, 9);
        let (vectors, read) = read_embeddings(&answer).unwrap();
        assert_eq!((vectors, read.unwrap().input), (vec![vec![0.5, 1.0]], 5));
        let plain = read_embeddings(br#"{"embeddings": [[0.5]]}"#).unwrap();
        assert_eq!(plain, (vec![vec![0.5]], None));
    }

    #[test]
    fn what_only_cohere_can_do_is_refused_by_name() {
        for (field, value) in [("images", json!(["x"])), ("embedding_types", json!(["int8"]))] {
            let mut body = json!({"model": "m", "texts": ["a"]});
            body[field] = value;
            let error = read_embeddings_request(body.to_string().as_bytes()).unwrap_err();
            assert_eq!(error.param(), Some(field));
        }
    }
}
