//! Bodies of `invoke` in the forms of makers other than Anthropic: Meta's Llama, Mistral, Amazon's Titan and Nova, Cohere's
//! Command. Source: "Inference request parameters and response fields for foundation models" of Bedrock's guide.
//!
//! Nova's form is Converse's. The others take a text, or turns of texts; tools and images are for Converse.

mod prompt;
mod stream;

use bytes::Bytes;
use llmux_core::{Error, ErrorKind, Result, Usage};
use serde_json::{Map, Value, json};

use super::{answer_read, request_write};
use crate::chat::{ChatAnswer, ChatRequest, Choice, Content, FinishReason, Fit, Part, ResponseFormat};

pub use stream::NativeReader;

/// A maker with a form of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Native {
    /// Meta's Llama 3 and later.
    Llama,
    /// Mistral's models that take a prompt.
    Mistral,
    /// Amazon's Titan Text.
    Titan,
    /// Amazon's Nova.
    Nova,
    /// Cohere's Command R.
    Command,
}

impl Native {
    /// Reads it off the model's id or inference profile.
    #[must_use]
    pub fn of(model: &str) -> Option<Self> {
        let makers = [
            ("meta.llama", Self::Llama),
            ("mistral.", Self::Mistral),
            ("amazon.titan-text", Self::Titan),
            ("amazon.nova", Self::Nova),
            ("cohere.command-r", Self::Command),
        ];
        makers.into_iter().find(|(start, _)| model.contains(start)).map(|(_, maker)| maker)
    }

    /// Writes a request.
    ///
    /// # Errors
    /// When it holds what the form cannot carry.
    pub fn write_request(self, request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Bytes> {
        if self == Self::Nova {
            return nova(request, model, fit);
        }
        refuse(request, fit)?;
        let sampling = &request.sampling;
        let (limit, top_p, top_k, stop) = match self {
            Self::Llama => ("max_gen_len", "top_p", None, None),
            Self::Titan => ("maxTokenCount", "topP", None, Some("stopSequences")),
            Self::Command => ("max_tokens", "p", Some("k"), Some("stop_sequences")),
            _ => ("max_tokens", "top_p", Some("top_k"), Some("stop")),
        };
        let mut figures = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            figures.extend(value.map(|value| (name.to_owned(), value)));
        };
        set(limit, sampling.max_tokens.map(Value::from));
        set("temperature", sampling.temperature.clone().map(Value::from));
        set(top_p, sampling.top_p.clone().map(Value::from));
        for (name, own, value) in [
            ("top_k", top_k, sampling.top_k.map(Value::from)),
            ("stop", stop, (!sampling.stop.is_empty()).then(|| sampling.stop.clone().into())),
        ] {
            match own {
                Some(own) => set(own, value),
                None if value.is_some() => fit.refuse(name)?,
                None => {}
            }
        }
        let mut body = match self {
            Self::Titan => {
                let input = prompt::titan(&request.messages);
                json!({ "inputText": input, "textGenerationConfig": figures })
            }
            Self::Command => prompt::command(&request.messages, figures),
            Self::Llama => with("prompt", prompt::llama(&request.messages), figures),
            _ => with("prompt", prompt::mistral(&request.messages), figures),
        };
        if let Some(body) = body.as_object_mut() {
            body.extend(request.extra.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        Ok(body.to_string().into())
    }

    /// Reads a whole answer.
    ///
    /// # Errors
    /// [`ErrorKind::BadReply`] when the body is none.
    pub fn read_answer(self, body: &[u8], id: &str, model: &str) -> Result<ChatAnswer> {
        if self == Self::Nova {
            return answer_read::read_answer(body, id, model);
        }
        let value: Value = serde_json::from_slice(body).map_err(|error| bad(&error.to_string()))?;
        let text = text(&value).ok_or_else(|| bad("it holds no text"))?.to_owned();
        let finish = finish(&value).or(Some(FinishReason::Stop));
        let choice = Choice { parts: vec![Part::text(text)], finish, logprobs: None };
        Ok(ChatAnswer {
            id: id.to_owned(),
            model: model.to_owned(),
            choices: vec![choice],
            usage: usage(&value),
            ..ChatAnswer::default()
        })
    }
}

fn with(name: &str, prompt: String, mut figures: Map<String, Value>) -> Value {
    figures.insert(name.to_owned(), prompt.into());
    figures.into()
}

/// Converse's body, with a version, and with the model's own fields in their places.
fn nova(request: &ChatRequest, model: &str, fit: &mut Fit<'_>) -> Result<Bytes> {
    let mut body = request_write::build(request, model, fit)?;
    body.insert("schemaVersion".into(), "messages-v1".into());
    if let Some(Value::Object(own)) = body.remove("additionalModelRequestFields") {
        for (name, value) in own {
            match (body.get_mut(&name).and_then(Value::as_object_mut), value) {
                (Some(there), Value::Object(more)) => there.extend(more),
                (_, value) => _ = body.insert(name, value),
            }
        }
    }
    Ok(Value::Object(body).to_string().into())
}

/// What a text cannot carry.
fn refuse(request: &ChatRequest, fit: &mut Fit<'_>) -> Result<()> {
    let sampling = &request.sampling;
    let structured = request.format.as_ref().is_some_and(|format| !matches!(format, ResponseFormat::Text));
    let parts = || request.messages.iter().flat_map(|message| &message.parts);
    let other = parts().any(|part| {
        !matches!(part.content, Content::Text { .. } | Content::Reasoning { .. } | Content::Refusal(_))
    });
    for (name, given) in [
        ("tools", !request.tools.is_empty()),
        ("response_format", structured),
        ("reasoning_effort", request.reasoning.as_ref().is_some_and(|reasoning| !reasoning.disabled)),
        ("n", sampling.n.is_some_and(|count| count > 1)),
        ("seed", sampling.seed.is_some()),
        ("logprobs", sampling.logprobs == Some(true)),
        ("logit_bias", sampling.logit_bias.is_some()),
        ("frequency_penalty", sampling.frequency_penalty.is_some()),
        ("presence_penalty", sampling.presence_penalty.is_some()),
        ("messages.content", other),
    ] {
        if given {
            fit.refuse(name)?;
        }
    }
    Ok(())
}

/// The text of an answer, or of a chunk, whoever made it.
fn text(value: &Value) -> Option<&str> {
    let places = ["/generation", "/outputs/0/text", "/results/0/outputText", "/outputText", "/text"];
    places.iter().find_map(|place| value.pointer(place)?.as_str())
}

/// Why it ended, in any maker's words.
fn finish(value: &Value) -> Option<FinishReason> {
    let places = [
        "/stop_reason",
        "/outputs/0/stop_reason",
        "/results/0/completionReason",
        "/completionReason",
        "/finish_reason",
    ];
    let word = places.iter().find_map(|place| value.pointer(place)?.as_str())?;
    Some(match word.to_ascii_lowercase().as_str() {
        "length" | "max_tokens" => FinishReason::Length,
        "stop" | "finish" | "finished" | "complete" => FinishReason::Stop,
        "stop_criteria_met" => FinishReason::StopSequence(None),
        "content_filtered" | "error_toxic" => FinishReason::ContentFilter,
        _ => FinishReason::Other(word.to_owned()),
    })
}

/// What was consumed, where an answer or the last chunk says so.
fn usage(value: &Value) -> Option<Usage> {
    let figure = |places: [&str; 3]| places.iter().find_map(|place| value.pointer(place)?.as_u64());
    let metrics = "/amazon-bedrock-invocationMetrics";
    let (input, output) = (format!("{metrics}/inputTokenCount"), format!("{metrics}/outputTokenCount"));
    let input = figure([&input, "/prompt_token_count", "/inputTextTokenCount"])?;
    let output = figure([&output, "/generation_token_count", "/results/0/tokenCount"])?;
    let mut usage = Usage::default();
    (usage.input, usage.output) = (input, output);
    Some(usage)
}

fn bad(detail: &str) -> Error {
    Error::upstream(ErrorKind::BadReply, format!("the provider's answer is not understood: {detail}"))
}

#[cfg(test)]
mod tests;
