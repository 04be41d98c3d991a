//! Fields of a request without neutral form, for a provider.

use llmux_core::{Dialect, Result};
use serde_json::{Map, Value};

use super::{model::Family, request_read::check_fields};
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
/// client's dialect to those of the model, as LiteLLM does it. Those that have this dialect's names must have its types.
pub(super) fn write_extra(
    request: &ChatRequest,
    model: &str,
    additional: &mut Map<String, Value>,
    out: &mut Map<String, Value>,
    fit: &mut Fit<'_>,
) -> Result<()> {
    let foreign = if request.source == Dialect::OpenAiResponses { RESPONSES_ONLY } else { &[] };
    if request.source != Dialect::BedrockConverse {
        let own = request.extra.iter().filter(|(name, _)| OWN.contains(&name.as_str()));
        check_fields(own.map(|(name, value)| (name.clone(), value.clone())).collect())?;
    }
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

#[cfg(test)]
mod tests {
    use llmux_core::{Error, Shaping};
    use serde_json::json;

    use super::*;
    use crate::{anthropic, bedrock, openai};

    fn written(extra: &Value) -> Result<Value> {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let request = openai::read_request(body.to_string().as_bytes())?;
        let shaping = Shaping::default();
        let written = bedrock::write_request(&request, "m", &mut Fit::new("Bedrock", &shaping))?;
        Ok(serde_json::from_slice(&written).unwrap())
    }

    #[test]
    fn converses_own_fields_stay_at_the_top_and_unknown_ones_go_to_the_model() {
        let guardrail = json!({"guardrailIdentifier": "g", "guardrailVersion": "1"});
        let given = json!({"guardrailConfig": guardrail, "additionalModelRequestFields": {"a": 1}, "b": 2});
        let body = written(&given).unwrap();
        assert_eq!(body["guardrailConfig"], guardrail);
        assert_eq!(body["additionalModelRequestFields"], json!({"a": 1, "b": 2}));
        let wrong = written(&json!({"additionalModelRequestFields": 3})).unwrap_err();
        assert_eq!(wrong.param(), Some("additionalModelRequestFields"));
        assert_eq!(written(&json!({"verbosity": "low"})).unwrap_err().param(), Some("verbosity"));
    }

    /// What becomes of a Converse client's field at other providers: the body and what was left out.
    fn elsewhere(extra: &Value) -> [std::result::Result<(Value, Vec<String>), Error>; 2] {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": [{"text": "hi"}]}]});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let request = bedrock::read_request(body.to_string().as_bytes()).unwrap();
        [openai::write_request, anthropic::write_request].map(|write| {
            let shaping = Shaping::default();
            let mut fit = Fit::new("another provider", &shaping);
            let body = write(&request, "m", &mut fit)?;
            Ok((serde_json::from_slice(&body).unwrap(), fit.into_dropped()))
        })
    }

    #[test]
    fn a_guardrail_is_never_left_out_in_silence_and_hints_are() {
        for refused in elsewhere(&json!({"guardrailConfig": {"guardrailIdentifier": "g"}})) {
            assert_eq!(refused.unwrap_err().param(), Some("guardrailConfig"));
        }
        for written in elsewhere(&json!({"performanceConfig": {"latency": "optimized"}})) {
            assert_eq!(written.unwrap().1, ["performanceConfig"]);
        }
        let [openai, anthropic] = elsewhere(&json!({"additionalModelRequestFields": {"container": "c"}}));
        assert_eq!(openai.unwrap_err().param(), Some("additionalModelRequestFields"));
        assert_eq!(anthropic.unwrap().0["container"], "c");
    }
}
