//! A whole chat completion, for a client.

use bytes::Bytes;
use llmux_core::Dialect;
use serde_json::{Map, Value, json};

use super::{
    message_write::{write_annotations, write_call},
    reasoning::write_block,
    usage::write_usage,
};
use crate::{
    chat::{ChatAnswer, Choice, Citation, Content, Part},
    gemini::inline_image,
};

/// Writes a whole answer. `created` (seconds since 1970) is used where the provider gave no time.
#[must_use]
pub fn write_answer(answer: &ChatAnswer, created: u64) -> Bytes {
    let choices: Vec<_> =
        answer.choices.iter().enumerate().map(|(at, choice)| write_choice(at, choice)).collect();
    let mut out = Map::new();
    out.insert("id".into(), answer.id.as_str().into());
    out.insert("object".into(), "chat.completion".into());
    out.insert("created".into(), answer.created.unwrap_or(created).into());
    out.insert("model".into(), answer.model.as_str().into());
    out.insert("choices".into(), choices.into());
    if let Some(usage) = &answer.usage {
        out.insert("usage".into(), write_usage(usage));
    }
    if let Some(tier) = &answer.service_tier {
        out.insert("service_tier".into(), write_tier(tier).into());
    }
    // What an answer of another dialect has under these names means something else.
    let free = answer.extra.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
    out.extend(free.map(|(name, value)| (name.clone(), value.clone())));
    Value::Object(out).to_string().into()
}

/// The fields of an answer that have a meaning of their own here.
const OWN: &[&str] = &["id", "object", "created", "model", "choices", "usage", "service_tier"];

/// Anthropic's word for OpenAI's `default` is `standard`.
pub(super) fn write_tier(tier: &str) -> &str {
    if tier == "standard" { "default" } else { tier }
}

fn write_choice(at: usize, choice: &Choice) -> Value {
    let finish = choice.finish.as_ref().map(|reason| reason.openai());
    json!({
        "index": at,
        "message": write_message(&choice.parts),
        "logprobs": choice.logprobs,
        "finish_reason": finish,
    })
}

fn write_message(parts: &[Part]) -> Value {
    let mut gathered = Gathered::default();
    for part in parts {
        gathered.add(part);
    }
    gathered.into_message()
}

/// What an answer's parts add up to in one message.
#[derive(Default)]
struct Gathered {
    text: Option<String>,
    refusal: Option<String>,
    reasoning: String,
    thinking: Vec<Value>,
    signed: bool,
    calls: Vec<Value>,
    citations: Vec<Citation>,
    audio: Option<Value>,
    images: Vec<Value>,
    blocks: Vec<Value>,
}

impl Gathered {
    fn add(&mut self, part: &Part) {
        match &part.content {
            Content::Text { text, citations } => {
                self.text.get_or_insert_default().push_str(text);
                self.citations.extend(citations.iter().cloned());
            }
            Content::Refusal(text) => self.refusal.get_or_insert_default().push_str(text),
            Content::Reasoning { text, signature } => {
                self.reasoning.push_str(text);
                self.signed |= signature.is_some();
                self.thinking.extend(write_block(&part.content));
            }
            Content::RedactedReasoning(_) => {
                self.signed = true;
                self.thinking.extend(write_block(&part.content));
            }
            Content::ToolCall(call) => self.calls.push(write_call(call)),
            Content::Opaque { dialect: Dialect::OpenAi, value } if value.get("audio").is_some() => {
                self.audio = value.get("audio").cloned();
            }
            Content::Opaque { value, .. } => match write_image(value, self.images.len()) {
                Some(image) => self.images.push(image),
                None => self.blocks.push(value.clone()),
            },
            _ => {}
        }
    }

    fn into_message(self) -> Value {
        let mut out = Map::new();
        out.insert("role".into(), "assistant".into());
        out.insert("content".into(), self.text.map_or(Value::Null, Value::from));
        out.insert("refusal".into(), self.refusal.map_or(Value::Null, Value::from));
        if !self.reasoning.is_empty() {
            out.insert("reasoning_content".into(), self.reasoning.into());
        }
        // Without a signature there is nothing that a provider would want back.
        if self.signed {
            out.insert("thinking_blocks".into(), self.thinking.into());
        }
        if !self.calls.is_empty() {
            out.insert("tool_calls".into(), self.calls.into());
        }
        let annotations = write_annotations(&self.citations);
        if !annotations.is_empty() {
            out.insert("annotations".into(), annotations.into());
        }
        if !self.images.is_empty() {
            out.insert("images".into(), self.images.into());
        }
        if let Some(audio) = self.audio {
            out.insert("audio".into(), audio);
        }
        let foreign = provider_fields(&self.citations, self.blocks);
        if !foreign.is_empty() {
            out.insert("provider_specific_fields".into(), foreign.into());
        }
        Value::Object(out)
    }
}

/// An image that a model drew, as LiteLLM and hosts such as OpenRouter write it; `None` for any other block.
pub(super) fn write_image(block: &Value, index: usize) -> Option<Value> {
    let (mime, data) = inline_image(block)?;
    let url = format!("data:{mime};base64,{data}");
    Some(json!({ "type": "image_url", "image_url": { "url": url }, "index": index }))
}

/// What has no form in this dialect, under the names LiteLLM gives it.
fn provider_fields(citations: &[Citation], blocks: Vec<Value>) -> Map<String, Value> {
    let mut fields = Map::new();
    let raw: Vec<_> = citations
        .iter()
        .filter_map(|citation| citation.raw.as_ref())
        .filter(|(dialect, _)| *dialect != Dialect::OpenAi)
        .map(|(_, value)| value.clone())
        .collect();
    if !raw.is_empty() {
        fields.insert("citations".into(), raw.into());
    }
    if !blocks.is_empty() {
        fields.insert("content_blocks".into(), blocks.into());
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{FinishReason, ToolCall};

    fn message(parts: Vec<Part>) -> Value {
        let choice = Choice { parts, finish: Some(FinishReason::Stop), logprobs: None };
        let answer = ChatAnswer { choices: vec![choice], ..ChatAnswer::default() };
        let value: Value = serde_json::from_slice(&write_answer(&answer, 7)).unwrap();
        assert_eq!(value["created"], 7);
        value["choices"][0]["message"].clone()
    }

    #[test]
    fn signed_reasoning_is_given_both_as_text_and_as_blocks_to_send_back() {
        let message = message(vec![
            Part::new(Content::Reasoning { text: "hm".into(), signature: Some("s".into()) }),
            Part::text("hi"),
        ]);
        assert_eq!(message["reasoning_content"], "hm");
        assert_eq!(message["thinking_blocks"][0]["signature"], "s");
        assert_eq!(message["content"], "hi");
    }

    #[test]
    fn fields_of_another_dialect_do_not_take_the_place_of_this_ones() {
        let extra = json!({"model": {"a": 1}, "service_tier": 2, "trace": {}});
        let answer = ChatAnswer {
            model: "m".into(),
            choices: vec![Choice { parts: Vec::new(), finish: None, logprobs: None }],
            extra: extra.as_object().unwrap().clone(),
            ..ChatAnswer::default()
        };
        let value: Value = serde_json::from_slice(&write_answer(&answer, 7)).unwrap();
        assert_eq!((&value["model"], &value["trace"]), (&json!("m"), &json!({})));
        assert_eq!(value.get("service_tier"), None);
    }

    #[test]
    fn an_answer_of_calls_only_has_null_content() {
        let call = ToolCall { id: "1".into(), name: "f".into(), arguments: "{}".into() };
        let message = message(vec![Part::new(Content::ToolCall(call))]);
        assert_eq!((&message["content"], &message["tool_calls"][0]["id"]), (&Value::Null, &json!("1")));
    }
}
