//! How the answer is to be made.

use llmux_wire::chat::{ChatRequest, ReasoningRequest, ResponseFormat, Sampling, ToolChoice};
use serde_json::{Number, json};

use super::{Conversation, tide_table, with};

pub(in super::super) fn all() -> Vec<Conversation> {
    [sampling(), choices(), formats(), reasoning(), labels()].into_iter().flatten().collect()
}

fn number(value: f64) -> Option<Number> {
    Number::from_f64(value)
}

fn sampled(feature: &'static str, change: impl FnOnce(&mut Sampling)) -> Conversation {
    with(feature, |request| change(&mut request.sampling))
}

fn sampling() -> Vec<Conversation> {
    vec![
        sampled("token limit", |sampling| sampling.max_tokens = Some(77)),
        sampled("temperature", |sampling| sampling.temperature = number(0.25)),
        sampled("top p", |sampling| sampling.top_p = number(0.5)),
        sampled("top k", |sampling| sampling.top_k = Some(20)),
        sampled("frequency penalty", |sampling| sampling.frequency_penalty = number(0.5)),
        sampled("presence penalty", |sampling| sampling.presence_penalty = number(0.5)),
        sampled("seed", |sampling| sampling.seed = Some(7.into())),
        sampled("stop texts", |sampling| sampling.stop = vec!["END".into(), "STOP".into()]),
        sampled("several answers", |sampling| sampling.n = Some(2)),
        sampled("bias of tokens", |sampling| sampling.logit_bias = Some(json!({"50256": -100}))),
        sampled("log probabilities", |sampling| {
            sampling.logprobs = Some(true);
            sampling.top_logprobs = Some(2);
        }),
    ]
}

fn chosen(feature: &'static str, change: impl FnOnce(&mut ChatRequest)) -> Conversation {
    with(feature, |request| {
        request.tools = vec![tide_table()];
        change(request);
    })
}

fn choices() -> Vec<Conversation> {
    vec![
        chosen("free choice of tools", |request| request.tool_choice = Some(ToolChoice::Auto)),
        chosen("no tool may be called", |request| request.tool_choice = Some(ToolChoice::None)),
        chosen("some tool must be called", |request| request.tool_choice = Some(ToolChoice::Required)),
        chosen("this tool must be called", |request| {
            request.tool_choice = Some(ToolChoice::Named("tide_table".into()));
        }),
        chosen("one call at a time", |request| request.parallel_tool_calls = Some(false)),
    ]
}

fn formats() -> Vec<Conversation> {
    let schema = json!({
        "type": "object",
        "properties": {
            "places": {"type": "array", "items": {"type": "string"}},
            "sure": {"type": "boolean"},
        },
        "required": ["places", "sure"],
        "additionalProperties": false,
    });
    vec![
        with("answer in JSON", |request| request.format = Some(ResponseFormat::JsonObject)),
        with("answer by a JSON schema", |request| {
            request.format = Some(ResponseFormat::JsonSchema {
                name: Some("beds".into()),
                description: None,
                schema,
                strict: Some(true),
            });
        }),
    ]
}

fn thinking(feature: &'static str, reasoning: ReasoningRequest) -> Conversation {
    with(feature, |request| {
        request.sampling.max_tokens = Some(8_000);
        request.reasoning = Some(reasoning);
    })
}

fn reasoning() -> Vec<Conversation> {
    let none = ReasoningRequest::default;
    vec![
        thinking("reasoning effort", ReasoningRequest { effort: Some("low".into()), ..none() }),
        thinking("reasoning budget", ReasoningRequest { budget: Some(2_048), ..none() }),
        thinking("reasoning as the model likes", ReasoningRequest { adaptive: true, ..none() }),
        thinking("no reasoning", ReasoningRequest { disabled: true, ..none() }),
    ]
}

fn labels() -> Vec<Conversation> {
    vec![
        with("end user", |request| request.user = Some("user-7".into())),
        with("metadata", |request| {
            request.metadata = json!({"ship": "Hilde"}).as_object().cloned();
        }),
        with("service tier", |request| request.service_tier = Some("auto".into())),
    ]
}
