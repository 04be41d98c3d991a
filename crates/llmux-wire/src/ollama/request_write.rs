//! A chat request, for a provider.

use bytes::Bytes;
use llmux_core::{Dialect, Result};
use serde_json::{Map, Value, json};

use super::{
    message_write::write_messages,
    options::{is_option, write_options},
    request_read::check_fields,
    thinking::write_think,
};
use crate::chat::{ChatRequest, Fit, ResponseFormat, Tool, ToolChoice};

/// Writes a request for `model`.
///
/// # Errors
/// A 400 that names what Ollama cannot carry, unless the deployment drops it.
pub fn write_request(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Bytes> {
    let mut out = Map::new();
    out.insert("model".into(), model.into());
    out.insert("messages".into(), write_messages(&request.messages, fit)?.into());
    write_tools(request, &mut out, fit)?;
    match &request.format {
        None | Some(ResponseFormat::Text) => {}
        Some(ResponseFormat::JsonObject) => _ = out.insert("format".into(), "json".into()),
        Some(ResponseFormat::JsonSchema { schema, .. }) => _ = out.insert("format".into(), schema.clone()),
    }
    write_options(request, &mut out, fit)?;
    if !request.extra.contains_key("think")
        && let Some(think) = write_think(request, model)?
    {
        out.insert("think".into(), think);
    }
    // Ollama streams unless it is told not to.
    out.insert("stream".into(), request.stream.into());
    write_rest(request, &mut out, fit)?;
    Ok(Value::Object(out).to_string().into())
}

/// Ollama's models call as they like: a request not to call leaves the tools out.
fn write_tools(request: &ChatRequest, out: &mut Map<String, Value>, fit: &mut Fit<'_>) -> Result<()> {
    let mut tools = Vec::new();
    for (at, tool) in request.tools.iter().enumerate() {
        let Tool::Function { name, description, parameters, .. } = tool else {
            fit.refuse(&format!("tools[{at}]"))?;
            continue;
        };
        let mut function = Map::new();
        function.insert("name".into(), name.as_str().into());
        function.insert("description".into(), description.as_deref().unwrap_or_default().into());
        let empty = || json!({ "type": "object", "properties": {} });
        function.insert("parameters".into(), parameters.clone().unwrap_or_else(empty));
        tools.push(json!({ "type": "function", "function": function }));
    }
    if request.extra.contains_key("web_search_options") {
        fit.refuse("web_search_options")?;
    }
    if tools.is_empty() || request.tool_choice == Some(ToolChoice::None) {
        return Ok(());
    }
    if matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_))) {
        fit.refuse("tool_choice")?;
    }
    if request.parallel_tool_calls == Some(false) {
        fit.refuse("parallel_tool_calls")?;
    }
    out.insert("tools".into(), tools.into());
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
    for (name, value) in &request.extra {
        let done = ["options", "thinking", "web_search_options"].contains(&name.as_str()) || is_option(name);
        let text =
            name == "modalities" && value.as_array().is_some_and(|list| list.iter().all(|one| one == "text"));
        if done || text || out.contains_key(name) {
            continue;
        }
        if name == "modalities" {
            fit.refuse(name)?;
        } else if fit.carries(request.source, Dialect::Ollama, name)? {
            out.insert(name.clone(), value.clone());
        }
    }
    if request.extra.is_empty() {
        return Ok(());
    }
    let read = out.iter().filter(|(name, _)| *name != "messages");
    check_fields(read.map(|(name, value)| (name.clone(), value.clone())).collect())
}

#[cfg(test)]
mod tests {
    use llmux_core::Shaping;

    use super::*;
    use crate::openai;

    fn written(fields: Value) -> Result<Value> {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let request = openai::read_request(body.to_string().as_bytes()).unwrap();
        let bytes = write_request(&request, "qwen3", &mut Fit::new("Ollama", &Shaping::default()))?;
        Ok(serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn parameters_become_options_and_ollamas_own_join_them() {
        let schema = json!({"type": "object"});
        let format = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema}});
        let body = written(json!({
            "max_tokens": 5, "temperature": 0.5, "stop": "x", "num_ctx": 4096, "keep_alive": "5m",
            "options": {"mirostat": 1}, "reasoning_effort": "high", "response_format": format,
        }))
        .unwrap();
        let expected = json!({
            "model": "qwen3", "messages": [{"role": "user", "content": "hi"}], "format": schema,
            "options": {"num_predict": 5, "temperature": 0.5, "stop": ["x"], "mirostat": 1, "num_ctx": 4096},
            "think": true, "stream": false, "keep_alive": "5m",
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn a_choice_is_honoured_or_refused() {
        let tools = json!([{"type": "function", "function": {"name": "f"}}]);
        let body = written(json!({"tools": tools, "tool_choice": "none"})).unwrap();
        assert_eq!(body.get("tools"), None);
        let error = written(json!({"tools": tools, "tool_choice": "required"})).unwrap_err();
        assert_eq!(error.param(), Some("tool_choice"));
    }

    #[test]
    fn tools_of_a_text_completion_must_have_their_form() {
        let body = json!({"model": "m", "prompt": "hi", "tools": [{"type": "function"}]});
        let request = openai::read_completion_request(body.to_string().as_bytes()).unwrap();
        let error = write_request(&request, "m", &mut Fit::new("Ollama", &Shaping::default())).unwrap_err();
        assert_eq!(error.param(), Some("tools[0].function"));
    }

    #[test]
    fn what_has_no_form_is_refused_by_name() {
        for (name, value) in
            [("n", json!(2)), ("logit_bias", json!({"1": 2})), ("modalities", json!(["audio"]))]
        {
            assert_eq!(written(Value::from_iter([(name, value)])).unwrap_err().param(), Some(name));
        }
    }
}
