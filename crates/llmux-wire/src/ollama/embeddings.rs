//! Texts to vectors: `/api/embed`, and for clients the older `/api/embeddings`.

use bytes::Bytes;
use llmux_core::{Error, ErrorKind, Result, Usage};
use serde_json::{Map, Value, json};

use super::usage::{put_usage, read_usage};
use crate::{
    json::read::{Item, Object},
    openai::EmbeddingsRequest,
};

/// Writes a request, from one of another dialect. Ollama's own fields, such as `truncate`, go along.
///
/// # Errors
/// A 400 for inputs of token ids, which Ollama does not take.
pub fn write_embeddings_request(request: &EmbeddingsRequest, model: &str) -> Result<Bytes> {
    if request.has_tokens {
        return Err(Error::unsupported("input", "Ollama embeds texts, not token ids"));
    }
    let mut out = Map::new();
    out.insert("model".into(), model.into());
    out.insert("input".into(), request.inputs.clone().into());
    out.extend(request.dimensions.map(|count| ("dimensions".to_owned(), count.into())));
    let own = request.extra.iter().filter(|(name, _)| name.as_str() != "user");
    out.extend(own.map(|(name, value)| (name.clone(), value.clone())));
    Ok(Value::Object(out).to_string().into())
}

/// Reads a request of a client for another provider. The older form stays in
/// [`extra`](EmbeddingsRequest::extra) as `prompt`: its answer has another form too.
///
/// # Errors
/// A 400 that names the field with a wrong type, or the one that is missing.
pub fn read_embeddings_request(body: &[u8]) -> Result<EmbeddingsRequest> {
    let mut object = Object::parse(body)?;
    let mut request = EmbeddingsRequest::new(object.need_string("model")?, Vec::new());
    request.dimensions = object.count("dimensions")?;
    match object.take("input") {
        Some(Item { value: Value::String(text), .. }) => request.inputs.push(text),
        Some(list) => {
            request.inputs = list.list()?.into_iter().map(Item::string).collect::<Result<_>>()?;
        }
        None => {
            let prompt = object.string("prompt")?.ok_or_else(|| object.missing("input"))?;
            request.extra.insert("prompt".into(), prompt.as_str().into());
            request.inputs.push(prompt);
        }
    }
    Ok(request)
}

/// Reads the vectors of an answer, and the tokens they took.
///
/// # Errors
/// [`ErrorKind::BadReply`] when the body holds none.
pub fn read_embeddings(body: &[u8]) -> Result<(Vec<Vec<f32>>, Option<Usage>)> {
    #[derive(serde::Deserialize)]
    struct Answer {
        embeddings: Vec<Vec<f32>>,
        prompt_eval_count: Option<u64>,
    }
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        Error::upstream(ErrorKind::BadReply, format!("the provider's answer holds no embeddings: {error}"))
    })?;
    let usage = answer.prompt_eval_count.map(|count| read_usage(&json!({ "prompt_eval_count": count })));
    Ok((answer.embeddings, usage))
}

/// Writes an answer to `request`.
#[must_use]
pub fn write_embeddings(
    request: &EmbeddingsRequest,
    model: &str,
    vectors: &[Vec<f32>],
    usage: &Usage,
) -> Bytes {
    if request.extra.contains_key("prompt") {
        return json!({ "embedding": vectors.first() }).to_string().into();
    }
    let mut out = Map::new();
    out.insert("model".into(), model.into());
    out.insert("embeddings".into(), json!(vectors));
    put_usage(usage, &mut out);
    out.shift_remove("eval_count");
    Value::Object(out).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai;

    #[test]
    fn a_request_keeps_ollamas_fields() {
        let body = br#"{"model":"m","input":"a","dimensions":9,"truncate":true,"user":"u"}"#;
        let request = openai::read_embeddings_request(body).unwrap();
        let written: Value =
            serde_json::from_slice(&write_embeddings_request(&request, "n").unwrap()).unwrap();
        assert_eq!(written, json!({"model": "n", "input": ["a"], "dimensions": 9, "truncate": true}));
        let tokens = openai::read_embeddings_request(br#"{"model":"m","input":[1]}"#).unwrap();
        assert_eq!(write_embeddings_request(&tokens, "n").unwrap_err().param(), Some("input"));
    }

    #[test]
    fn both_forms_are_answered_in_kind() {
        let vectors = [vec![0.5, 1.0]];
        let mut usage = Usage::default();
        usage.input = 2;
        let newer = read_embeddings_request(br#"{"model":"m","input":["a"]}"#).unwrap();
        let answer = write_embeddings(&newer, "m", &vectors, &usage);
        assert_eq!(read_embeddings(&answer).unwrap(), (vectors.to_vec(), Some(usage)));
        let older = read_embeddings_request(br#"{"model":"m","prompt":"a"}"#).unwrap();
        assert_eq!(older.inputs, ["a"]);
        assert_eq!(write_embeddings(&older, "m", &vectors, &usage), r#"{"embedding":[0.5,1.0]}"#);
    }
}
