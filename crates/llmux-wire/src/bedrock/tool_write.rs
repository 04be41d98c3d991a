//! Tools and tool choice, for a provider.

use llmux_core::{Dialect, Result};
use serde_json::{Map, Value, json};

use super::{content_write::write_cache, model::Family};
use crate::{
    anthropic::schema::tool_input,
    chat::{ChatRequest, Content, Fit, Tool, ToolChoice},
};

/// Adds `toolConfig`. `own_choice`: the choice stands among the model's own fields already.
pub(super) fn write_tools(
    request: &ChatRequest,
    model: &str,
    own_choice: bool,
    out: &mut Map<String, Value>,
    fit: &mut Fit<'_>,
) -> Result<()> {
    let family = Family::of(model);
    let mut tools = Vec::with_capacity(request.tools.len());
    for (at, tool) in request.tools.iter().enumerate() {
        write_tool(tool, at, &mut tools, fit)?;
    }
    tools.extend(write_search(request, family, fit)?);
    let mut choice = request.tool_choice.as_ref().filter(|_| !own_choice);
    if choice == Some(&ToolChoice::None) {
        choice = None;
        // There is no word for it: no tool is offered, as long as the conversation does without.
        if called(request).is_empty() {
            tools.clear();
        } else if !tools.is_empty() {
            fit.refuse("tool_choice")?;
        }
    }
    if tools.is_empty() {
        // The API takes calls and results only of tools that it is told of.
        tools.extend(called(request).into_iter().map(
            |name| json!({ "toolSpec": { "name": name, "inputSchema": { "json": { "type": "object" } } } }),
        ));
        choice = None;
    }
    if tools.is_empty() {
        return Ok(());
    }
    let mut config = Map::new();
    config.insert("tools".into(), tools.into());
    config.extend(choice.map(|choice| ("toolChoice".to_owned(), write_choice(choice))));
    out.insert("toolConfig".into(), config.into());
    Ok(())
}

fn write_tool(tool: &Tool, at: usize, out: &mut Vec<Value>, fit: &mut Fit<'_>) -> Result<()> {
    let (name, description, parameters, strict, cache) = match tool {
        Tool::Function { name, description, parameters, strict, cache } => {
            (name, description, parameters, strict, *cache)
        }
        Tool::Opaque { dialect: Dialect::BedrockConverse, value } => {
            out.push(value.clone());
            return Ok(());
        }
        Tool::Opaque { .. } => return fit.refuse(&format!("tools[{at}]")),
    };
    let mut spec = Map::new();
    spec.insert("name".into(), name.as_str().into());
    // An empty description is refused.
    let description = description.as_deref().filter(|text| !text.is_empty());
    spec.extend(description.map(|text| ("description".to_owned(), text.into())));
    spec.insert("inputSchema".into(), json!({ "json": tool_input(parameters.as_ref()) }));
    // Only some models know the word: it is said where it means something.
    if *strict == Some(true) {
        spec.insert("strict".into(), true.into());
    }
    out.push(json!({ "toolSpec": spec }));
    out.extend(cache.map(write_cache));
    Ok(())
}

/// OpenAI's `web_search_options`: Nova searches by a tool of the service's own, the others do not search.
fn write_search(request: &ChatRequest, family: Family, fit: &mut Fit<'_>) -> Result<Option<Value>> {
    if !request.extra.contains_key("web_search_options") {
        return Ok(None);
    }
    match family {
        Family::Nova | Family::Nova2 => Ok(Some(json!({ "systemTool": { "name": "nova_grounding" } }))),
        _ => fit.refuse("web_search_options").map(|()| None),
    }
}

/// The tools that the conversation called, each once.
fn called(request: &ChatRequest) -> Vec<&str> {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let mut names = Vec::new();
    for part in parts {
        if let Content::ToolCall(call) = &part.content
            && !names.contains(&call.name.as_str())
        {
            names.push(call.name.as_str());
        }
    }
    names
}

fn write_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto | ToolChoice::None => json!({ "auto": {} }),
        ToolChoice::Required => json!({ "any": {} }),
        ToolChoice::Named(name) => json!({ "tool": { "name": name } }),
    }
}
