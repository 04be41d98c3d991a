//! Tools and tool choice, for a provider.

use llmux_core::{Dialect, Result};
use serde_json::{Map, Value, json};

use super::schema::clean;
use crate::chat::{ChatRequest, Fit, Tool, ToolChoice};

/// Adds `tools` and `toolConfig`.
pub(super) fn write_tools(
    request: &ChatRequest,
    out: &mut Map<String, Value>,
    fit: &mut Fit<'_>,
) -> Result<()> {
    let (mut declarations, mut tools) = (Vec::new(), Vec::new());
    for (at, tool) in request.tools.iter().enumerate() {
        match tool {
            Tool::Function { name, description, parameters, .. } => {
                declarations.push(declare(name, description.as_deref(), parameters.as_ref()));
            }
            Tool::Opaque { dialect: Dialect::Gemini, value } => tools.push(value.clone()),
            Tool::Opaque { value, .. } if is_googles(value) => tools.push(value.clone()),
            Tool::Opaque { value, .. } if is_search(value) => tools.push(json!({ "googleSearch": {} })),
            Tool::Opaque { .. } => fit.refuse(&format!("tools[{at}]"))?,
        }
    }
    if request.extra.contains_key("web_search_options") {
        tools.push(json!({ "googleSearch": {} }));
    }
    if request.parallel_tool_calls == Some(false) && !declarations.is_empty() {
        fit.refuse("parallel_tool_calls")?;
    }
    let callable = !declarations.is_empty();
    if callable {
        tools.insert(0, json!({ "functionDeclarations": declarations }));
    }
    if !tools.is_empty() {
        out.insert("tools".into(), tools.into());
    }
    if let Some(choice) = request.tool_choice.as_ref().filter(|_| callable) {
        out.insert("toolConfig".into(), json!({ "functionCallingConfig": write_choice(choice) }));
    }
    Ok(())
}

/// Whether a client of another dialect wrote one of Google's own tools as it is.
fn is_googles(tool: &Value) -> bool {
    let own =
        ["googleSearch", "googleSearchRetrieval", "codeExecution", "urlContext", "googleMaps", "fileSearch"];
    tool.get("type").is_none() && own.iter().any(|name| tool.get(*name).is_some())
}

/// Whether a tool is another maker's search of the web.
fn is_search(tool: &Value) -> bool {
    tool.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("web_search"))
}

fn declare(name: &str, description: Option<&str>, parameters: Option<&Value>) -> Value {
    let mut out = Map::new();
    out.insert("name".into(), name.into());
    if let Some(description) = description {
        out.insert("description".into(), description.into());
    }
    // The API refuses an empty schema; without one a function takes nothing.
    if let Some(parameters) =
        parameters.filter(|schema| schema.as_object().is_some_and(|schema| !schema.is_empty()))
    {
        let mut schema = parameters.clone();
        clean(&mut schema);
        out.insert("parametersJsonSchema".into(), schema);
    }
    out.into()
}

fn write_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!({ "mode": "AUTO" }),
        ToolChoice::None => json!({ "mode": "NONE" }),
        ToolChoice::Required => json!({ "mode": "ANY" }),
        ToolChoice::Named(name) => json!({ "mode": "ANY", "allowedFunctionNames": [name] }),
    }
}
