//! A whole answer, for a client.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{content_write::write_answer_block, finish::write_finish, usage::write_usage};
use crate::chat::{ChatAnswer, Choice, Content};

/// Fields of Converse's own that an answer may have beside the common ones.
const OWN: [&str; 2] = ["additionalModelResponseFields", "trace"];

/// Writes a whole answer. Converse knows one alternative only: the first. How long the answer took, which the dialect
/// has a place for, is not known here and stands at zero.
#[must_use]
pub fn write_answer(answer: &ChatAnswer) -> Bytes {
    let nothing = Choice::default();
    let choice = answer.choices.first().unwrap_or(&nothing);
    let content: Vec<_> = choice.parts.iter().filter_map(|part| write_answer_block(&part.content)).collect();
    let calls = choice.parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
    let mut out = Map::new();
    out.insert("output".into(), json!({ "message": { "role": "assistant", "content": content } }));
    out.insert("stopReason".into(), write_finish(choice.finish.as_ref(), calls).into());
    out.insert("usage".into(), write_usage(&answer.usage.unwrap_or_default()));
    out.insert("metrics".into(), json!({ "latencyMs": 0 }));
    let tier = answer.service_tier.as_deref().and_then(write_tier);
    out.extend(tier.map(|tier| ("serviceTier".to_owned(), tier)));
    for name in OWN {
        out.extend(answer.extra.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    Value::Object(out).to_string().into()
}

/// The classes that the dialect knows; other hosts' words for the ordinary one mean `default`.
pub(super) fn write_tier(tier: &str) -> Option<Value> {
    let tier = match tier {
        "priority" | "default" | "flex" | "reserved" => tier,
        "standard" | "on_demand" => "default",
        _ => return None,
    };
    Some(json!({ "type": tier }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bedrock::read_answer,
        chat::{Citation, FinishReason, Part, ToolCall},
    };

    #[test]
    fn an_answer_has_every_field_that_clients_expect_and_is_read_back() {
        let call = ToolCall { id: "c".into(), name: "f".into(), arguments: r#"{"x":1}"#.into() };
        let cited = Citation { url: Some("https://a".into()), ..Citation::default() };
        let parts = vec![
            Part::new(Content::Reasoning { text: "hm".into(), signature: None }),
            Part::new(Content::RedactedReasoning("EtkE".into())),
            Part::new(Content::Text { text: "hi".into(), citations: vec![cited] }),
            Part::new(Content::ToolCall(call)),
        ];
        let choice = Choice { parts, finish: Some(FinishReason::Stop), logprobs: None };
        let answer = ChatAnswer { choices: vec![choice], ..ChatAnswer::default() };
        let written = write_answer(&answer);
        let value: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!((&value["stopReason"], &value["metrics"]["latencyMs"]), (&json!("tool_use"), &json!(0)));
        assert_eq!(value["usage"], json!({"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}));
        let again = read_answer(&written, "", "").unwrap();
        let (again, parts) = (&again.choices[0].parts, &answer.choices[0].parts);
        assert_eq!((&again[..2], &again[3]), (&parts[..2], &parts[3]));
        let Content::Text { text, citations } = &again[2].content else { panic!("a text") };
        assert_eq!((text.as_str(), citations[0].url.as_deref()), ("hi", Some("https://a")));
    }
}
