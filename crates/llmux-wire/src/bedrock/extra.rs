//! Fields of a request without neutral form, for a provider.

use llmux_core::{Dialect, Result};
use serde_json::{Map, Value};

use super::model::Family;
use crate::{
    chat::{ChatRequest, Fit, is_closed},
    responses::RESPONSES_ONLY,
};

/// Fields of Converse itself that clients of other dialects write as they are.
const OWN: [&str; 8] = [
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
    "guardrailConfig",
    "outputConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "serviceTier",
];
/// Parameters of other dialects that change nothing about the answer: they are left out and reported.
const HINTS: [&str; 6] = [
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "store",
    "stream_options",
];
/// Parameters of other dialects that ask for something Converse does not have.
const WITHOUT_FORM: [&str; 8] = [
    "audio",
    "container",
    "function_call",
    "functions",
    "inference_geo",
    "mcp_servers",
    "moderation",
    "verbosity",
];
/// Fields that other parts of the writer have dealt with.
const DONE: [&str; 1] = ["web_search_options"];

/// Adds the fields without neutral form: those of Converse's own where they belong, and what is no parameter of the
/// client's dialect to those of the model, as LiteLLM does it.
pub(super) fn write_extra(
    request: &ChatRequest,
    model: &str,
    additional: &mut Map<String, Value>,
    out: &mut Map<String, Value>,
    fit: &mut Fit<'_>,
) -> Result<()> {
    let foreign = if request.source == Dialect::OpenAiResponses { RESPONSES_ONLY } else { &[] };
    let has_own_words = request.source != Dialect::BedrockConverse && is_closed(request.source);
    for (name, value) in &request.extra {
        let is = |names: &[&str]| names.contains(&name.as_str());
        if is(&OWN) {
            match (name.as_str(), value) {
                ("additionalModelRequestFields", Value::Object(fields)) => merge(fields, additional),
                _ => merge(&Map::from_iter([(name.clone(), value.clone())]), out),
            }
        } else if has_own_words && !fit.allows(name) {
            fit.foreign(request.source, name)?;
        } else if is(&DONE) || is_text_only(name, value) || (name == "thinking" && is_claude(model)) {
        } else if is(&HINTS) && !fit.allows(name) {
            fit.drop(name);
        } else if (is(&WITHOUT_FORM) || is(foreign) || name == "modalities" || name == "thinking")
            && !fit.allows(name)
        {
            fit.refuse(name)?;
        } else {
            additional.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    Ok(())
}

fn is_claude(model: &str) -> bool {
    Family::of(model) == Family::Claude
}

/// Text is all that Converse answers.
fn is_text_only(name: &str, value: &Value) -> bool {
    name == "modalities" && value.as_array().is_some_and(|list| list.iter().all(|one| one == "text"))
}

/// What the client wrote itself joins what was written for it.
fn merge(fields: &Map<String, Value>, out: &mut Map<String, Value>) {
    for (name, value) in fields {
        match (out.get_mut(name), value) {
            (Some(Value::Object(written)), Value::Object(more)) => written.extend(more.clone()),
            (_, value) => _ = out.insert(name.clone(), value.clone()),
        }
    }
}
