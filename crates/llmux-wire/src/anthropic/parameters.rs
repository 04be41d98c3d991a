//! Parameters of a request beside the conversation, for a provider.

use llmux_core::{Dialect, Result};
use serde_json::{Map, Value};

use super::request_read::check_fields;
use crate::{
    chat::{ChatRequest, Fit, is_closed},
    responses::RESPONSES_ONLY,
};

/// OpenAI's parameters that change nothing about the answer: they are left out and reported.
const HINTS: [&str; 6] = [
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "store",
    "stream_options",
];
/// OpenAI's parameters that ask for something the Messages API does not have.
const WITHOUT_FORM: [&str; 6] =
    ["audio", "function_call", "functions", "modalities", "moderation", "verbosity"];
/// Fields that other parts of the writer have dealt with.
const DONE: [&str; 2] = ["thinking", "web_search_options"];

/// Adds the sampling parameters.
pub(super) fn write_sampling(
    request: &ChatRequest,
    out: &mut Map<String, Value>,
    fit: &mut Fit<'_>,
) -> Result<()> {
    let sampling = &request.sampling;
    let number = |value: &Option<serde_json::Number>| value.clone().map(Value::Number);
    let counts = |value: &Value| value.as_f64().is_some_and(|number| number != 0.0);
    let fitting = [
        ("temperature", number(&sampling.temperature)),
        ("top_p", number(&sampling.top_p)),
        ("top_k", sampling.top_k.map(Value::from)),
    ];
    out.extend(fitting.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    // The API refuses stop texts of nothing but white space.
    let stop: Vec<_> = sampling.stop.iter().filter(|text| !text.trim().is_empty()).cloned().collect();
    if stop.len() < sampling.stop.len() {
        fit.drop("stop");
    }
    if !stop.is_empty() {
        out.insert("stop_sequences".into(), stop.into());
    }
    // Values that ask for nothing beyond the default are not worth a refusal.
    let unfit = [
        ("n", sampling.n.filter(|n| *n > 1).map(Value::from)),
        ("logprobs", sampling.logprobs.filter(|wanted| *wanted).map(Value::from)),
        ("top_logprobs", sampling.top_logprobs.filter(|count| *count > 0).map(Value::from)),
        (
            "logit_bias",
            sampling.logit_bias.clone().filter(|bias| bias.as_object().is_none_or(|o| !o.is_empty())),
        ),
        ("frequency_penalty", number(&sampling.frequency_penalty).filter(counts)),
        ("presence_penalty", number(&sampling.presence_penalty).filter(counts)),
        ("seed", number(&sampling.seed)),
    ];
    for (name, value) in unfit {
        if let Some(value) = value {
            refuse(name, value, out, fit)?;
        }
    }
    Ok(())
}

/// Adds who the user is. OpenAI's labels have no place in Anthropic's `metadata`, which holds `user_id` only.
pub(super) fn write_metadata(request: &ChatRequest, out: &mut Map<String, Value>, fit: &mut Fit<'_>) {
    let native = request.source == Dialect::Anthropic;
    let mut metadata = request.metadata.clone().unwrap_or_default();
    let labelled = metadata.shift_remove("user_id").as_ref().and_then(Value::as_str).map(str::to_owned);
    let user = request.user.clone().or(labelled);
    // The API asks for an opaque identifier and refuses what names a person.
    let (user, named) = match user {
        Some(user) if !native && user.contains('@') => (None, true),
        user => (user, false),
    };
    if named {
        fit.drop("user");
    }
    if !native && !metadata.is_empty() {
        fit.drop("metadata");
        metadata.clear();
    }
    metadata.extend(user.map(|user| ("user_id".to_owned(), user.into())));
    if !metadata.is_empty() {
        out.insert("metadata".into(), metadata.into());
    }
}

/// Adds the service class. Anthropic knows `auto`, which uses what the account has, and `standard_only`.
pub(super) fn write_tier(
    request: &ChatRequest,
    out: &mut Map<String, Value>,
    fit: &mut Fit<'_>,
) -> Result<()> {
    let Some(tier) = request.service_tier.as_deref() else { return Ok(()) };
    let tier = match tier {
        _ if request.source == Dialect::Anthropic => tier,
        "auto" | "priority" => "auto",
        "default" | "standard_only" => "standard_only",
        _ => return refuse("service_tier", tier.into(), out, fit),
    };
    out.insert("service_tier".into(), tier.into());
    Ok(())
}

/// Adds the fields without neutral form. Fields of an OpenAI client that are no parameters of OpenAI's are meant
/// for Anthropic and pass as they are, if they have Anthropic's types.
pub(super) fn write_extra(
    request: &ChatRequest,
    out: &mut Map<String, Value>,
    fit: &mut Fit<'_>,
) -> Result<()> {
    let native = request.source == Dialect::Anthropic;
    let foreign = if request.source == Dialect::OpenAiResponses { RESPONSES_ONLY } else { &[] };
    let mut passed = Map::new();
    for (name, value) in &request.extra {
        if let ("additionalModelRequestFields", Value::Object(fields)) = (name.as_str(), value) {
            // Converse's clients write Anthropic's own fields there; previews are asked for in a header here.
            let fields = fields.iter().filter(|(name, _)| *name != "anthropic_beta");
            passed.extend(fields.map(|(name, value)| (name.clone(), value.clone())));
            continue;
        }
        if is_closed(request.source) && !fit.allows(name) {
            fit.foreign(request.source, name)?;
            continue;
        }
        if !native {
            if DONE.contains(&name.as_str()) || is_text_only(name, value) {
                continue;
            }
            if HINTS.contains(&name.as_str()) && !fit.allows(name) {
                fit.drop(name);
                continue;
            }
            if WITHOUT_FORM.contains(&name.as_str()) || foreign.contains(&name.as_str()) {
                refuse(name, value.clone(), out, fit)?;
                continue;
            }
        }
        passed.insert(name.clone(), value.clone());
    }
    if !native {
        check_fields(passed.clone())?;
    }
    for (name, value) in passed {
        match (out.get_mut(&name), value) {
            (Some(Value::Object(written)), Value::Object(more)) => written.extend(more),
            (Some(_), _) => {}
            (None, value) => _ = out.insert(name, value),
        }
    }
    Ok(())
}

/// Text is all that the Messages API answers.
fn is_text_only(name: &str, value: &Value) -> bool {
    name == "modalities" && value.as_array().is_some_and(|list| list.iter().all(|one| one == "text"))
}

/// Passes a parameter that does not fit if the deployment's settings say so; else it is dropped or refused.
fn refuse(name: &str, value: Value, out: &mut Map<String, Value>, fit: &mut Fit<'_>) -> Result<()> {
    if fit.allows(name) {
        out.insert(name.to_owned(), value);
        return Ok(());
    }
    fit.refuse(name)
}

#[cfg(test)]
mod tests {
    use llmux_core::Shaping;
    use serde_json::json;

    use super::*;

    type Written = Result<(Value, Vec<String>)>;

    fn write(request: &ChatRequest, shaping: &Shaping) -> Written {
        let (mut out, mut fit) = (Map::new(), Fit::new("anthropic", shaping));
        write_sampling(request, &mut out, &mut fit)?;
        write_metadata(request, &mut out, &mut fit);
        write_tier(request, &mut out, &mut fit)?;
        write_extra(request, &mut out, &mut fit)?;
        Ok((out.into(), fit.into_dropped()))
    }

    fn openai() -> ChatRequest {
        ChatRequest::new(Dialect::OpenAi, "m")
    }

    #[test]
    fn what_has_no_form_is_refused_dropped_or_passed_by_the_settings() {
        let mut request = openai();
        request.sampling.n = Some(2);
        assert_eq!(write(&request, &Shaping::default()).unwrap_err().param(), Some("n"));
        let mut dropping = Shaping::default();
        dropping.drop_params = true;
        assert_eq!(write(&request, &dropping).unwrap(), (json!({}), vec!["n".to_owned()]));
        let mut allowing = Shaping::default();
        allowing.allowed_params = vec!["n".to_owned()];
        assert_eq!(write(&request, &allowing).unwrap(), (json!({"n": 2}), vec![]));
    }

    #[test]
    fn values_that_ask_for_the_default_pass_silently() {
        let mut request = openai();
        request.sampling.n = Some(1);
        request.sampling.logprobs = Some(false);
        request.sampling.presence_penalty = Some(0.into());
        request.sampling.logit_bias = Some(json!({}));
        request.extra.insert("modalities".into(), json!(["text"]));
        assert_eq!(write(&request, &Shaping::default()).unwrap(), (json!({}), vec![]));
    }

    #[test]
    fn blank_stop_texts_are_left_out() {
        let mut request = openai();
        request.sampling.stop = vec!["\n".into(), "END".into()];
        let (body, dropped) = write(&request, &Shaping::default()).unwrap();
        assert_eq!((body, dropped), (json!({"stop_sequences": ["END"]}), vec!["stop".to_owned()]));
    }

    #[test]
    fn the_user_is_named_in_the_metadata_unless_that_tells_who_it_is() {
        let mut request = openai();
        request.user = Some("u-1".into());
        request.metadata = Some(Map::from_iter([("team".to_owned(), json!("x"))]));
        let (body, dropped) = write(&request, &Shaping::default()).unwrap();
        assert_eq!((body, dropped), (json!({"metadata": {"user_id": "u-1"}}), vec!["metadata".to_owned()]));
        let mut request = openai();
        request.user = Some("ann@example.com".into());
        assert_eq!(write(&request, &Shaping::default()).unwrap(), (json!({}), vec!["user".to_owned()]));
    }

    #[test]
    fn service_classes_are_translated() {
        let tier = |tier: &str| {
            let mut request = openai();
            request.service_tier = Some(tier.into());
            write(&request, &Shaping::default()).map(|(body, _)| body["service_tier"].clone())
        };
        assert_eq!(tier("priority").unwrap(), "auto");
        assert_eq!(tier("default").unwrap(), "standard_only");
        assert_eq!(tier("flex").unwrap_err().param(), Some("service_tier"));
    }

    #[test]
    fn openais_own_fields_are_sorted_out_and_the_others_pass() {
        let mut request = openai();
        request.extra.insert("store".into(), json!(true));
        request.extra.insert("container".into(), json!("c"));
        let (body, dropped) = write(&request, &Shaping::default()).unwrap();
        assert_eq!((body, dropped), (json!({"container": "c"}), vec!["store".to_owned()]));
        request.extra.insert("verbosity".into(), json!("low"));
        assert_eq!(write(&request, &Shaping::default()).unwrap_err().param(), Some("verbosity"));
    }

    #[test]
    fn fields_meant_for_anthropic_must_have_its_types() {
        for (name, value) in
            [("stop_sequences", json!("x")), ("system", json!(5)), ("output_config", json!([]))]
        {
            let mut request = openai();
            request.extra.insert(name.into(), value);
            let error = write(&request, &Shaping::default()).unwrap_err();
            assert_eq!((error.param(), error.status().as_u16()), (Some(name), 400));
        }
    }

    #[test]
    fn an_anthropic_clients_fields_pass_as_they_are() {
        let mut request = openai();
        request.source = Dialect::Anthropic;
        request.service_tier = Some("standard_only".into());
        request.metadata = Some(Map::from_iter([("team".to_owned(), json!("x"))]));
        request.extra.insert("store".into(), json!(1));
        let (body, dropped) = write(&request, &Shaping::default()).unwrap();
        let all = json!({"metadata": {"team": "x"}, "service_tier": "standard_only", "store": 1});
        assert_eq!((body, dropped), (all, vec![]));
    }
}
