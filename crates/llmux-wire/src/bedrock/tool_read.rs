//! Tools and tool choice, as clients send them.

use llmux_core::{Dialect, Result};

use super::content_read::read_cache;
use crate::{
    chat::{ChatRequest, Tool, ToolChoice},
    json::read::{Item, Object},
};

/// Takes `toolConfig`. A cache point marks the tool before it.
pub(super) fn read_tools(object: &mut Object, request: &mut ChatRequest) -> Result<()> {
    let Some(mut config) = object.object("toolConfig")? else { return Ok(()) };
    for item in config.list("tools")? {
        if let (Some(mark), Some(Tool::Function { cache, .. })) =
            (read_cache(&item.value), request.tools.last_mut())
        {
            *cache = Some(mark);
            continue;
        }
        request.tools.push(read_tool(item)?);
    }
    request.tool_choice = config.object("toolChoice")?.map(read_choice).transpose()?.flatten();
    Ok(())
}

fn read_tool(item: Item) -> Result<Tool> {
    let mut tool = item.object()?;
    let Some(mut spec) = tool.object("toolSpec")? else {
        let value = tool.rest().into();
        return Ok(Tool::Opaque { dialect: Dialect::BedrockConverse, value });
    };
    let mut schema = spec.need("inputSchema")?.object()?;
    Ok(Tool::Function {
        name: spec.need_string("name")?,
        description: spec.string("description")?,
        parameters: Some(schema.need("json")?.object()?.into_value()),
        strict: spec.bool("strict")?,
        cache: None,
    })
}

fn read_choice(mut choice: Object) -> Result<Option<ToolChoice>> {
    if let Some(mut tool) = choice.object("tool")? {
        return Ok(Some(ToolChoice::Named(tool.need_string("name")?)));
    }
    let any = choice.take("any").map(|_| ToolChoice::Required);
    Ok(any.or_else(|| choice.take("auto").map(|_| ToolChoice::Auto)))
}
