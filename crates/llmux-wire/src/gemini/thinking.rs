//! How much the model thinks: `thinkingConfig`.
//!
//! Models up to Gemini 2.5 think on a budget, later ones by level. OpenAI's efforts become the budgets that
//! Google's own OpenAI-compatible endpoint gives them; budgets become levels by the same figures.

use llmux_core::{Error, Result};
use serde_json::{Map, Value, json};

use super::object::open;
use crate::{
    chat::{ChatRequest, Fit, ReasoningRequest},
    json::read::Item,
};

/// The budget with which a model decides itself.
const DYNAMIC: i64 = -1;
/// The budgets of the efforts.
const LOW: u64 = 1_024;
const MEDIUM: u64 = 8_192;
const HIGH: u64 = 24_576;
/// The least that Gemini 2.5 Pro thinks: it cannot be switched off.
const LEAST_OF_PRO: u64 = 128;

/// Reads the object; `None` when it asks for nothing.
pub(super) fn read_thinking(item: Item) -> Result<Option<ReasoningRequest>> {
    let mut config = open(item)?;
    let mut reasoning = ReasoningRequest::default();
    match config.number("thinkingBudget")?.and_then(|budget| budget.as_i64()) {
        Some(0) => reasoning.disabled = true,
        Some(budget) => match u64::try_from(budget) {
            Ok(budget) => reasoning.budget = Some(budget),
            Err(_) => reasoning.adaptive = true,
        },
        None => {}
    }
    let level = config.string("thinkingLevel")?.map(|level| level.to_ascii_lowercase());
    reasoning.effort = level.filter(|level| level != "thinking_level_unspecified");
    Ok(Some(reasoning).filter(|reasoning| *reasoning != ReasoningRequest::default()))
}

/// Writes the object for `model`; `None` when nothing is asked for.
pub(super) fn write_thinking(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Option<Value>> {
    let given = request.extra.get("thinking").filter(|thinking| thinking.is_object());
    let Some(mut wanted) = request.reasoning.clone().or_else(|| given.map(|_| ReasoningRequest::default()))
    else {
        return Ok(None);
    };
    if let Some(thinking) = given {
        // Anthropic's form in an OpenAI request says more than the effort does.
        wanted.disabled |= thinking.get("type").is_some_and(|kind| kind == "disabled");
        wanted.budget = thinking.get("budget_tokens").and_then(Value::as_u64).or(wanted.budget);
    }
    let off = wanted.disabled || wanted.effort.as_deref() == Some("none");
    // Responses may ask to see the thoughts without asking for any.
    let asks =
        off || wanted.adaptive || wanted.effort.is_some() || wanted.budget.is_some() || given.is_some();
    let generation = Generation::of(model);
    if generation == Generation::None {
        return if off || !asks { Ok(None) } else { fit.refuse("reasoning_effort").map(|()| None) };
    }
    let mut config = Map::new();
    if generation == Generation::Level {
        if asks {
            config.insert("thinkingLevel".into(), level(&wanted, off, model)?.into());
        }
    } else if let Some(budget) = budget(&wanted, off, model)? {
        config.insert("thinkingBudget".into(), budget);
    }
    if !off && wanted.display.as_deref() != Some("omitted") {
        config.insert("includeThoughts".into(), true.into());
    }
    Ok(Some(config.into()))
}

fn level(wanted: &ReasoningRequest, off: bool, model: &str) -> Result<&'static str> {
    let by_budget = || match wanted.budget {
        Some(budget) if budget <= LOW => "low",
        Some(budget) if budget <= MEDIUM => "medium",
        _ => "high",
    };
    let level = match wanted.effort.as_deref() {
        _ if off => "minimal",
        None => by_budget(),
        Some("minimal") => "minimal",
        Some("low") => "low",
        Some("medium") => "medium",
        Some("high" | "xhigh" | "max") => "high",
        Some(_) => return Err(unknown_effort()),
    };
    // The Pro models know fewer levels.
    Ok(match level {
        "minimal" if model.contains("-pro") => "low",
        "medium" if model.contains("gemini-3-pro") => "high",
        level => level,
    })
}

fn budget(wanted: &ReasoningRequest, off: bool, model: &str) -> Result<Option<Value>> {
    let least = if model.contains("2.5-pro") { LEAST_OF_PRO } else { 0 };
    if off {
        return Ok(Some(least.into()));
    }
    if let Some(budget) = wanted.budget {
        return Ok(Some(budget.max(least).into()));
    }
    Ok(match wanted.effort.as_deref() {
        None if wanted.adaptive => Some(json!(DYNAMIC)),
        None => None,
        Some("minimal" | "low") => Some(LOW.into()),
        Some("medium") => Some(MEDIUM.into()),
        Some("high" | "xhigh" | "max") => Some(HIGH.into()),
        Some(_) => return Err(unknown_effort()),
    })
}

fn unknown_effort() -> Error {
    let expected = "none, minimal, low, medium, high, xhigh, max";
    Error::invalid("reasoning_effort", format!("`reasoning_effort` must be one of {expected}"))
}

/// How a model's thinking is set.
#[derive(PartialEq, Eq)]
enum Generation {
    None,
    Budget,
    Level,
}

impl Generation {
    /// By the model's name; unknown ones think on a budget.
    fn of(model: &str) -> Self {
        let is = |names: &[&str]| names.iter().any(|name| model.contains(name));
        if is(&["gemini-1.", "gemini-2.0", "gemma-"]) {
            Self::None
        } else if is(&["gemini-3", "gemini-4"]) {
            Self::Level
        } else {
            Self::Budget
        }
    }
}

/// Whether a model wants the signatures of its calls back, or a word in their place.
pub(super) fn wants_signatures(model: &str) -> bool {
    Generation::of(model) == Generation::Level
}

#[cfg(test)]
mod tests {
    use llmux_core::{Dialect, Shaping};

    use super::*;

    fn write(effort: &str, model: &str) -> Result<Option<Value>> {
        let mut request = ChatRequest::new(Dialect::OpenAi, "m");
        request.reasoning =
            Some(ReasoningRequest { effort: Some(effort.to_owned()), ..ReasoningRequest::default() });
        write_thinking(&request, model, &mut Fit::new("gemini", &Shaping::default()))
    }

    #[test]
    fn efforts_are_budgets_or_levels_by_generation() {
        let written = |effort, model| write(effort, model).unwrap().unwrap();
        assert_eq!(
            written("medium", "gemini-2.5-flash"),
            json!({"thinkingBudget": 8192, "includeThoughts": true})
        );
        assert_eq!(written("none", "gemini-2.5-flash"), json!({"thinkingBudget": 0}));
        assert_eq!(written("none", "gemini-2.5-pro"), json!({"thinkingBudget": 128}));
        assert_eq!(
            written("high", "gemini-3-flash"),
            json!({"thinkingLevel": "high", "includeThoughts": true})
        );
        assert_eq!(written("none", "gemini-3-pro-preview"), json!({"thinkingLevel": "low"}));
        assert_eq!(write("low", "gemini-2.0-flash").unwrap_err().param(), Some("reasoning_effort"));
        assert_eq!(write("some", "gemini-2.5-pro").unwrap_err().param(), Some("reasoning_effort"));
    }

    #[test]
    fn who_wants_to_see_thoughts_does_not_ask_for_any() {
        let mut request = ChatRequest::new(Dialect::OpenAiResponses, "m");
        request.reasoning =
            Some(ReasoningRequest { display: Some("summarized".into()), ..ReasoningRequest::default() });
        let written =
            |model| write_thinking(&request, model, &mut Fit::new("gemini", &Shaping::default())).unwrap();
        assert_eq!(written("gemini-2.0-flash"), None);
        for model in ["gemini-2.5-flash", "gemini-3-flash"] {
            assert_eq!(written(model), Some(json!({"includeThoughts": true})));
        }
    }

    #[test]
    fn budgets_and_levels_are_read() {
        let read = |config: Value| read_thinking(Item::new("thinkingConfig", config)).unwrap();
        assert!(read(json!({"thinking_budget": 0})).unwrap().disabled);
        assert!(read(json!({"thinkingBudget": -1})).unwrap().adaptive);
        assert_eq!(read(json!({"thinkingBudget": 9})).unwrap().budget, Some(9));
        assert_eq!(read(json!({"thinkingLevel": "HIGH"})).unwrap().effort.as_deref(), Some("high"));
        assert_eq!(read(json!({"includeThoughts": true})), None);
    }
}
