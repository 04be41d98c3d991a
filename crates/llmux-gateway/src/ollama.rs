//! What Ollama's clients ask for besides models' work: which models there are, and what they can do.

use bytes::Bytes;
use llmux_core::{Dialect, Error, Result};
use llmux_router::{Listing, Router};
use llmux_wire::json::read::Object;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::catalogue;

/// The release of Ollama whose API is spoken here; clients look at it to know what they may ask.
const VERSION: &str = "0.13.0";
/// Ollama's fields want a time; this is the one that the other lists of models give.
const MODIFIED_AT: &str = "2023-02-28T18:56:42Z";
/// What is said of every model. Whether it really can is for its provider to say.
const CAPABILITIES: [&str; 3] = ["completion", "tools", "vision"];

/// The release.
pub(crate) fn version() -> Bytes {
    json!({ "version": VERSION }).to_string().into()
}

/// The models in memory: none is.
pub(crate) fn running() -> Bytes {
    json!({ "models": [] }).to_string().into()
}

/// All models.
pub(crate) fn tags(router: &Router) -> Bytes {
    let models: Vec<_> = router.models().iter().map(entry).collect();
    json!({ "models": models }).to_string().into()
}

/// One model, which the body names.
///
/// # Errors
/// A 400 when the body names none, a 404 when there is none of that name.
pub(crate) fn show(router: &Router, body: &[u8]) -> Result<Bytes> {
    let mut object = Object::parse(body)?;
    let older = object.string("name")?;
    let name = object.string("model")?.or(older).ok_or_else(|| object.missing("model"))?;
    let known = catalogue::one(router, &name, Dialect::OpenAi)?;
    let known: Value =
        serde_json::from_slice(&known).map_err(|error| Error::invalid("model", error.to_string()))?;
    let family = known.get("owned_by").and_then(Value::as_str).unwrap_or_default();
    Ok(json!({
        "modelfile": "",
        "parameters": "",
        "template": "",
        "details": details(family),
        "model_info": { "general.architecture": family, "general.basename": name },
        "capabilities": CAPABILITIES,
        "modified_at": MODIFIED_AT,
    })
    .to_string()
    .into())
}

fn entry(model: &Listing) -> Value {
    let digest: [u8; 32] = Sha256::digest(&model.name).into();
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "name": model.name,
        "model": model.name,
        "modified_at": MODIFIED_AT,
        "size": 0,
        "digest": digest,
        "details": details(&model.provider),
    })
}

/// Nothing is known of a model's inside; its provider stands for its family.
fn details(family: &str) -> Value {
    json!({
        "parent_model": "",
        "format": "",
        "family": family,
        "families": [family],
        "parameter_size": "",
        "quantization_level": "",
    })
}
