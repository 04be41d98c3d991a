//! How much the model thinks: `thinking` and `output_config.effort`.
//!
//! A client of Anthropic's dialect gets what it wrote. OpenAI's effort is translated by the model's generation:
//!
//! - models that decide themselves when to think (Claude 4.6 and later) get `adaptive` thinking and the effort's
//!   word, `minimal` being `low`; `none` switches thinking off;
//! - models that think with a budget (Claude 3.7 to 4.5, and models of other makers behind this API) get a budget
//!   by the effort's word, see [`budget`]; `none` asks for nothing;
//! - models before that cannot think.

use llmux_core::{Dialect, Error, Result};
use serde_json::{Map, Value, json};

use crate::{
    chat::{ChatRequest, Content, Fit, Message, ReasoningRequest, Role},
    gemini,
    json::read::Item,
};

/// Reads `thinking`. A kind that is not known goes to `kept`.
pub(crate) fn read_thinking(item: Item, kept: &mut Map<String, Value>) -> Result<Option<ReasoningRequest>> {
    let whole = item.value.clone();
    let mut thinking = item.object()?;
    let mut reasoning =
        ReasoningRequest { display: thinking.string("display")?, ..ReasoningRequest::default() };
    match thinking.need_string("type")?.as_str() {
        "enabled" => {
            let budget = thinking.count("budget_tokens")?;
            reasoning.budget = Some(budget.ok_or_else(|| thinking.missing("budget_tokens"))?);
        }
        "adaptive" => reasoning.adaptive = true,
        "disabled" => reasoning.disabled = true,
        _ => {
            kept.insert("thinking".into(), whole);
            return Ok(None);
        }
    }
    Ok(Some(reasoning))
}

/// What a request says about thinking, in Anthropic's fields.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Thinking {
    /// The `thinking` object.
    pub(crate) config: Option<Value>,
    /// The word for `output_config.effort`.
    pub(crate) effort: Option<String>,
    /// The budget in `config`: `max_tokens` must be more.
    pub(crate) budget: Option<u64>,
}

/// Decides what to ask `model` for.
pub(crate) fn plan(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Thinking> {
    let native = request.source == Dialect::Anthropic;
    let mut reasoning = request.reasoning.clone().unwrap_or_default();
    if let Some(value) = request.extra.get("thinking").filter(|_| !native) {
        // Anthropic's own form in an OpenAI request says more than the effort does.
        let given = read_thinking(Item::new("thinking", value.clone()), &mut Map::new())?;
        let Some(given) = given else {
            return Ok(Thinking { config: Some(value.clone()), ..Thinking::default() });
        };
        reasoning = ReasoningRequest { effort: reasoning.effort, ..given };
    }
    let explicit = reasoning.adaptive || reasoning.disabled || reasoning.budget.is_some();
    if !native {
        let generation = Generation::of(model);
        if let Some(effort) = reasoning.effort.take() {
            effort_for(generation, &effort, explicit, &mut reasoning, fit)?;
        }
        if reasoning.budget.is_some() && is_unsigned_tool_loop(&request.messages) {
            fit.drop("reasoning_effort");
            return Ok(Thinking::default());
        }
    }
    Ok(Thinking { config: config(&reasoning), effort: reasoning.effort, budget: reasoning.budget })
}

/// Sets what OpenAI's effort means for models of a generation.
fn effort_for(
    generation: Generation,
    effort: &str,
    explicit: bool,
    reasoning: &mut ReasoningRequest,
    fit: &mut Fit<'_>,
) -> Result<()> {
    match (generation, effort) {
        (Generation::Adaptive, "none") => reasoning.disabled |= !explicit,
        (Generation::Adaptive, effort) => {
            reasoning.adaptive |= !explicit;
            reasoning.effort = Some(if effort == "minimal" { "low" } else { effort }.to_owned());
        }
        (_, "none") => {}
        (Generation::Budget, _) if explicit => {}
        (Generation::Budget, effort) => reasoning.budget = Some(budget(effort)?),
        (Generation::None, _) => fit.refuse("reasoning_effort")?,
    }
    Ok(())
}

/// The tokens that an effort stands for with models that think on a budget; LiteLLM's figures.
fn budget(effort: &str) -> Result<u64> {
    match effort {
        "minimal" | "low" => Ok(1_024),
        "medium" => Ok(2_048),
        "high" => Ok(4_096),
        "xhigh" => Ok(8_192),
        "max" => Ok(16_384),
        _ => {
            let expected = "none, minimal, low, medium, high, xhigh, max";
            Err(Error::invalid("reasoning_effort", format!("`reasoning_effort` must be one of {expected}")))
        }
    }
}

fn config(reasoning: &ReasoningRequest) -> Option<Value> {
    let mut config = match reasoning.budget {
        _ if reasoning.disabled => json!({ "type": "disabled" }),
        Some(budget) => json!({ "type": "enabled", "budget_tokens": budget }),
        None if reasoning.adaptive => json!({ "type": "adaptive" }),
        None => return None,
    };
    if let (Some(display), Some(fields)) = (&reasoning.display, config.as_object_mut()) {
        fields.insert("display".into(), display.as_str().into());
    }
    Some(config)
}

/// Whether the conversation stands in the middle of a tool loop whose turn lost its signed thinking, as OpenAI
/// clients lose it. Models that think with a budget refuse such a turn, so this request goes without thinking.
fn is_unsigned_tool_loop(messages: &[Message]) -> bool {
    let Some(Message { role: Role::Tool, .. }) = messages.last() else { return false };
    let turn = messages.iter().rfind(|message| message.role == Role::Assistant);
    turn.is_some_and(|turn| {
        !turn.parts.iter().any(|part| match &part.content {
            // What Gemini signed does not go to Anthropic.
            Content::Reasoning { signature: Some(signature), .. } => !gemini::is_sealed(signature),
            Content::RedactedReasoning(_) => true,
            _ => false,
        })
    })
}

/// How a model's thinking is steered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Generation {
    None,
    Budget,
    Adaptive,
}

impl Generation {
    /// Reads it off the model's name: `claude-3-7-sonnet-…`, `claude-opus-4-5-…`, with any prefix and suffix.
    fn of(model: &str) -> Self {
        let model = model.to_ascii_lowercase();
        let Some((_, name)) = model.split_once("claude-") else { return Self::Budget };
        let mut words = name.split(|c: char| !c.is_ascii_alphanumeric()).peekable();
        // Later names begin with the family, earlier ones with the version.
        let _family = words.next_if(|word| number(word).is_none());
        let version =
            words.next().and_then(number).map(|major| (major, words.next().and_then(number).unwrap_or(0)));
        match version {
            Some((..3, _) | (3, ..7)) => Self::None,
            Some((3, _) | (4, ..6)) => Self::Budget,
            _ => Self::Adaptive,
        }
    }
}

/// A part of a version; dates are longer.
fn number(word: &str) -> Option<u32> {
    word.parse().ok().filter(|number| *number < 100)
}

#[cfg(test)]
mod tests {
    use llmux_core::Shaping;

    use super::*;
    use crate::chat::{Part, ToolCall};

    fn request(effort: &str) -> ChatRequest {
        let mut request = ChatRequest::new(Dialect::OpenAi, "m");
        request.reasoning =
            Some(ReasoningRequest { effort: Some(effort.into()), ..ReasoningRequest::default() });
        request
    }

    fn planned(request: &ChatRequest, model: &str) -> Result<Thinking> {
        plan(request, model, &mut Fit::new("anthropic", &Shaping::default()))
    }

    #[test]
    fn the_generation_is_read_off_the_name() {
        for (model, generation) in [
            ("claude-3-5-sonnet-20241022", Generation::None),
            ("claude-3-opus-20240229", Generation::None),
            ("claude-instant-1.2", Generation::None),
            ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", Generation::Budget),
            ("claude-opus-4-20250514", Generation::Budget),
            ("claude-sonnet-4-5@20250929", Generation::Budget),
            ("anthropic/claude-haiku-4.5", Generation::Budget),
            ("claude-opus-4-6", Generation::Adaptive),
            ("claude-sonnet-5", Generation::Adaptive),
            ("claude-mythos-preview", Generation::Adaptive),
            ("glm-5.2", Generation::Budget),
        ] {
            assert_eq!(Generation::of(model), generation, "{model}");
        }
    }

    #[test]
    fn newer_models_get_the_effort_and_think_when_they_like() {
        let thinking = planned(&request("minimal"), "claude-opus-4-8").unwrap();
        assert_eq!((thinking.effort.as_deref(), thinking.budget), (Some("low"), None));
        assert_eq!(thinking.config, Some(json!({"type": "adaptive"})));
        let off = planned(&request("none"), "claude-opus-4-8").unwrap();
        assert_eq!((off.config, off.effort), (Some(json!({"type": "disabled"})), None));
    }

    #[test]
    fn older_models_get_a_budget_by_the_effort() {
        let thinking = planned(&request("high"), "claude-sonnet-4-5").unwrap();
        assert_eq!(thinking.config, Some(json!({"type": "enabled", "budget_tokens": 4096})));
        assert_eq!((thinking.effort, thinking.budget), (None, Some(4096)));
        assert_eq!(planned(&request("none"), "claude-sonnet-4-5").unwrap(), Thinking::default());
        assert_eq!(
            planned(&request("lots"), "claude-sonnet-4-5").unwrap_err().param(),
            Some("reasoning_effort")
        );
    }

    #[test]
    fn models_that_cannot_think_refuse_the_effort() {
        assert_eq!(planned(&request("low"), "claude-3-haiku").unwrap_err().param(), Some("reasoning_effort"));
    }

    #[test]
    fn anthropics_own_form_in_an_openai_request_is_honoured() {
        let mut request = request("high");
        request.extra.insert("thinking".into(), json!({"type": "enabled", "budget_tokens": 9}));
        assert_eq!(planned(&request, "claude-sonnet-4-5").unwrap().budget, Some(9));
    }

    #[test]
    fn an_anthropic_client_gets_what_it_wrote() {
        let mut request = request("medium");
        request.source = Dialect::Anthropic;
        let thinking = planned(&request, "claude-sonnet-4-5").unwrap();
        assert_eq!((thinking.config, thinking.effort.as_deref()), (None, Some("medium")));
    }

    #[test]
    fn a_tool_loop_without_signed_thinking_goes_on_without_thinking() {
        let mut request = request("high");
        let call = ToolCall { id: "c".into(), name: "f".into(), arguments: String::new() };
        request.messages = vec![
            Message::new(Role::Assistant, vec![Part::new(Content::ToolCall(call))]),
            Message::new(Role::Tool, Vec::new()),
        ];
        assert_eq!(planned(&request, "claude-sonnet-4-5").unwrap(), Thinking::default());
        let signed =
            |by: &str| Part::new(Content::Reasoning { text: "t".into(), signature: Some(by.into()) });
        request.messages[0].parts.insert(0, signed("gemini#s"));
        assert_eq!(planned(&request, "claude-sonnet-4-5").unwrap(), Thinking::default());
        request.messages[0].parts.insert(0, signed("s"));
        assert_eq!(planned(&request, "claude-sonnet-4-5").unwrap().budget, Some(4096));
    }
}
