//! The conversation as Anthropic takes it: instructions apart, then turns of alternating speakers.
//!
//! Instructions at the beginning become `system`. Later ones stay where they are for a client of Anthropic's own
//! dialect, which knows whether its model takes them; for other clients they become a part of the user's turn,
//! between `<system>` tags, since not every model takes them. They are never moved to the front: that would change
//! the order of the conversation and throw the prompt cache away.

use llmux_core::{Dialect, Result};
use serde_json::{Value, json};

use super::block_write::write_request_block;
use crate::chat::{ChatRequest, Content, Fit, Message, Part, Role};

/// The conversation in Anthropic's form.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// Blocks of the `system` field.
    pub(super) system: Vec<Value>,
    turns: Vec<Turn>,
}

#[derive(Debug)]
struct Turn {
    role: &'static str,
    /// Tool results stand before everything else in a turn.
    results: Vec<Value>,
    blocks: Vec<Value>,
}

impl Conversation {
    /// Puts a request's messages into turns.
    pub(super) fn of(request: &ChatRequest, fit: &mut Fit<'_>) -> Result<Self> {
        let native = request.source == Dialect::Anthropic;
        let mut conversation = Self::default();
        for (at, message) in request.messages.iter().enumerate() {
            conversation.add(message, &format!("messages[{at}]"), request.source, fit)?;
        }
        if conversation.turns.is_empty() && !native {
            // The API wants a turn of the user; OpenAI's does with instructions alone.
            let system = std::mem::take(&mut conversation.system);
            conversation.turn("user").blocks = system;
        }
        conversation.trim_prefill();
        Ok(conversation)
    }

    /// The turns, those without content left out.
    pub(super) fn into_messages(self) -> Vec<Value> {
        let turns = self.turns.into_iter().map(|mut turn| {
            turn.results.append(&mut turn.blocks);
            (turn.role, turn.results)
        });
        turns
            .filter(|(_, blocks)| !blocks.is_empty())
            .map(|(role, blocks)| json!({ "role": role, "content": blocks }))
            .collect()
    }

    fn add(&mut self, message: &Message, path: &str, source: Dialect, fit: &mut Fit<'_>) -> Result<()> {
        let native = source == Dialect::Anthropic;
        if message.name.is_some() && message.role != Role::Tool {
            fit.drop(&format!("{path}.name"));
        }
        let blocks = write_parts(message, path, source, fit)?;
        match message.role {
            Role::System | Role::Developer if self.turns.is_empty() => self.system.extend(blocks),
            Role::System | Role::Developer if native => self.turn("system").blocks.extend(blocks),
            Role::System | Role::Developer => {
                self.turn("user").blocks.extend(blocks.into_iter().map(tagged));
            }
            Role::User => self.turn("user").blocks.extend(blocks),
            Role::Assistant => self.turn("assistant").blocks.extend(blocks),
            Role::Tool => self.turn("user").results.extend(blocks),
        }
        Ok(())
    }

    /// The turn that a message of this role belongs to: the last one, if the same side speaks.
    fn turn(&mut self, role: &'static str) -> &mut Turn {
        let same = self.turns.pop_if(|turn| turn.role == role);
        let turn = same.unwrap_or(Turn { role, results: Vec::new(), blocks: Vec::new() });
        self.turns.push_mut(turn)
    }

    /// The API refuses an answer's beginning that ends in white space.
    fn trim_prefill(&mut self) {
        let Some(Turn { role: "assistant", blocks, .. }) = self.turns.last_mut() else { return };
        if let Some(Value::String(text)) = blocks.last_mut().and_then(|block| block.get_mut("text")) {
            text.truncate(text.trim_end().len());
        }
    }
}

fn write_parts(message: &Message, path: &str, source: Dialect, fit: &mut Fit<'_>) -> Result<Vec<Value>> {
    let is_instruction = matches!(message.role, Role::System | Role::Developer);
    // In chat completions reasoning stands beside the content, so its place is lost; here it must come first.
    let (first, rest): (Vec<_>, Vec<_>) = message
        .parts
        .iter()
        .enumerate()
        .partition(|(_, part)| source == Dialect::OpenAi && is_reasoning(part));
    let mut blocks = Vec::with_capacity(message.parts.len());
    for (at, part) in first.into_iter().chain(rest) {
        let path = format!("{path}.content[{at}]");
        if is_instruction && part.as_text().is_none() {
            fit.refuse(&path)?;
            continue;
        }
        blocks.extend(write_request_block(part, &path, fit)?);
    }
    Ok(blocks)
}

fn is_reasoning(part: &Part) -> bool {
    matches!(part.content, Content::Reasoning { .. } | Content::RedactedReasoning(_))
}

fn tagged(mut block: Value) -> Value {
    if let Some(Value::String(text)) = block.get_mut("text") {
        *text = format!("<system>\n{text}\n</system>");
    }
    block
}

#[cfg(test)]
mod tests {
    use llmux_core::Shaping;

    use super::*;
    use crate::chat::ToolCall;

    fn conversation(source: Dialect, messages: Vec<Message>) -> (Vec<Value>, Vec<Value>) {
        let mut request = ChatRequest::new(source, "m");
        request.messages = messages;
        let shaping = Shaping::default();
        let conversation = Conversation::of(&request, &mut Fit::new("anthropic", &shaping)).unwrap();
        (conversation.system.clone(), conversation.into_messages())
    }

    fn says(role: Role, text: &str) -> Message {
        Message::new(role, vec![Part::text(text)])
    }

    fn text(text: &str) -> Value {
        json!({"type": "text", "text": text})
    }

    fn turn(role: &str, blocks: &[Value]) -> Value {
        json!({"role": role, "content": blocks})
    }

    #[test]
    fn instructions_at_the_beginning_become_the_system_field() {
        let messages = vec![says(Role::System, "a"), says(Role::Developer, "b"), says(Role::User, "c")];
        let (system, messages) = conversation(Dialect::OpenAi, messages);
        assert_eq!(system, [text("a"), text("b")]);
        assert_eq!(messages, [turn("user", &[text("c")])]);
    }

    #[test]
    fn later_instructions_stay_where_they_are() {
        let messages = || vec![says(Role::User, "a"), says(Role::System, "b")];
        let (system, openai) = conversation(Dialect::OpenAi, messages());
        assert!(system.is_empty());
        assert_eq!(openai, [turn("user", &[text("a"), text("<system>\nb\n</system>")])]);
        let (_, native) = conversation(Dialect::Anthropic, messages());
        assert_eq!(native, [turn("user", &[text("a")]), turn("system", &[text("b")])]);
    }

    #[test]
    fn instructions_alone_become_the_users_turn() {
        let (system, messages) = conversation(Dialect::OpenAi, vec![says(Role::System, "a")]);
        assert_eq!((system.len(), messages), (0, vec![turn("user", &[text("a")])]));
    }

    #[test]
    fn one_sides_messages_are_one_turn_with_tool_results_first() {
        let result =
            Content::ToolResult { call_id: "c".into(), parts: vec![Part::text("42")], is_error: false };
        let messages = vec![
            says(Role::User, "a"),
            says(Role::User, "b"),
            Message::new(Role::Tool, vec![Part::new(result)]),
            says(Role::Assistant, "d"),
        ];
        let (_, messages) = conversation(Dialect::OpenAi, messages);
        let result = json!({"type": "tool_result", "tool_use_id": "c", "content": [text("42")]});
        assert_eq!(
            messages,
            [turn("user", &[result, text("a"), text("b")]), turn("assistant", &[text("d")])]
        );
    }

    #[test]
    fn reasoning_comes_first_unless_the_client_placed_it() {
        let parts = || {
            let call = ToolCall { id: "c".into(), name: "f".into(), arguments: "{}".into() };
            let thought = Content::Reasoning { text: "t".into(), signature: Some("s".into()) };
            vec![Message::new(Role::Assistant, vec![Part::new(Content::ToolCall(call)), Part::new(thought)])]
        };
        let first = |source| conversation(source, parts()).1[0]["content"][0]["type"].clone();
        assert_eq!(
            (first(Dialect::OpenAi), first(Dialect::Anthropic)),
            (json!("thinking"), json!("tool_use"))
        );
    }

    #[test]
    fn an_answers_beginning_loses_the_white_space_at_its_end() {
        let (_, messages) =
            conversation(Dialect::OpenAi, vec![says(Role::User, "a "), says(Role::Assistant, "b ")]);
        assert_eq!(messages, [turn("user", &[text("a ")]), turn("assistant", &[text("b")])]);
    }
}
