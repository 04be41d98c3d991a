//! `generationConfig`: how the answer is sampled, in which form, and after how much thought.

use llmux_core::{Dialect, Result};
use serde_json::{Map, Value};

use super::{
    object::open,
    schema::{clean, from_google},
    thinking::{read_thinking, write_thinking},
};
use crate::{
    chat::{ChatRequest, Fit, ResponseFormat},
    json::read::{Item, Object},
};

/// The media type of an answer in JSON.
const JSON: &str = "application/json";

/// Reads the object into a request. What has no neutral form is kept under its own name.
pub(super) fn read_generation(item: Item, request: &mut ChatRequest) -> Result<()> {
    let mut config = open(item)?;
    let sampling = &mut request.sampling;
    sampling.max_tokens = config.count("maxOutputTokens")?;
    sampling.temperature = config.number("temperature")?;
    sampling.top_p = config.number("topP")?;
    sampling.top_k = config.count("topK")?;
    sampling.stop = config.list("stopSequences")?.into_iter().map(Item::string).collect::<Result<_>>()?;
    sampling.n = config.count("candidateCount")?;
    sampling.seed = config.number("seed")?;
    sampling.presence_penalty = config.number("presencePenalty")?;
    sampling.frequency_penalty = config.number("frequencyPenalty")?;
    sampling.logprobs = config.bool("responseLogprobs")?;
    sampling.top_logprobs = config.count("logprobs")?;
    request.format = read_format(&mut config)?;
    if config.peek("responseModalities").is_some_and(is_text_only) {
        config.take("responseModalities");
    }
    request.reasoning = config.take("thinkingConfig").map(read_thinking).transpose()?.flatten();
    let rest = config.rest();
    if !rest.is_empty() {
        request.extra.insert("generationConfig".into(), rest.into());
    }
    Ok(())
}

fn read_format(config: &mut Object) -> Result<Option<ResponseFormat>> {
    let mime = config.peek("responseMimeType").and_then(Value::as_str);
    if !mime.is_none_or(|mime| mime == JSON || mime == "text/plain") {
        return Ok(None);
    }
    let is_json = config.string("responseMimeType")?.is_some_and(|mime| mime == JSON);
    let google = config.take("responseSchema").map(|item| {
        let mut schema = item.value;
        from_google(&mut schema);
        schema
    });
    let schema = config.take("responseJsonSchema").map(|item| item.value).or(google);
    Ok(match schema {
        Some(schema) => {
            Some(ResponseFormat::JsonSchema { name: None, description: None, schema, strict: Some(true) })
        }
        None => is_json.then_some(ResponseFormat::JsonObject),
    })
}

/// Whether only text is asked for, which is what every answer is.
pub(super) fn is_text_only(modalities: &Value) -> bool {
    let is_text = |one: &Value| one.as_str().is_some_and(|word| word.eq_ignore_ascii_case("text"));
    modalities.as_array().is_some_and(|list| list.iter().all(is_text))
}

/// Writes the object for `model`.
pub(super) fn write_generation(
    request: &ChatRequest,
    model: &str,
    fit: &mut Fit<'_>,
) -> Result<Map<String, Value>> {
    let sampling = &request.sampling;
    let number = |value: &Option<serde_json::Number>| value.clone().map(Value::Number);
    if sampling.logit_bias.as_ref().is_some_and(|bias| bias.as_object().is_none_or(|bias| !bias.is_empty())) {
        fit.refuse("logit_bias")?;
    }
    let logprobs = sampling.logprobs.filter(|wanted| *wanted);
    let fields = [
        ("maxOutputTokens", sampling.max_tokens.map(Value::from)),
        ("temperature", number(&sampling.temperature)),
        ("topP", number(&sampling.top_p)),
        ("topK", sampling.top_k.map(Value::from)),
        (
            "stopSequences",
            Some(&sampling.stop).filter(|stop| !stop.is_empty()).map(|stop| stop.clone().into()),
        ),
        ("candidateCount", sampling.n.filter(|n| *n > 1).map(Value::from)),
        ("seed", number(&sampling.seed)),
        ("presencePenalty", number(&sampling.presence_penalty)),
        ("frequencyPenalty", number(&sampling.frequency_penalty)),
        ("responseLogprobs", logprobs.map(Value::from)),
        ("logprobs", logprobs.and(sampling.top_logprobs).filter(|count| *count > 0).map(Value::from)),
        ("thinkingConfig", write_thinking(request, model, fit)?),
        ("responseModalities", modalities(request)),
    ];
    let mut out: Map<_, _> =
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    write_format(request, &mut out);
    Ok(out)
}

fn write_format(request: &ChatRequest, out: &mut Map<String, Value>) {
    match &request.format {
        None | Some(ResponseFormat::Text) => {}
        Some(ResponseFormat::JsonObject) => _ = out.insert("responseMimeType".into(), JSON.into()),
        Some(ResponseFormat::JsonSchema { schema, .. }) => {
            let mut schema = schema.clone();
            clean(&mut schema);
            out.insert("responseMimeType".into(), JSON.into());
            out.insert("responseJsonSchema".into(), schema);
        }
    }
}

/// OpenAI's `modalities` in Gemini's words, where there is more than text.
fn modalities(request: &ChatRequest) -> Option<Value> {
    let wanted = request.extra.get("modalities").filter(|_| request.source == Dialect::OpenAi)?;
    let words = wanted.as_array().filter(|_| !is_text_only(wanted))?;
    Some(words.iter().filter_map(|word| Some(Value::from(word.as_str()?.to_ascii_uppercase()))).collect())
}
