//! A chat completion request, as OpenAI-like providers take it.

use bytes::Bytes;
use llmux_core::{Dialect, Result};
use serde_json::{Map, Value, json};

use super::{message_write::write_messages, request_read::check_fields};
use crate::{
    chat::{ChatRequest, Fit, ReasoningRequest, ResponseFormat, Sampling, Tool, ToolChoice, is_closed},
    responses::RESPONSES_ONLY,
};

/// Writes a request for `model`. Usage is always asked for on streams. Reasoning of earlier answers stands in
/// `thinking_blocks`, which only proxies take: it is to be put in the host's form, or out.
///
/// # Errors
/// A 400 naming what the dialect cannot carry, unless the deployment drops such things.
pub fn write_request(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Bytes> {
    let mut out = Map::new();
    out.insert("model".into(), model.into());
    out.insert("messages".into(), write_messages(&request.messages, fit)?.into());
    write_tools(request, &mut out, fit)?;
    if let Some(format) = &request.format {
        out.insert("response_format".into(), write_format(format));
    }
    if let Some(effort) = request.reasoning.as_ref().and_then(effort) {
        out.insert("reasoning_effort".into(), effort.into());
    }
    write_sampling(&request.sampling, &mut out, fit)?;
    if request.stream {
        out.insert("stream".into(), true.into());
        out.insert("stream_options".into(), json!({ "include_usage": true }));
    }
    if let Some(user) = &request.user {
        out.insert("user".into(), user.as_str().into());
    }
    if let Some(tier) = request.service_tier.as_deref().and_then(service_tier) {
        out.insert("service_tier".into(), tier.into());
    }
    write_extra(request, &mut out, fit)?;
    Ok(Value::Object(out).to_string().into())
}

fn write_tools(request: &ChatRequest, out: &mut Map<String, Value>, fit: &mut Fit<'_>) -> Result<()> {
    let mut tools = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        match tool {
            Tool::Function { name, description, parameters, strict, .. } => {
                let mut function = Map::new();
                function.insert("name".into(), name.as_str().into());
                if let Some(description) = description {
                    function.insert("description".into(), description.as_str().into());
                }
                if let Some(parameters) = parameters {
                    function.insert("parameters".into(), parameters.clone());
                }
                if let Some(strict) = strict {
                    function.insert("strict".into(), (*strict).into());
                }
                tools.push(json!({ "type": "function", "function": function }));
            }
            Tool::Opaque { dialect: Dialect::OpenAi, value } => tools.push(value.clone()),
            Tool::Opaque { value, .. } => {
                let kind = value.get("type").and_then(Value::as_str).unwrap_or("unknown");
                fit.refuse(&format!("tools.{kind}"))?;
            }
        }
    }
    if tools.is_empty() {
        return Ok(());
    }
    out.insert("tools".into(), tools.into());
    if let Some(choice) = &request.tool_choice {
        out.insert("tool_choice".into(), write_choice(choice));
    }
    if let Some(parallel) = request.parallel_tool_calls {
        out.insert("parallel_tool_calls".into(), parallel.into());
    }
    Ok(())
}

fn write_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Named(name) => json!({ "type": "function", "function": { "name": name } }),
    }
}

fn write_format(format: &ResponseFormat) -> Value {
    match format {
        ResponseFormat::Text => json!({ "type": "text" }),
        ResponseFormat::JsonObject => json!({ "type": "json_object" }),
        ResponseFormat::JsonSchema { name, description, schema, strict } => {
            let mut inner = Map::new();
            // OpenAI requires a name; Anthropic's form has none.
            inner.insert("name".into(), name.as_deref().unwrap_or("response").into());
            if let Some(description) = description {
                inner.insert("description".into(), description.as_str().into());
            }
            inner.insert("schema".into(), schema.clone());
            inner.insert("strict".into(), strict.unwrap_or(name.is_none()).into());
            json!({ "type": "json_schema", "json_schema": inner })
        }
    }
}

/// The effort that stands for a thinking budget, by the thresholds at which LiteLLM maps efforts to budgets:
/// 1024 tokens are low, 2048 medium, 4096 high.
fn effort(reasoning: &ReasoningRequest) -> Option<&str> {
    if reasoning.disabled {
        return None;
    }
    reasoning.effort.as_deref().or(match reasoning.budget {
        None => None,
        Some(0..2_048) => Some("low"),
        Some(2_048..4_096) => Some("medium"),
        Some(_) => Some("high"),
    })
}

/// Anthropic's words for service classes and OpenAI's own; `standard_only` is OpenAI's `default`.
fn service_tier(tier: &str) -> Option<&str> {
    match tier {
        "standard_only" => Some("default"),
        other => Some(other),
    }
}

fn write_sampling(sampling: &Sampling, out: &mut Map<String, Value>, fit: &mut Fit<'_>) -> Result<()> {
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(name.into(), value);
        }
    };
    put("max_completion_tokens", sampling.max_tokens.map(Value::from));
    put("temperature", sampling.temperature.clone().map(Value::Number));
    put("top_p", sampling.top_p.clone().map(Value::Number));
    put("frequency_penalty", sampling.frequency_penalty.clone().map(Value::Number));
    put("presence_penalty", sampling.presence_penalty.clone().map(Value::Number));
    put("seed", sampling.seed.clone().map(Value::Number));
    put("n", sampling.n.map(Value::from));
    put("logit_bias", sampling.logit_bias.clone());
    put("logprobs", sampling.logprobs.map(Value::from));
    put("top_logprobs", sampling.top_logprobs.map(Value::from));
    put("stop", (!sampling.stop.is_empty()).then(|| sampling.stop.clone().into()));
    if let Some(top_k) = sampling.top_k {
        if fit.allows("top_k") {
            out.insert("top_k".into(), top_k.into());
        } else {
            fit.refuse("top_k")?;
        }
    }
    Ok(())
}

/// Anthropic's top-level fields that chat completions have no form for. Anything else unknown is meant for
/// the provider and passes.
const ANTHROPIC_ONLY: &[&str] =
    &["container", "context_management", "mcp_servers", "inference_geo", "betas", "speed", "fallbacks"];

/// Adds the fields without neutral form. Those that have this dialect's names must have its types.
fn write_extra(request: &ChatRequest, out: &mut Map<String, Value>, fit: &mut Fit<'_>) -> Result<()> {
    let foreign = match request.source {
        Dialect::Anthropic => ANTHROPIC_ONLY,
        Dialect::OpenAiResponses => RESPONSES_ONLY,
        _ => &[],
    };
    let mut passed = Map::new();
    for (name, value) in &request.extra {
        if fit.allows(name) || (!is_closed(request.source) && !foreign.contains(&name.as_str())) {
            if !out.contains_key(name) {
                passed.insert(name.clone(), value.clone());
            }
        } else if is_closed(request.source) {
            fit.foreign(request.source, name)?;
        } else {
            fit.refuse(name)?;
        }
    }
    check_fields(passed.clone())?;
    out.extend(passed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use llmux_core::Shaping;

    use super::*;
    use crate::chat::{Content, Media, Message, Part, Role, ToolCall};

    fn write(request: &ChatRequest) -> Value {
        let shaping = Shaping::default();
        let bytes = write_request(request, "up", &mut Fit::new("acme", &shaping)).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn tool_results_come_before_the_users_words_and_images_follow_them() {
        let mut request = ChatRequest::new(Dialect::Anthropic, "m");
        let image = Part::new(Content::Image {
            source: Media::Base64 { mime: "image/png".into(), data: "AA".into() },
            detail: None,
        });
        request.messages = vec![
            Message::new(
                Role::Assistant,
                vec![
                    Part::new(Content::Reasoning { text: "hm".into(), signature: Some("s".into()) }),
                    Part::new(Content::ToolCall(ToolCall {
                        id: "c".into(),
                        name: "f".into(),
                        arguments: String::new(),
                    })),
                ],
            ),
            Message::new(
                Role::Tool,
                vec![Part::new(Content::ToolResult {
                    call_id: "c".into(),
                    parts: vec![Part::text("a"), image],
                    is_error: false,
                })],
            ),
            Message::new(Role::User, vec![Part::text("go on")]),
        ];
        assert_eq!(
            write(&request)["messages"],
            json!([
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                    "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}]},
                {"role": "tool", "tool_call_id": "c", "content": "a"},
                {"role": "user", "content": [
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]},
                {"role": "user", "content": "go on"},
            ])
        );
    }

    #[test]
    fn streams_always_ask_for_usage() {
        let mut request = ChatRequest::new(Dialect::Anthropic, "m");
        request.stream = true;
        assert_eq!(write(&request)["stream_options"], json!({"include_usage": true}));
    }

    #[test]
    fn what_has_no_form_is_refused_by_name_or_dropped() {
        let mut request = ChatRequest::new(Dialect::Anthropic, "m");
        request.sampling.top_k = Some(5);
        let mut shaping = Shaping::default();
        let error = write_request(&request, "up", &mut Fit::new("acme", &shaping)).unwrap_err();
        assert_eq!((error.param(), error.code()), (Some("top_k"), Some("unsupported_parameter")));
        shaping.drop_params = true;
        let mut fit = Fit::new("acme", &shaping);
        write_request(&request, "up", &mut fit).unwrap();
        assert_eq!(fit.into_dropped(), ["top_k"]);
    }

    #[test]
    fn fields_of_a_foreign_client_that_have_our_names_must_have_our_types() {
        let shaping = Shaping::default();
        for (name, value) in
            [("top_logprobs", json!("x")), ("functions", json!(3)), ("response_format", json!([]))]
        {
            let mut request = ChatRequest::new(Dialect::Anthropic, "m");
            request.extra.insert(name.into(), value);
            let error = write_request(&request, "up", &mut Fit::new("acme", &shaping)).unwrap_err();
            assert_eq!((error.param(), error.status().as_u16()), (Some(name), 400));
        }
    }

    #[test]
    fn an_effort_stays_and_a_thinking_budget_becomes_one() {
        let mut request = ChatRequest::new(Dialect::Anthropic, "m");
        request.reasoning = Some(ReasoningRequest { budget: Some(2_048), ..ReasoningRequest::default() });
        assert_eq!(write(&request)["reasoning_effort"], "medium");
        let effort = Some("xhigh".to_owned());
        request.reasoning = Some(ReasoningRequest { effort, ..ReasoningRequest::default() });
        assert_eq!(write(&request)["reasoning_effort"], "xhigh");
    }
}
