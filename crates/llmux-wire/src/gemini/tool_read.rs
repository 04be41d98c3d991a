//! Tools and tool choice, as clients send them.

use llmux_core::{Dialect, Result};
use serde_json::Value;

use super::{object::open, schema::from_google};
use crate::{
    chat::{ChatRequest, Tool, ToolChoice},
    json::read::{Item, Object},
};

/// Takes `tools` and `toolConfig`. Tools of Google's own are kept as they stand, each by itself.
pub(super) fn read_tools(object: &mut Object, request: &mut ChatRequest) -> Result<()> {
    for item in object.list("tools")? {
        let mut tool = open(item)?;
        for declaration in tool.list("functionDeclarations")? {
            request.tools.push(read_function(open(declaration)?)?);
        }
        for (name, value) in tool.rest() {
            let value = Value::from_iter([(name, value)]);
            request.tools.push(Tool::Opaque { dialect: Dialect::Gemini, value });
        }
    }
    let Some(config) = object.take("toolConfig") else { return Ok(()) };
    let mut config = open(config)?;
    if let Some(calling) = config.take("functionCallingConfig") {
        request.tool_choice = read_choice(open(calling)?)?;
    }
    let rest = config.rest();
    if !rest.is_empty() {
        request.extra.insert("toolConfig".into(), rest.into());
    }
    Ok(())
}

fn read_choice(mut calling: Object) -> Result<Option<ToolChoice>> {
    let mode = calling.take("mode");
    let mut names = Vec::new();
    for item in calling.list("allowedFunctionNames")? {
        names.push(item.string()?);
    }
    Ok(Some(match mode.as_ref().map(|mode| mode.value.as_str().unwrap_or_default()) {
        Some("ANY") => match names.as_slice() {
            [name] => ToolChoice::Named(name.clone()),
            _ => ToolChoice::Required,
        },
        Some("NONE") => ToolChoice::None,
        Some("AUTO" | "VALIDATED") => ToolChoice::Auto,
        None | Some("MODE_UNSPECIFIED") => return Ok(None),
        Some(_) => {
            let expected = "one of AUTO, ANY, NONE, VALIDATED";
            return Err(mode.map_or_else(|| calling.missing("mode"), |mode| mode.wrong(expected)));
        }
    }))
}

fn read_function(mut function: Object) -> Result<Tool> {
    let google = function.take("parameters").map(|item| {
        let mut schema = item.value;
        from_google(&mut schema);
        schema
    });
    let parameters = function.take("parametersJsonSchema").map(|item: Item| item.value).or(google);
    Ok(Tool::Function {
        name: function.need_string("name")?,
        description: function.string("description")?,
        parameters,
        strict: None,
        cache: None,
    })
}
