//! `additionalModelRequestFields`: parameters that go to the model under its maker's own names.

use llmux_core::Result;
use serde_json::{Map, Number, Value, json};

use super::model::Family;
use crate::{
    anthropic::{read_choice, thinking},
    chat::{ChatRequest, Fit, ReasoningRequest, ToolChoice},
    json::read::Object,
};

/// Takes what has a neutral form; the rest stays.
pub(super) fn read_additional(mut fields: Object, request: &mut ChatRequest) -> Result<Map<String, Value>> {
    let mut kept = Map::new();
    request.sampling.top_k = fields.count("top_k")?;
    if let Some(mut config) = fields.object("inferenceConfig")? {
        request.sampling.top_k = config.count("topK")?.or(request.sampling.top_k);
        let rest = config.rest();
        if !rest.is_empty() {
            kept.insert("inferenceConfig".into(), rest.into());
        }
    }
    if let Some(item) = fields.take("thinking") {
        request.reasoning = thinking::read_thinking(item, &mut kept)?;
    }
    if fields.peek("tool_choice").is_some_and(Value::is_object)
        && let Some(choice) = fields.take("tool_choice")
    {
        read_choice(choice, request)?;
    }
    let mut effort = fields.string("reasoning_effort")?;
    if let Some(mut config) = fields.object("reasoningConfig")? {
        let disabled = config.string("type")?.is_some_and(|kind| kind == "disabled");
        effort = if disabled { Some("none".to_owned()) } else { config.string("maxReasoningEffort")? };
    }
    if let Some(effort) = effort {
        request.reasoning.get_or_insert_with(ReasoningRequest::default).effort = Some(effort);
    }
    kept.extend(fields.rest());
    Ok(kept)
}

/// What a model's own fields say, and what follows from it for the others.
#[derive(Debug, Default)]
pub(super) struct Additional {
    pub(super) fields: Map<String, Value>,
    /// The word for `outputConfig.effort`.
    pub(super) effort: Option<String>,
    /// Tokens to think with: the limit must be more.
    pub(super) budget: Option<u64>,
}

/// Writes the parameters that Converse itself has no word for.
pub(super) fn write_additional(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Additional> {
    let family = Family::of(model);
    let mut out = Additional::default();
    if let Some(top_k) = request.sampling.top_k {
        let (name, value) = match family {
            Family::Nova | Family::Nova2 => ("inferenceConfig", json!({ "topK": top_k })),
            _ => ("top_k", top_k.into()),
        };
        out.fields.insert(name.into(), value);
    }
    match family {
        Family::Claude => {
            let plan = thinking::plan(request, model, fit)?;
            out.fields.extend(plan.config.map(|config| ("thinking".to_owned(), config)));
            (out.effort, out.budget) = (plan.effort, plan.budget);
        }
        _ => write_effort(request, family, &mut out.fields, fit)?,
    }
    write_tool_choice(request, family, &mut out.fields, fit)?;
    write_unfit(request, fit)?;
    Ok(out)
}

/// The effort in the words of models that know three of them.
fn write_effort(
    request: &ChatRequest,
    family: Family,
    out: &mut Map<String, Value>,
    fit: &mut Fit<'_>,
) -> Result<()> {
    let Some(reasoning) = &request.reasoning else { return Ok(()) };
    let effort = effort(reasoning);
    match (family, effort) {
        (_, None) => {}
        (Family::OpenAi, Some("none")) | (Family::Nova | Family::Other, Some("none")) => {}
        (Family::OpenAi, Some(effort)) => _ = out.insert("reasoning_effort".into(), effort.into()),
        (Family::Nova2, Some("none")) => {
            out.insert("reasoningConfig".into(), json!({ "type": "disabled" }));
        }
        (Family::Nova2, Some(effort)) => {
            let config = json!({ "type": "enabled", "maxReasoningEffort": effort });
            out.insert("reasoningConfig".into(), config);
        }
        _ => fit.refuse("reasoning_effort")?,
    }
    Ok(())
}

/// `none`, `low`, `medium` or `high`, by the thresholds at which LiteLLM maps efforts to budgets.
fn effort(reasoning: &ReasoningRequest) -> Option<&'static str> {
    if reasoning.disabled {
        return Some("none");
    }
    let by_budget = |budget| match budget {
        0..2_048 => "low",
        2_048..4_096 => "medium",
        _ => "high",
    };
    match reasoning.effort.as_deref() {
        Some("none") => Some("none"),
        Some("minimal" | "low") => Some("low"),
        Some("medium") => Some("medium"),
        Some(_) => Some("high"),
        None if reasoning.adaptive => Some("medium"),
        None => reasoning.budget.map(by_budget),
    }
}

/// Converse has no word for single calls, nor for none at all: Claude takes both in its own form, in place of
/// `toolConfig.toolChoice`.
fn write_tool_choice(
    request: &ChatRequest,
    family: Family,
    out: &mut Map<String, Value>,
    fit: &mut Fit<'_>,
) -> Result<()> {
    if request.tools.is_empty() {
        return Ok(());
    }
    if family != Family::Claude {
        return if request.parallel_tool_calls == Some(false) {
            fit.refuse("parallel_tool_calls")
        } else {
            Ok(())
        };
    }
    if let Some(choice) = own_choice(request) {
        out.insert("tool_choice".into(), choice);
    }
    Ok(())
}

fn own_choice(request: &ChatRequest) -> Option<Value> {
    let mut choice = match &request.tool_choice {
        Some(ToolChoice::None) => return Some(json!({ "type": "none" })),
        _ if request.parallel_tool_calls != Some(false) => return None,
        None | Some(ToolChoice::Auto) => json!({ "type": "auto" }),
        Some(ToolChoice::Required) => json!({ "type": "any" }),
        Some(ToolChoice::Named(name)) => json!({ "type": "tool", "name": name }),
    };
    if let Some(fields) = choice.as_object_mut() {
        fields.insert("disable_parallel_tool_use".into(), true.into());
    }
    Some(choice)
}

/// Parameters that neither Converse nor the makers of its models have; values that ask for nothing beyond the default
/// are not worth a refusal.
fn write_unfit(request: &ChatRequest, fit: &mut Fit<'_>) -> Result<()> {
    let sampling = &request.sampling;
    let counts = |number: &Option<Number>| {
        number.as_ref().and_then(Number::as_f64).is_some_and(|number| number != 0.0)
    };
    let bias =
        sampling.logit_bias.as_ref().is_some_and(|bias| bias.as_object().is_none_or(|o| !o.is_empty()));
    let unfit = [
        ("n", sampling.n.is_some_and(|n| n > 1)),
        ("logprobs", sampling.logprobs == Some(true)),
        ("top_logprobs", sampling.top_logprobs.is_some_and(|count| count > 0)),
        ("logit_bias", bias),
        ("frequency_penalty", counts(&sampling.frequency_penalty)),
        ("presence_penalty", counts(&sampling.presence_penalty)),
        ("seed", sampling.seed.is_some()),
    ];
    unfit.into_iter().filter(|(_, asked)| *asked).try_for_each(|(name, _)| fit.refuse(name))
}

#[cfg(test)]
mod tests {
    use llmux_core::{Dialect, Shaping};

    use super::*;
    use crate::chat::Tool;

    fn additional(model: &str, change: impl FnOnce(&mut ChatRequest)) -> Result<Additional> {
        let mut request = ChatRequest::new(Dialect::OpenAi, "m");
        change(&mut request);
        write_additional(&request, model, &mut Fit::new("Bedrock", &Shaping::default()))
    }

    fn effort(word: &str) -> impl FnOnce(&mut ChatRequest) {
        let reasoning = ReasoningRequest { effort: Some(word.into()), ..ReasoningRequest::default() };
        |request| request.reasoning = Some(reasoning)
    }

    #[test]
    fn effort_has_each_makers_own_form() {
        let fields = |model, word| Value::from(additional(model, effort(word)).unwrap().fields);
        assert_eq!(fields("openai.gpt-oss-20b-1:0", "xhigh"), json!({"reasoning_effort": "high"}));
        let nova = json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}});
        assert_eq!(fields("us.amazon.nova-2-lite-v1:0", "minimal"), nova);
        let budget = json!({"thinking": {"type": "enabled", "budget_tokens": 2048}});
        assert_eq!(fields("anthropic.claude-sonnet-4-20250514-v1:0", "medium"), budget);
        let adaptive = additional("us.anthropic.claude-opus-4-8", effort("max")).unwrap();
        assert_eq!(Value::from(adaptive.fields), json!({"thinking": {"type": "adaptive"}}));
        assert_eq!(adaptive.effort.as_deref(), Some("max"));
        let refused = additional("meta.llama3-1-8b-instruct-v1:0", effort("low")).unwrap_err();
        assert_eq!(refused.param(), Some("reasoning_effort"));
    }

    #[test]
    fn single_calls_are_claudes_own_choice() {
        let single = |request: &mut ChatRequest| {
            let value = json!({"systemTool": {"name": "x"}});
            request.tools.push(Tool::Opaque { dialect: Dialect::BedrockConverse, value });
            request.tool_choice = Some(ToolChoice::Required);
            request.parallel_tool_calls = Some(false);
        };
        let claude = additional("anthropic.claude-sonnet-4-20250514-v1:0", single).unwrap().fields;
        assert_eq!(claude["tool_choice"], json!({"type": "any", "disable_parallel_tool_use": true}));
        let other = additional("amazon.nova-pro-v1:0", single).unwrap_err();
        assert_eq!(other.param(), Some("parallel_tool_calls"));
    }

    #[test]
    fn what_is_written_for_a_model_is_read_back() {
        for model in ["amazon.nova-2-lite-v1:0", "anthropic.claude-sonnet-4-20250514-v1:0"] {
            let change = |request: &mut ChatRequest| {
                request.sampling.top_k = Some(7);
                effort("low")(request);
            };
            let fields = additional(model, change).unwrap().fields;
            let mut read = ChatRequest::new(Dialect::BedrockConverse, "m");
            assert!(read_additional(Object::root(fields), &mut read).unwrap().is_empty());
            assert_eq!(read.sampling.top_k, Some(7));
            let reasoning = read.reasoning.unwrap();
            assert!(reasoning.effort.as_deref() == Some("low") || reasoning.budget == Some(1_024));
        }
    }
}
