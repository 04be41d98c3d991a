//! A chat request, for a provider.

use bytes::Bytes;
use llmux_core::{Dialect, Result};
use serde_json::{Map, Value, json};

use super::{
    format::write_format,
    message_write::Conversation,
    request_read::check_fields,
    thinking::{thinks, write_thinking},
};
use crate::chat::{ChatRequest, Fit, Tool, ToolChoice};

/// Writes a request for `model`.
///
/// # Errors
/// A 400 that names what Cohere cannot carry, unless the deployment drops it.
pub fn write_request(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Bytes> {
    let Conversation { messages, documents, .. } = Conversation::of(&request.messages, thinks(model), fit)?;
    let mut out = Map::new();
    out.insert("model".into(), model.into());
    out.insert("messages".into(), messages.into());
    if !documents.is_empty() {
        out.insert("documents".into(), documents.into());
    }
    write_tools(request, &mut out, fit)?;
    write_sampling(request, &mut out, fit)?;
    if let Some(format) = request.format.as_ref().and_then(write_format) {
        out.insert("response_format".into(), format);
    }
    if let Some(thinking) = write_thinking(request, model, fit)? {
        out.insert("thinking".into(), thinking);
    }
    if request.stream {
        out.insert("stream".into(), true.into());
    }
    write_rest(request, &mut out, fit)?;
    Ok(Value::Object(out).to_string().into())
}

/// Cohere cannot be told which tool to call, so a named one is the only one that it is told of.
fn write_tools(request: &ChatRequest, out: &mut Map<String, Value>, fit: &mut Fit<'_>) -> Result<()> {
    let only = match &request.tool_choice {
        Some(ToolChoice::Named(name)) => Some(name),
        _ => None,
    };
    let (mut tools, mut strict) = (Vec::new(), true);
    for (at, tool) in request.tools.iter().enumerate() {
        let Tool::Function { name, description, parameters, strict: exact, .. } = tool else {
            fit.refuse(&format!("tools[{at}]"))?;
            continue;
        };
        if only.is_some_and(|only| only != name) {
            continue;
        }
        strict &= exact.unwrap_or_default();
        let mut function = Map::new();
        function.insert("name".into(), name.as_str().into());
        function.extend(description.as_deref().map(|text| ("description".to_owned(), text.into())));
        let empty = || json!({ "type": "object", "properties": {} });
        function.insert("parameters".into(), parameters.clone().unwrap_or_else(empty));
        tools.push(json!({ "type": "function", "function": function }));
    }
    if request.extra.contains_key("web_search_options") {
        fit.refuse("web_search_options")?;
    }
    if tools.is_empty() {
        return Ok(());
    }
    if request.parallel_tool_calls == Some(false) {
        fit.refuse("parallel_tool_calls")?;
    }
    out.insert("tools".into(), tools.into());
    if strict {
        out.insert("strict_tools".into(), true.into());
    }
    let choice = match request.tool_choice {
        Some(ToolChoice::Required | ToolChoice::Named(_)) => "REQUIRED",
        Some(ToolChoice::None) => "NONE",
        Some(ToolChoice::Auto) | None => return Ok(()),
    };
    out.insert("tool_choice".into(), choice.into());
    Ok(())
}

fn write_sampling(request: &ChatRequest, out: &mut Map<String, Value>, fit: &mut Fit<'_>) -> Result<()> {
    let sampling = &request.sampling;
    let number = |value: &Option<serde_json::Number>| value.clone().map(Value::Number);
    let stop = Some(&sampling.stop).filter(|stop| !stop.is_empty());
    let fitting = [
        ("max_tokens", sampling.max_tokens.map(Value::from)),
        ("temperature", number(&sampling.temperature)),
        ("p", number(&sampling.top_p)),
        ("k", sampling.top_k.map(Value::from)),
        ("frequency_penalty", number(&sampling.frequency_penalty)),
        ("presence_penalty", number(&sampling.presence_penalty)),
        ("seed", number(&sampling.seed)),
        ("stop_sequences", stop.map(|stop| stop.clone().into())),
        ("logprobs", sampling.logprobs.filter(|wanted| *wanted).map(Value::from)),
    ];
    out.extend(fitting.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    // Values that ask for nothing beyond the default are not worth a refusal.
    let biased =
        sampling.logit_bias.as_ref().is_some_and(|bias| bias.as_object().is_none_or(|bias| !bias.is_empty()));
    for (name, unfit) in [
        ("n", sampling.n.is_some_and(|n| n > 1)),
        ("top_logprobs", sampling.top_logprobs.is_some_and(|count| count > 0)),
        ("logit_bias", biased),
    ] {
        if unfit {
            fit.refuse(name)?;
        }
    }
    Ok(())
}

/// Adds the fields without neutral form, and says what has no place here.
fn write_rest(request: &ChatRequest, out: &mut Map<String, Value>, fit: &mut Fit<'_>) -> Result<()> {
    if request.user.is_some() {
        fit.drop("user");
    }
    if request.metadata.as_ref().is_some_and(|metadata| !metadata.is_empty()) {
        fit.drop("metadata");
    }
    if request.service_tier.is_some() {
        fit.drop("service_tier");
    }
    let mut passed = Map::new();
    for (name, value) in &request.extra {
        let done = ["thinking", "web_search_options"].contains(&name.as_str()) || is_text_only(name, value);
        if done || out.contains_key(name) {
            continue;
        }
        if name == "modalities" {
            fit.refuse(name)?;
        } else if fit.carries(request.source, Dialect::Cohere, name)? {
            passed.insert(name.clone(), value.clone());
        }
    }
    check_fields(passed.clone())?;
    out.extend(passed);
    Ok(())
}

/// Text is all that Cohere answers.
fn is_text_only(name: &str, value: &Value) -> bool {
    name == "modalities" && value.as_array().is_some_and(|list| list.iter().all(|one| one == "text"))
}

#[cfg(test)]
mod tests {
    use llmux_core::Shaping;

    use super::*;
    use crate::openai;

    fn written(body: &Value) -> Result<(Value, Vec<String>)> {
        let request = openai::read_request(body.to_string().as_bytes()).unwrap();
        let shaping = Shaping::default();
        let mut fit = Fit::new("Cohere", &shaping);
        let bytes = write_request(&request, "command-a-03-2025", &mut fit)?;
        Ok((serde_json::from_slice(&bytes).unwrap(), fit.into_dropped()))
    }

    fn with(fields: Value) -> Value {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        body
    }

    fn tools() -> Value {
        let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
        json!([tool("f"), tool("g")])
    }

    #[test]
    fn parameters_get_coheres_names() {
        let (body, dropped) = written(&with(json!({
            "max_completion_tokens": 5, "top_p": 0.5, "top_k": 3, "stop": "x", "n": 1, "user": "u",
            "documents": ["d"], "safety_mode": "NONE",
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
        })))
        .unwrap();
        assert_eq!(
            body,
            json!({
                "model": "command-a-03-2025", "messages": [{"role": "user", "content": "hi"}],
                "max_tokens": 5, "p": 0.5, "k": 3, "stop_sequences": ["x"], "documents": ["d"],
                "response_format": {"type": "json_object", "json_schema": {"type": "object"}},
                "safety_mode": "NONE",
            })
        );
        assert_eq!(dropped, ["user"]);
    }

    #[test]
    fn a_named_tool_is_the_only_one_and_required() {
        let choice = json!({"type": "function", "function": {"name": "g"}});
        let (body, _) = written(&with(json!({"tools": tools(), "tool_choice": choice}))).unwrap();
        assert_eq!((body["tools"].as_array().unwrap().len(), &body["tool_choice"]), (1, &"REQUIRED".into()));
        assert_eq!(body["tools"][0]["function"]["parameters"], json!({"type": "object", "properties": {}}));
        let (body, _) = written(&with(json!({"tools": tools(), "tool_choice": "none"}))).unwrap();
        assert_eq!(body["tool_choice"], "NONE");
    }

    #[test]
    fn what_has_no_form_is_refused_by_name() {
        for (name, value) in [
            ("n", json!(2)),
            ("top_logprobs", json!(3)),
            ("logit_bias", json!({"1": 2})),
            ("modalities", json!(["text", "audio"])),
            ("reasoning_effort", json!("high")),
            ("web_search_options", json!({})),
        ] {
            let error = written(&with(Value::from_iter([(name, value)]))).unwrap_err();
            assert_eq!(error.param(), Some(name));
        }
        let error = written(&with(json!({"tools": tools(), "parallel_tool_calls": false}))).unwrap_err();
        assert_eq!(error.param(), Some("parallel_tool_calls"));
    }
}
