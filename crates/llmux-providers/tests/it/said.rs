//! What an answer says to a client, read by readers of the tests' own: they share nothing with the code
//! they judge but the JSON parser.

mod anthropic;
mod bedrock;
mod cohere;
mod gemini;
mod ollama;
mod openai;
mod responses;

use llmux_core::{Dialect, ReplyReport};
use serde_json::Value;

/// What an answer says, whole or streamed.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Said {
    /// Dialects whose answers do not name it have none.
    pub(crate) model: Option<String>,
    pub(crate) text: String,
    pub(crate) reasoning: String,
    pub(crate) redacted: bool,
    /// Name and arguments.
    pub(crate) calls: Vec<(String, String)>,
    /// Why it ended, in OpenAI's words.
    pub(crate) finish: Option<String>,
    pub(crate) usage: Option<Tokens>,
}

/// Token counts, in the client's way of counting.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tokens {
    pub(crate) prompt: u64,
    pub(crate) completion: u64,
    /// Dialects that do not tell cached tokens apart have none.
    pub(crate) cached: Option<u64>,
    /// Dialects that do not tell reasoning tokens apart have none.
    pub(crate) reasoning: Option<u64>,
}

impl Said {
    /// In a whole answer.
    pub(crate) fn in_answer(dialect: Dialect, body: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        match dialect {
            Dialect::Anthropic => anthropic::answer(&value),
            Dialect::OpenAiResponses => responses::answer(&value),
            Dialect::Gemini => gemini::answer(&value),
            Dialect::Cohere => cohere::answer(&value),
            Dialect::Ollama => ollama::answer(&value),
            Dialect::BedrockConverse => bedrock::answer(&value),
            _ => openai::answer(&value),
        }
    }

    /// In a stream. Also says where it breaks the dialect's order of events.
    pub(crate) fn in_stream(dialect: Dialect, stream: &str) -> Result<Self, String> {
        match dialect {
            Dialect::Anthropic => anthropic::stream(stream),
            Dialect::OpenAiResponses => responses::stream(stream),
            Dialect::Gemini => gemini::stream(stream),
            Dialect::Cohere => cohere::stream(stream),
            Dialect::Ollama => ollama::stream(stream),
            Dialect::BedrockConverse => bedrock::stream(stream),
            _ => openai::stream(stream),
        }
    }

    /// What differs from the facts of a recording.
    pub(crate) fn against(&self, facts: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut same = |what: &str, ours: Value, fact: &Value| {
            if ours != *fact {
                wrong.push(format!("{what} is {ours}, should be {fact}"));
            }
        };
        same("text", self.text.as_str().into(), &facts["text"]);
        same("reasoning", self.reasoning.as_str().into(), &facts["reasoning"]);
        same("redacted reasoning", self.redacted.into(), &(facts["redacted"] == true).into());
        // Cohere's answers name no model.
        if let (Some(model), true) = (&self.model, facts["model"].is_string()) {
            same("model", model.as_str().into(), &facts["model"]);
        }
        let calls: Value = self.calls.iter().map(call).collect();
        same("calls", calls, &facts["calls"]);
        wrong.extend(one_of("finish", self.finish.as_deref().into(), &facts["finish"]));
        if let Some(usage) = &self.usage {
            wrong.extend(one_of("prompt tokens", usage.prompt.into(), &facts["usage"]["prompt"]));
            wrong.extend(one_of("completion tokens", usage.completion.into(), &facts["usage"]["completion"]));
            if let (Some(cached), true) = (usage.cached, facts["cached"].is_u64()) {
                wrong.extend(one_of("cached tokens", cached.into(), &facts["cached"]));
            }
            if let (Some(ours), true) = (usage.reasoning, facts["reasoning_tokens"].is_u64()) {
                wrong.extend(one_of("reasoning tokens", ours.into(), &facts["reasoning_tokens"]));
            }
        } else if facts["usage"]["prompt"].is_array() {
            wrong.push("there is no usage".to_owned());
        }
        wrong
    }
}

fn call((name, arguments): &(String, String)) -> Value {
    let arguments = serde_json::from_str(arguments).unwrap_or_else(|_| Value::from(arguments.as_str()));
    serde_json::json!({"name": name, "args": arguments})
}

/// What differs between the report about an answer and the facts of a recording.
pub(crate) fn report_against(report: &ReplyReport, facts: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    if report.stream_error.is_some() || report.cut_short {
        wrong.push(format!("reported as failed: {:?}", report.stream_error));
    }
    wrong.extend(one_of("reported finish", report.finish_reason.as_deref().into(), &facts["finish"]));
    let usage = &report.usage;
    if facts["usage"]["prompt"].is_array() {
        wrong.extend(one_of("reported prompt", usage.prompt_total().into(), &facts["usage"]["prompt"]));
        wrong.extend(one_of(
            "reported completion",
            usage.completion_total().into(),
            &facts["usage"]["completion"],
        ));
    }
    for (what, ours, fact) in [
        ("reported cache reads", usage.cache_read, &facts["cached"]),
        ("reported reasoning", usage.reasoning, &facts["reasoning_tokens"]),
        ("reported input", usage.input, &facts["usage_native"]["input"]),
        (
            "reported cache writes",
            usage.cache_write + usage.cache_write_1h,
            &facts["usage_native"]["cache_write"],
        ),
    ] {
        if fact.is_u64() {
            wrong.extend(one_of(what, ours.into(), fact));
        }
    }
    wrong
}

/// A complaint unless `ours` is the fact, or one of them, or the fact is not known.
fn one_of(what: &str, ours: Value, fact: &Value) -> Option<String> {
    let fits = match fact {
        Value::Null => true,
        Value::Array(list) => list.contains(&ours),
        other => *other == ours,
    };
    (!fits).then(|| format!("{what}: {ours}, should be {fact}"))
}

/// The events of a stream: name and data. Comments and empty events are left out.
pub(crate) fn events(stream: &str) -> impl Iterator<Item = (String, String)> {
    let stream = stream.replace("\r\n", "\n");
    let frames: Vec<_> = stream.split("\n\n").map(str::to_owned).collect();
    frames.into_iter().filter_map(|frame| {
        let field = |name: &str| -> Vec<String> {
            let lines = frame.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            lines.map(|value| value.strip_prefix(' ').unwrap_or(value).to_owned()).collect()
        };
        let data = field("data").join("\n");
        (!data.is_empty()).then(|| (field("event").join(""), data))
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}
