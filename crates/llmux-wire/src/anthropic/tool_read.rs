//! Tools and tool choice, as clients send them.

use llmux_core::{Dialect, Result};
use serde_json::Value;

use super::block_read::read_cache;
use crate::{
    chat::{ChatRequest, Tool, ToolChoice},
    json::read::{Item, Object},
};

/// Takes `tools` and `tool_choice`.
pub(super) fn read_tools(object: &mut Object, request: &mut ChatRequest) -> Result<()> {
    request.tools = object.list("tools")?.into_iter().map(read_tool).collect::<Result<_>>()?;
    object.take("tool_choice").map_or(Ok(()), |item| read_choice(item, request))
}

/// Reads the choice among tools, and whether several may be called at once.
pub(crate) fn read_choice(item: Item, request: &mut ChatRequest) -> Result<()> {
    let mut choice = item.object()?;
    let kind = choice.need("type")?;
    request.tool_choice = Some(match kind.value.as_str().unwrap_or_default() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Named(choice.need_string("name")?),
        _ => return Err(kind.wrong("one of auto, any, tool, none")),
    });
    request.parallel_tool_calls = choice.bool("disable_parallel_tool_use")?.map(|disabled| !disabled);
    Ok(())
}

/// Reads one tool. The client's own have the type `custom` or none; hints to Anthropic's tool loading, such as
/// `defer_loading`, are left out.
fn read_tool(item: Item) -> Result<Tool> {
    let kind = item.value.get("type").and_then(Value::as_str);
    if kind.is_some_and(|kind| kind != "custom") {
        return Ok(Tool::Opaque { dialect: Dialect::Anthropic, value: item.value });
    }
    let mut tool = item.object()?;
    Ok(Tool::Function {
        name: tool.need_string("name")?,
        description: tool.string("description")?,
        parameters: Some(tool.need("input_schema")?.object()?.into_value()),
        strict: tool.bool("strict")?,
        cache: read_cache(&mut tool)?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Value) -> Result<ChatRequest> {
        let Value::Object(fields) = body else { panic!("an object") };
        let mut request = ChatRequest::new(Dialect::Anthropic, "m");
        read_tools(&mut Object::root(fields), &mut request).map(|()| request)
    }

    #[test]
    fn the_clients_tools_are_read_and_anthropics_own_are_kept_as_they_stand() {
        let own = json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 1});
        let request =
            read(json!({"tools": [{"name": "f", "input_schema": {"type": "object"}, "strict": true}, own]}))
                .unwrap();
        let function = Tool::Function {
            name: "f".into(),
            description: None,
            parameters: Some(json!({"type": "object"})),
            strict: Some(true),
            cache: None,
        };
        assert_eq!(request.tools, [function, Tool::Opaque { dialect: Dialect::Anthropic, value: own }]);
    }

    #[test]
    fn every_tool_choice_is_understood() {
        let choice = |value: Value| read(json!({"tool_choice": value})).unwrap().tool_choice.unwrap();
        assert_eq!(choice(json!({"type": "auto"})), ToolChoice::Auto);
        assert_eq!(choice(json!({"type": "any"})), ToolChoice::Required);
        assert_eq!(choice(json!({"type": "none"})), ToolChoice::None);
        assert_eq!(choice(json!({"type": "tool", "name": "f"})), ToolChoice::Named("f".into()));
        assert_eq!(
            read(json!({"tool_choice": {"type": "sometimes"}})).unwrap_err().param(),
            Some("tool_choice.type")
        );
    }

    #[test]
    fn parallel_calls_are_switched_off_in_the_tool_choice() {
        let request =
            read(json!({"tool_choice": {"type": "auto", "disable_parallel_tool_use": true}})).unwrap();
        assert_eq!(request.parallel_tool_calls, Some(false));
    }

    #[test]
    fn a_tool_without_a_schema_is_refused_by_name() {
        let error = read(json!({"tools": [{"name": "f"}]})).unwrap_err();
        assert_eq!(error.param(), Some("tools[0].input_schema"));
    }
}
