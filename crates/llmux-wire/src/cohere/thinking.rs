//! How much the model thinks: `thinking`.

use llmux_core::{Error, Result};
use serde_json::{Value, json};

use crate::{
    chat::{ChatRequest, Fit, ReasoningRequest},
    json::read::Item,
};

/// Models before the ones that think, by what their names begin with.
const WITHOUT_THOUGHT: [&str; 8] = [
    "c4ai-",
    "command-a-03",
    "command-a-translate",
    "command-a-vision",
    "command-light",
    "command-nightly",
    "command-r",
    "aya-",
];

/// Reads the object. Thinking without a budget is left to the model, which OpenAI's middle effort says best.
pub(super) fn read_thinking(item: Item) -> Result<ReasoningRequest> {
    let mut thinking = item.object()?;
    let kind = thinking.need("type")?;
    let budget = thinking.count("token_budget")?;
    let mut reasoning = ReasoningRequest { budget, ..ReasoningRequest::default() };
    match kind.value.as_str() {
        Some("enabled") if budget.is_none() => reasoning.effort = Some("medium".to_owned()),
        Some("enabled") => {}
        Some("disabled") => reasoning = ReasoningRequest { disabled: true, ..ReasoningRequest::default() },
        _ => return Err(kind.wrong("enabled or disabled")),
    }
    Ok(reasoning)
}

/// Writes the object for `model`; `None` when nothing is asked for.
pub(super) fn write_thinking(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Option<Value>> {
    let given = request.extra.get("thinking");
    if let Some(own) = given.filter(|thinking| thinking.get("token_budget").is_some()) {
        read_thinking(Item::new("thinking", own.clone()))?;
        return Ok(Some(own.clone()));
    }
    let mut wanted = request.reasoning.clone().unwrap_or_default();
    if let Some(thinking) = given {
        // Anthropic's form in an OpenAI request says more than the effort does.
        wanted.disabled |= thinking.get("type").is_some_and(|kind| kind == "disabled");
        wanted.adaptive |= !wanted.disabled;
        wanted.budget = thinking.get("budget_tokens").and_then(Value::as_u64).or(wanted.budget);
    }
    let off = wanted.disabled || wanted.effort.as_deref() == Some("none");
    let on = wanted.adaptive || wanted.budget.is_some() || wanted.effort.is_some();
    if !thinks(model) {
        return if off || !on { Ok(None) } else { fit.refuse("reasoning_effort").map(|()| None) };
    }
    if off {
        return Ok(Some(json!({ "type": "disabled" })));
    }
    let budget = match wanted.budget {
        Some(budget) => Some(budget),
        None => wanted.effort.as_deref().map(budget).transpose()?.flatten(),
    };
    Ok(match budget {
        Some(budget) => Some(json!({ "type": "enabled", "token_budget": budget })),
        None => on.then(|| json!({ "type": "enabled" })),
    })
}

/// The tokens that an effort stands for: LiteLLM's figures for models that think on a budget. Without a budget
/// the model thinks as long as it likes.
fn budget(effort: &str) -> Result<Option<u64>> {
    Ok(match effort {
        "minimal" | "low" => Some(1_024),
        "medium" => Some(2_048),
        "high" => Some(4_096),
        "xhigh" | "max" => None,
        _ => {
            let expected = "none, minimal, low, medium, high, xhigh, max";
            return Err(Error::invalid(
                "reasoning_effort",
                format!("`reasoning_effort` must be one of {expected}"),
            ));
        }
    })
}

/// Whether a model thinks; unknown ones may.
pub(super) fn thinks(model: &str) -> bool {
    !WITHOUT_THOUGHT.iter().any(|name| model.starts_with(name))
}

#[cfg(test)]
mod tests {
    use llmux_core::{Dialect, Shaping};

    use super::*;

    fn written(model: &str, effort: &str) -> Result<Option<Value>> {
        let mut request = ChatRequest::new(Dialect::OpenAi, model);
        request.reasoning =
            Some(ReasoningRequest { effort: Some(effort.into()), ..ReasoningRequest::default() });
        write_thinking(&request, model, &mut Fit::new("Cohere", &Shaping::default()))
    }

    #[test]
    fn efforts_become_budgets_for_models_that_think() {
        let model = "command-a-reasoning-08-2025";
        assert_eq!(written(model, "low").unwrap(), Some(json!({"type": "enabled", "token_budget": 1024})));
        assert_eq!(written(model, "max").unwrap(), Some(json!({"type": "enabled"})));
        assert_eq!(written(model, "none").unwrap(), Some(json!({"type": "disabled"})));
        assert!(written(model, "much").is_err());
    }

    #[test]
    fn a_model_that_cannot_think_is_not_asked_to() {
        assert_eq!(written("command-r-plus", "none").unwrap(), None);
        assert_eq!(written("command-r-plus", "low").unwrap_err().param(), Some("reasoning_effort"));
    }

    #[test]
    fn both_forms_of_a_budget_are_understood() {
        let read = |value| read_thinking(Item::new("thinking", value)).unwrap();
        assert_eq!(read(json!({"type": "enabled", "token_budget": 9})).budget, Some(9));
        assert!(read(json!({"type": "disabled"})).disabled);
        let mut request = ChatRequest::new(Dialect::OpenAi, "m");
        let mut write = |thinking| {
            request.extra.insert("thinking".into(), thinking);
            write_thinking(&request, "m", &mut Fit::new("Cohere", &Shaping::default())).unwrap().unwrap()
        };
        let own = json!({"type": "enabled", "token_budget": 9});
        assert_eq!(write(own.clone()), own);
        assert_eq!(write(json!({"type": "enabled", "budget_tokens": 9})), own);
    }
}
