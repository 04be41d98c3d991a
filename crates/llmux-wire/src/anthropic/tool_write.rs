//! Tools and tool choice, for a provider.

use llmux_core::{Dialect, Result};
use serde_json::{Map, Value, json};

use super::{block_write::marked, schema::tool_input};
use crate::chat::{ChatRequest, Fit, Tool, ToolChoice};

/// Adds `tools` and `tool_choice`.
pub(super) fn write_tools(
    request: &ChatRequest,
    out: &mut Map<String, Value>,
    fit: &mut Fit<'_>,
) -> Result<()> {
    let mut tools = Vec::with_capacity(request.tools.len());
    for (at, tool) in request.tools.iter().enumerate() {
        tools.extend(write_tool(tool, at, fit)?);
    }
    let search = request.extra.get("web_search_options").filter(|_| request.source != Dialect::Anthropic);
    tools.extend(search.map(write_web_search));
    // The API takes no choice where there is nothing to choose from.
    if tools.is_empty() {
        return Ok(());
    }
    out.insert("tools".into(), tools.into());
    if let Some(choice) = write_choice(request) {
        out.insert("tool_choice".into(), choice);
    }
    Ok(())
}

fn write_tool(tool: &Tool, at: usize, fit: &mut Fit<'_>) -> Result<Option<Value>> {
    let (name, description, parameters, strict, cache) = match tool {
        Tool::Function { name, description, parameters, strict, cache } => {
            (name, description, parameters, strict, *cache)
        }
        Tool::Opaque { dialect: Dialect::Anthropic, value } => return Ok(Some(value.clone())),
        Tool::Opaque { value, .. } if is_dated(value) => return Ok(Some(value.clone())),
        Tool::Opaque { .. } => return fit.refuse(&format!("tools[{at}]")).map(|()| None),
    };
    let mut out = Map::new();
    out.insert("name".into(), name.as_str().into());
    if let Some(description) = description {
        out.insert("description".into(), description.as_str().into());
    }
    out.insert("input_schema".into(), tool_input(parameters.as_ref()));
    if let Some(strict) = strict {
        out.insert("strict".into(), (*strict).into());
    }
    Ok(Some(marked(out.into(), cache)))
}

/// Whether a tool is one of Anthropic's own, whose types end in a date: clients of OpenAI's dialect write them
/// as they are.
fn is_dated(tool: &Value) -> bool {
    let kind = tool.get("type").and_then(Value::as_str).unwrap_or_default();
    let date = kind.rsplit_once('_').map(|(_, date)| date).unwrap_or_default();
    date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit())
}

/// OpenAI's `web_search_options` as Anthropic's search tool. The size of the search context becomes a number of
/// searches, as LiteLLM does it.
fn write_web_search(options: &Value) -> Value {
    let mut tool = json!({ "type": "web_search_20250305", "name": "web_search" });
    let uses = match options.get("search_context_size").and_then(Value::as_str) {
        Some("low") => Some(1),
        Some("medium") => Some(5),
        Some("high") => Some(10),
        _ => None,
    };
    let place = options.pointer("/user_location/approximate").and_then(Value::as_object).cloned();
    if let Some(fields) = tool.as_object_mut() {
        fields.extend(uses.map(|uses| ("max_uses".to_owned(), uses.into())));
        fields.extend(place.map(|mut place| {
            place.insert("type".into(), "approximate".into());
            ("user_location".to_owned(), place.into())
        }));
    }
    tool
}

/// Parallel calls are switched off inside the tool choice, so that one is made up where there is none.
fn write_choice(request: &ChatRequest) -> Option<Value> {
    let single = request.parallel_tool_calls == Some(false);
    let mut choice = match &request.tool_choice {
        None if single => json!({ "type": "auto" }),
        None => return None,
        Some(ToolChoice::None) => return Some(json!({ "type": "none" })),
        Some(ToolChoice::Auto) => json!({ "type": "auto" }),
        Some(ToolChoice::Required) => json!({ "type": "any" }),
        Some(ToolChoice::Named(name)) => json!({ "type": "tool", "name": name }),
    };
    if let Some(fields) = choice.as_object_mut().filter(|_| single) {
        fields.insert("disable_parallel_tool_use".into(), true.into());
    }
    Some(choice)
}

#[cfg(test)]
mod tests {
    use llmux_core::Shaping;

    use super::*;

    fn write(request: &ChatRequest) -> Result<Value> {
        let (mut out, shaping) = (Map::new(), Shaping::default());
        write_tools(request, &mut out, &mut Fit::new("anthropic", &shaping)).map(|()| out.into())
    }

    fn with_tool(tool: Tool) -> ChatRequest {
        let mut request = ChatRequest::new(Dialect::OpenAi, "m");
        request.tools.push(tool);
        request
    }

    fn function() -> ChatRequest {
        let (description, parameters) = (Some("d".into()), None);
        with_tool(Tool::Function {
            name: "f".into(),
            description,
            parameters,
            strict: Some(true),
            cache: None,
        })
    }

    #[test]
    fn a_function_without_parameters_takes_an_empty_object() {
        let schema = json!({"type": "object", "properties": {}});
        let tool = json!({"name": "f", "description": "d", "input_schema": schema, "strict": true});
        assert_eq!(write(&function()).unwrap(), json!({"tools": [tool]}));
    }

    #[test]
    fn every_choice_has_its_word() {
        let choice = |choice: ToolChoice, parallel| {
            let mut request = function();
            (request.tool_choice, request.parallel_tool_calls) = (Some(choice), parallel);
            write(&request).unwrap()["tool_choice"].clone()
        };
        assert_eq!(choice(ToolChoice::Required, None), json!({"type": "any"}));
        assert_eq!(choice(ToolChoice::None, Some(false)), json!({"type": "none"}));
        assert_eq!(
            choice(ToolChoice::Named("f".into()), Some(false)),
            json!({"type": "tool", "name": "f", "disable_parallel_tool_use": true})
        );
    }

    #[test]
    fn one_call_at_a_time_is_asked_for_in_a_choice_of_its_own() {
        let mut request = function();
        request.parallel_tool_calls = Some(false);
        let choice = json!({"type": "auto", "disable_parallel_tool_use": true});
        assert_eq!(write(&request).unwrap()["tool_choice"], choice);
    }

    #[test]
    fn a_choice_without_tools_is_left_out() {
        let mut request = ChatRequest::new(Dialect::OpenAi, "m");
        request.tool_choice = Some(ToolChoice::Auto);
        assert_eq!(write(&request).unwrap(), json!({}));
    }

    #[test]
    fn anthropics_own_tools_pass_and_openais_are_refused_by_place() {
        let opaque = |kind: &str| {
            let value = json!({"type": kind, "name": "x"});
            write(&with_tool(Tool::Opaque { dialect: Dialect::OpenAi, value }))
        };
        assert_eq!(opaque("computer_20250124").unwrap()["tools"][0]["type"], "computer_20250124");
        assert_eq!(opaque("web_search_preview").unwrap_err().param(), Some("tools[0]"));
    }

    #[test]
    fn web_search_options_become_the_search_tool() {
        let mut request = ChatRequest::new(Dialect::OpenAi, "m");
        let place = json!({"type": "approximate", "approximate": {"country": "FR"}});
        let options = json!({"search_context_size": "low", "user_location": place});
        request.extra.insert("web_search_options".into(), options);
        let tool = json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 1,
            "user_location": {"type": "approximate", "country": "FR"}});
        assert_eq!(write(&request).unwrap(), json!({"tools": [tool]}));
    }
}
