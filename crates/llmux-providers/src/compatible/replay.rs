//! The reasoning of earlier answers, in the form in which a host takes it back. Without it some hosts refuse to go
//! on after a tool call.

use llmux_wire::openai;
use serde_json::{Map, Value, json};

use super::table::{Quirks, ReasoningField};

/// The field in which reasoning arrives here.
pub(super) const FIELD: &str = "thinking_blocks";

/// Puts an assistant's reasoning into the host's form, or out. What the client wrote in that form itself stays.
pub(super) fn convert(quirks: &Quirks, message: &mut Map<String, Value>) {
    if quirks.reasoning == ReasoningField::ThinkingBlocks && quirks.replay_reasoning {
        return;
    }
    let Some(Value::Array(blocks)) = message.shift_remove(FIELD) else { return };
    if !quirks.replay_reasoning {
        return;
    }
    let text: String = blocks.iter().filter_map(|block| block.get("thinking")?.as_str()).collect();
    let mut put = |name: &str, value: Value| {
        message.entry(name).or_insert(value);
    };
    match quirks.reasoning {
        ReasoningField::ReasoningDetails => {
            put("reasoning_details", openai::details_of_blocks(&blocks).into());
        }
        _ if text.is_empty() => {}
        ReasoningField::ReasoningContent => put("reasoning_content", text.into()),
        ReasoningField::Reasoning => put("reasoning", text.into()),
        ReasoningField::ThinkTags => {
            if let Some(content) = message.get("content").map(Value::as_str) {
                let tagged = format!("<think>{text}</think>{}", content.unwrap_or_default());
                message.insert("content".to_owned(), tagged.into());
            }
        }
        ReasoningField::ContentParts => {
            let thinking = json!({ "type": "thinking", "thinking": [{ "type": "text", "text": text }] });
            let mut parts = vec![thinking];
            match message.get("content") {
                Some(Value::String(text)) if !text.is_empty() => {
                    parts.push(json!({ "type": "text", "text": text }));
                }
                Some(Value::Array(more)) => parts.extend(more.iter().cloned()),
                _ => {}
            }
            message.insert("content".to_owned(), parts.into());
        }
        ReasoningField::ThinkingBlocks | ReasoningField::None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(reasoning: ReasoningField, replay_reasoning: bool) -> Value {
        let mut message = json!({"role": "assistant", "content": "hi", "thinking_blocks": [
            {"type": "thinking", "thinking": "hm", "signature": "s"}]});
        let quirks = Quirks { reasoning, replay_reasoning, ..Quirks::DEFAULT };
        convert(&quirks, message.as_object_mut().unwrap());
        message
    }

    #[test]
    fn reasoning_goes_back_in_the_hosts_own_form() {
        let message = |field: &str, value: Value| json!({"role": "assistant", "content": "hi", field: value});
        let form = |reasoning| converted(reasoning, true);
        assert_eq!(form(ReasoningField::ReasoningContent), message("reasoning_content", "hm".into()));
        assert_eq!(form(ReasoningField::Reasoning), message("reasoning", "hm".into()));
        let detail = json!([{"type": "reasoning.text", "text": "hm", "signature": "s",
            "format": "anthropic-claude-v1", "index": 0}]);
        assert_eq!(form(ReasoningField::ReasoningDetails), message("reasoning_details", detail));
        assert_eq!(form(ReasoningField::ThinkTags)["content"], "<think>hm</think>hi");
        let parts = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
            {"type": "text", "text": "hi"}]);
        assert_eq!(form(ReasoningField::ContentParts)["content"], parts);
        assert_eq!(form(ReasoningField::ThinkingBlocks)["thinking_blocks"][0]["signature"], "s");
    }

    #[test]
    fn a_host_that_wants_none_back_gets_none() {
        let plain = json!({"role": "assistant", "content": "hi"});
        assert_eq!(converted(ReasoningField::ReasoningContent, false), plain);
    }
}
