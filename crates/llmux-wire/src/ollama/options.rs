//! `options`: how the answer is sampled, and how the model is run.

use llmux_core::Result;
use serde_json::{Map, Value};

use crate::{
    chat::{ChatRequest, Fit},
    json::read::{Item, Object},
};

/// Options of Ollama's that have no neutral form, by its reference: LiteLLM's users write them beside the others.
const OWN: [&str; 24] = [
    "f16_kv",
    "logits_all",
    "low_vram",
    "main_gpu",
    "min_p",
    "mirostat",
    "mirostat_eta",
    "mirostat_tau",
    "num_batch",
    "num_ctx",
    "num_gpu",
    "num_keep",
    "num_predict",
    "num_thread",
    "numa",
    "penalize_newline",
    "repeat_last_n",
    "repeat_penalty",
    "tfs_z",
    "typical_p",
    "use_mlock",
    "use_mmap",
    "vocab_only",
    "embedding_only",
];

/// Reads the object into a request. What has no neutral form is kept under its own name.
pub(super) fn read_options(object: &mut Object, request: &mut ChatRequest) -> Result<()> {
    let sampling = &mut request.sampling;
    sampling.logprobs = object.bool("logprobs")?;
    sampling.top_logprobs = object.count("top_logprobs")?;
    let Some(mut options) = object.object("options")? else { return Ok(()) };
    // Negative numbers ask for no bound, or for as much as fits.
    let limit = options.number("num_predict")?;
    sampling.max_tokens =
        limit.and_then(|limit| limit.as_f64()).filter(|limit| *limit > 0.0).map(|n| n as u64);
    sampling.temperature = options.number("temperature")?;
    sampling.top_p = options.number("top_p")?;
    sampling.top_k = options.count("top_k")?;
    sampling.frequency_penalty = options.number("frequency_penalty")?;
    sampling.presence_penalty = options.number("presence_penalty")?;
    sampling.seed = options.number("seed")?;
    sampling.stop = match options.take("stop") {
        Some(Item { value: Value::String(text), .. }) => vec![text],
        Some(list) => list.list()?.into_iter().map(Item::string).collect::<Result<_>>()?,
        None => Vec::new(),
    };
    let rest = options.rest();
    if !rest.is_empty() {
        request.extra.insert("options".into(), rest.into());
    }
    Ok(())
}

/// Adds the object, and what stands beside it.
pub(super) fn write_options(
    request: &ChatRequest,
    out: &mut Map<String, Value>,
    fit: &mut Fit<'_>,
) -> Result<()> {
    let sampling = &request.sampling;
    let number = |value: &Option<serde_json::Number>| value.clone().map(Value::Number);
    let stop = Some(&sampling.stop).filter(|stop| !stop.is_empty());
    let fields = [
        ("num_predict", sampling.max_tokens.map(Value::from)),
        ("temperature", number(&sampling.temperature)),
        ("top_p", number(&sampling.top_p)),
        ("top_k", sampling.top_k.map(Value::from)),
        ("frequency_penalty", number(&sampling.frequency_penalty)),
        ("presence_penalty", number(&sampling.presence_penalty)),
        ("seed", number(&sampling.seed)),
        ("stop", stop.map(|stop| stop.clone().into())),
    ];
    let mut options: Map<_, _> =
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let given = request.extra.get("options").and_then(Value::as_object);
    let beside = request.extra.iter().filter(|(name, _)| is_option(name));
    for (name, value) in given.into_iter().flatten().chain(beside) {
        options.insert(name.clone(), value.clone());
    }
    if !options.is_empty() {
        out.insert("options".into(), options.into());
    }
    if sampling.logprobs == Some(true) {
        out.insert("logprobs".into(), true.into());
        out.extend(sampling.top_logprobs.map(|count| ("top_logprobs".to_owned(), count.into())));
    }
    let biased =
        sampling.logit_bias.as_ref().is_some_and(|bias| bias.as_object().is_none_or(|bias| !bias.is_empty()));
    for (name, unfit) in [("n", sampling.n.is_some_and(|n| n > 1)), ("logit_bias", biased)] {
        if unfit {
            fit.refuse(name)?;
        }
    }
    Ok(())
}

/// Whether a field is one of Ollama's options.
pub(super) fn is_option(name: &str) -> bool {
    OWN.contains(&name)
}
