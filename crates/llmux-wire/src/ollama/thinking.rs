//! How much the model thinks: `think`, a switch or, for models of the family gpt-oss, a level.

use llmux_core::{Error, Result};
use serde_json::Value;

use crate::{
    chat::{ChatRequest, ReasoningRequest},
    json::read::Item,
};

/// Reads the field. A switch that is on leaves the amount to the model, which OpenAI's middle effort says best.
pub(super) fn read_think(item: Item) -> Result<ReasoningRequest> {
    let effort = match &item.value {
        Value::Bool(true) => "medium",
        Value::Bool(false) => return Ok(ReasoningRequest { disabled: true, ..ReasoningRequest::default() }),
        Value::String(level) if ["low", "medium", "high"].contains(&level.as_str()) => level,
        _ => return Err(item.wrong("true, false, low, medium or high")),
    };
    Ok(ReasoningRequest { effort: Some(effort.to_owned()), ..ReasoningRequest::default() })
}

/// Writes the field for `model`; `None` when nothing is asked for.
pub(super) fn write_think(request: &ChatRequest, model: &str) -> Result<Option<Value>> {
    let given = request.extra.get("thinking").and_then(|thinking| thinking.get("type"));
    let mut wanted = request.reasoning.clone().unwrap_or_default();
    if let Some(kind) = given {
        // Anthropic's form in an OpenAI request says more than the effort does.
        wanted.disabled |= *kind == "disabled";
        wanted.adaptive |= !wanted.disabled;
    }
    if wanted.disabled {
        return Ok(Some(false.into()));
    }
    let level = match wanted.effort.as_deref() {
        Some("none") => return Ok(Some(false.into())),
        Some("minimal" | "low") => "low",
        Some("medium") => "medium",
        Some("high" | "xhigh" | "max") => "high",
        Some(_) => {
            let expected = "none, minimal, low, medium, high, xhigh, max";
            let message = format!("`reasoning_effort` must be one of {expected}");
            return Err(Error::invalid("reasoning_effort", message));
        }
        None if wanted.adaptive || wanted.budget.is_some() => "medium",
        None => return Ok(None),
    };
    Ok(Some(if model.contains("gpt-oss") { level.into() } else { true.into() }))
}

#[cfg(test)]
mod tests {
    use llmux_core::Dialect;
    use serde_json::json;

    use super::*;

    fn written(model: &str, effort: &str) -> Option<Value> {
        let mut request = ChatRequest::new(Dialect::OpenAi, model);
        request.reasoning =
            Some(ReasoningRequest { effort: Some(effort.into()), ..ReasoningRequest::default() });
        write_think(&request, model).unwrap()
    }

    #[test]
    fn an_effort_is_a_switch_or_a_level() {
        assert_eq!(written("qwen3", "high"), Some(json!(true)));
        assert_eq!(written("qwen3", "none"), Some(json!(false)));
        assert_eq!(written("gpt-oss:20b", "minimal"), Some(json!("low")));
    }

    #[test]
    fn switch_and_level_are_read() {
        let read = |value| read_think(Item::new("think", value));
        assert!(read(json!(false)).unwrap().disabled);
        assert_eq!(read(json!(true)).unwrap().effort.as_deref(), Some("medium"));
        assert_eq!(read(json!("high")).unwrap().effort.as_deref(), Some("high"));
        assert_eq!(read(json!("very")).unwrap_err().param(), Some("think"));
    }
}
