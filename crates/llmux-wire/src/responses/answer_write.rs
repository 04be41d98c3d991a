//! A whole response, for a client.

use bytes::Bytes;
use llmux_core::Usage;
use serde_json::{Map, Value, json};

use super::{
    item_write::{COMPLETED, INCOMPLETE, items},
    settings::Settings,
    usage::write_usage,
};
use crate::chat::{ChatAnswer, Choice, FinishReason};

/// Writes a whole answer. A response has one alternative only: the first. `created` (seconds since 1970) is used
/// where the provider gave no time.
#[must_use]
pub fn write_answer(answer: &ChatAnswer, created: u64, settings: &Settings) -> Bytes {
    let nothing = Choice::default();
    let choice = answer.choices.first().unwrap_or(&nothing);
    let head = Head {
        id: response_id(&answer.id, created),
        model: answer.model.clone(),
        created: answer.created.unwrap_or(created),
        service_tier: answer.service_tier.clone(),
    };
    let items = items(&choice.parts, choice.logprobs.as_ref(), &head.id);
    let (status, details) = status(choice.finish.as_ref());
    let last = items.len().saturating_sub(1);
    let output: Vec<_> = items
        .iter()
        .enumerate()
        .map(|(at, item)| item.value(if at == last { status } else { COMPLETED }))
        .collect();
    let usage = answer.usage.unwrap_or_default();
    let outcome = Outcome { status, details, output, usage: Some(&usage), ..Outcome::default() };
    head.response(settings, outcome).to_string().into()
}

/// What is known of a response from its start.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) created: u64,
    pub(super) service_tier: Option<String>,
}

/// What has become of a response.
#[derive(Debug, Default)]
pub(super) struct Outcome<'a> {
    pub(super) status: &'a str,
    pub(super) details: Option<&'a str>,
    pub(super) error: Option<Value>,
    pub(super) output: Vec<Value>,
    pub(super) usage: Option<&'a Usage>,
}

impl Head {
    /// The response object.
    pub(super) fn response(&self, settings: &Settings, outcome: Outcome<'_>) -> Value {
        let mut out = Map::new();
        out.insert("id".into(), self.id.as_str().into());
        out.insert("object".into(), "response".into());
        out.insert("created_at".into(), self.created.into());
        out.insert("status".into(), outcome.status.into());
        out.insert("error".into(), outcome.error.unwrap_or_default());
        let details = outcome.details.map(|reason| json!({ "reason": reason }));
        out.insert("incomplete_details".into(), details.unwrap_or_default());
        out.insert("model".into(), self.model.as_str().into());
        out.insert("output".into(), outcome.output.into());
        if let Some(usage) = outcome.usage {
            out.insert("usage".into(), write_usage(usage));
        }
        if let Some(tier) = self.service_tier.as_deref().and_then(tier) {
            out.insert("service_tier".into(), tier.into());
        }
        out.extend(settings.fields());
        out.into()
    }
}

/// Ids of responses begin with `resp_`.
pub(super) fn response_id(id: &str, created: u64) -> String {
    match id {
        "" => format!("resp_{created}"),
        id if id.starts_with("resp_") => id.to_owned(),
        id => format!("resp_{id}"),
    }
}

/// The status of a finished response, and why it is not complete.
pub(super) fn status(finish: Option<&FinishReason>) -> (&'static str, Option<&'static str>) {
    match finish {
        Some(FinishReason::Length | FinishReason::ContextWindow) => (INCOMPLETE, Some("max_output_tokens")),
        Some(FinishReason::ContentFilter) => (INCOMPLETE, Some("content_filter")),
        _ => (COMPLETED, None),
    }
}

/// Anthropic's word for OpenAI's `default` is `standard`. Words of other hosts mean nothing here.
fn tier(tier: &str) -> Option<&str> {
    match tier {
        "standard" => Some("default"),
        "auto" | "default" | "flex" | "scale" | "priority" => Some(tier),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chat::{Content, Part, ToolCall},
        json::envelope,
    };

    fn write(parts: Vec<Part>, finish: FinishReason) -> Value {
        let body = br#"{"model":"m","input":"hi"}"#;
        let settings = Settings::of(body, &envelope::read(body).unwrap());
        let choice = Choice { parts, finish: Some(finish), logprobs: None };
        let answer = ChatAnswer { id: "x".into(), choices: vec![choice], ..ChatAnswer::default() };
        serde_json::from_slice(&write_answer(&answer, 7, &settings)).unwrap()
    }

    #[test]
    fn parts_become_items_in_their_order() {
        let call = ToolCall { id: "c".into(), name: "f".into(), arguments: String::new() };
        let answer = write(
            vec![
                Part::new(Content::Reasoning { text: "hm".into(), signature: Some("s".into()) }),
                Part::new(Content::RedactedReasoning("d".into())),
                Part::text("a"),
                Part::text("b"),
                Part::new(Content::ToolCall(call)),
            ],
            FinishReason::ToolCalls,
        );
        assert_eq!((&answer["id"], &answer["status"]), (&json!("resp_x"), &json!("completed")));
        let output = &answer["output"];
        assert_eq!(output[0]["summary"], json!([{"type": "summary_text", "text": "hm"}]));
        assert_eq!(output[0]["encrypted_content"], "llmux-1:signed:s");
        assert_eq!(output[1]["encrypted_content"], "llmux-1:redacted:d");
        assert_eq!(output[2]["content"][0]["text"], "ab");
        assert_eq!((&output[3]["call_id"], &output[3]["arguments"]), (&json!("c"), &json!("{}")));
    }

    #[test]
    fn an_answer_that_was_cut_off_says_why() {
        let answer = write(vec![Part::text("a")], FinishReason::Length);
        assert_eq!(
            (&answer["status"], &answer["output"][0]["status"]),
            (&json!("incomplete"), &json!("incomplete"))
        );
        assert_eq!(answer["incomplete_details"], json!({"reason": "max_output_tokens"}));
        let filtered = write(Vec::new(), FinishReason::ContentFilter);
        assert_eq!(filtered["incomplete_details"], json!({"reason": "content_filter"}));
    }
}
