//! Google's embedding models on Vertex AI, for clients of OpenAI's dialect: `predict`.

use bytes::Bytes;
use llmux_core::{Call, Error, ErrorKind, Exchange, Outgoing, Result, Usage};
use llmux_wire::{convert::Converted, openai};
use serde_json::{Map, Value};

use super::place::bad_name;
use crate::gemini::Gemini;

/// Makes a call ready that goes to `url`.
pub(super) fn prepare(gemini: &Gemini, call: &Call<'_>, url: &str) -> Result<Exchange> {
    let request = openai::read_embeddings_request(call.body)?;
    let uri = url.parse().map_err(|_| bad_name())?;
    let outgoing = Outgoing::Send(gemini.post(&uri, write(call, &request)));
    let (name, base64) = (call.model.to_owned(), request.base64);
    let reply = Converted::new(move |body| {
        let (vectors, usage) = read(body)?;
        Ok((openai::write_embeddings(&name, &vectors, base64, &usage), Some(usage)))
    });
    Ok(Exchange::new(outgoing, Box::new(reply), false))
}

/// Google's own parameters go on under LiteLLM's names for them.
fn write(call: &Call<'_>, request: &openai::EmbeddingsRequest) -> Bytes {
    let own = |name: &str| -> Option<Value> {
        call.envelope.get(call.body, name).and_then(|raw| serde_json::from_slice(raw).ok())
    };
    let about: Vec<(&str, Value)> = ["task_type", "title"]
        .into_iter()
        .filter_map(|name| Some((name, own(name).filter(Value::is_string)?)))
        .collect();
    let instance = |text: &String| {
        let mut instance = Map::from_iter([("content".to_owned(), text.as_str().into())]);
        instance.extend(about.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Value::Object(instance)
    };
    let mut body = Map::new();
    body.insert("instances".to_owned(), request.inputs.iter().map(instance).collect());
    let mut parameters = Map::new();
    parameters.extend(request.dimensions.map(|count| ("outputDimensionality".to_owned(), count.into())));
    parameters.extend(own("auto_truncate").map(|flag| ("autoTruncate".to_owned(), flag)));
    if !parameters.is_empty() {
        body.insert("parameters".to_owned(), Value::Object(parameters));
    }
    Value::Object(body).to_string().into()
}

/// The vectors, and the tokens of all of them.
fn read(body: &[u8]) -> Result<(Vec<Vec<f32>>, Usage)> {
    #[derive(serde::Deserialize)]
    struct Answer {
        predictions: Vec<Prediction>,
    }
    #[derive(serde::Deserialize)]
    struct Prediction {
        embeddings: Embeddings,
    }
    #[derive(serde::Deserialize)]
    struct Embeddings {
        values: Vec<f32>,
        #[serde(default)]
        statistics: Statistics,
    }
    #[derive(Default, serde::Deserialize)]
    struct Statistics {
        #[serde(default)]
        token_count: f64,
    }
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        Error::upstream(ErrorKind::BadReply, format!("the provider's answer holds no embeddings: {error}"))
    })?;
    let counts = answer.predictions.iter().map(|prediction| prediction.embeddings.statistics.token_count);
    let mut usage = Usage::default();
    usage.input = counts.sum::<f64>().max(0.0) as u64;
    Ok((answer.predictions.into_iter().map(|prediction| prediction.embeddings.values).collect(), usage))
}
