//! What an answer says, whole or streamed.

use llmux_core::Usage;
use llmux_wire::chat::{ChatAnswer, Content, Event, FinishReason};
use serde_json::Value;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Said {
    model: String,
    text: String,
    reasoning: String,
    redacted: bool,
    /// Name and arguments.
    calls: Vec<(String, String)>,
    /// Addresses that are cited.
    cited: Vec<Option<String>>,
    /// Blocks of Anthropic's own.
    opaque: Vec<Value>,
    finish: Option<FinishReason>,
    usage: Usage,
}

impl Said {
    pub(crate) fn in_answer(answer: &ChatAnswer) -> Self {
        let choice = &answer.choices[0];
        let mut said = Self {
            model: answer.model.clone(),
            finish: choice.finish.clone(),
            usage: answer.usage.unwrap(),
            ..Self::default()
        };
        for part in &choice.parts {
            match &part.content {
                Content::Text { text, citations } => {
                    said.text.push_str(text);
                    said.cited.extend(citations.iter().map(|citation| citation.url.clone()));
                }
                Content::Reasoning { text, .. } => said.reasoning.push_str(text),
                Content::RedactedReasoning(_) => said.redacted = true,
                Content::ToolCall(call) => said.calls.push((call.name.clone(), call.arguments.clone())),
                Content::Opaque { value, .. } => said.opaque.push(value.clone()),
                other => panic!("{other:?}"),
            }
        }
        said
    }

    pub(crate) fn in_events(events: &[Event]) -> Self {
        let mut said = Self::default();
        for event in events {
            match event {
                Event::Start { model, .. } => said.model.clone_from(model),
                Event::Text { text, .. } => said.text.push_str(text),
                Event::Reasoning { text, .. } => said.reasoning.push_str(text),
                Event::RedactedReasoning { .. } => said.redacted = true,
                Event::ToolCall { name, .. } => said.calls.push((name.clone(), String::new())),
                Event::Arguments { call, json, .. } => said.calls[*call as usize].1.push_str(json),
                Event::Citation { citation, .. } => said.cited.push(citation.url.clone()),
                Event::Opaque { value, .. } => said.opaque.push(value.clone()),
                Event::Finish { reason, .. } => said.finish = Some(reason.clone()),
                Event::Usage(usage) => said.usage.update(usage),
                Event::Error(error) => panic!("{error}"),
                _ => {}
            }
        }
        said
    }

    /// Compares with the facts of a recording.
    pub(crate) fn agrees(&self, facts: &Value, name: &str) {
        let one_of = |list: &Value, value: &Value| list.as_array().unwrap().contains(value);
        assert_eq!(Value::from(self.text.clone()), facts["text"], "text of {name}");
        assert_eq!(Value::from(self.reasoning.clone()), facts["reasoning"], "reasoning of {name}");
        assert_eq!(self.redacted, facts["redacted"] == true, "redacted reasoning of {name}");
        assert_eq!(self.model, facts["model"], "model of {name}");
        let finish = self.finish.as_ref().unwrap();
        assert!(one_of(&facts["finish"], &finish.openai().into()), "finish of {name}: {finish:?}");
        assert_eq!(finish.anthropic(), facts["native_finish"], "finish of {name}");

        let calls = facts["calls"].as_array().unwrap();
        assert_eq!(self.calls.len(), calls.len(), "calls of {name}");
        for ((tool, arguments), fact) in self.calls.iter().zip(calls) {
            assert_eq!(*tool, fact["name"], "call of {name}");
            assert_eq!(
                serde_json::from_str::<Value>(arguments).unwrap(),
                fact["args"],
                "arguments of {name}"
            );
        }

        let usage = &self.usage;
        assert!(
            one_of(&facts["usage"]["prompt"], &usage.prompt_total().into()),
            "prompt of {name}: {usage:?}"
        );
        assert!(one_of(&facts["usage"]["completion"], &usage.completion_total().into()), "answer of {name}");
        let native = &facts["usage_native"];
        assert_eq!(usage.input, native["input"], "input of {name}");
        assert_eq!(usage.cache_read, native["cache_read"], "cache reads of {name}");
        assert_eq!(usage.cache_write + usage.cache_write_1h, native["cache_write"], "cache writes of {name}");
    }
}
