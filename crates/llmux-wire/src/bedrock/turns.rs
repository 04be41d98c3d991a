//! The conversation as Converse takes it: instructions apart, then turns of the user and the model.

use llmux_core::Result;
use serde_json::{Value, json};

use super::content_write::Blocks;
use crate::chat::{ChatRequest, Content, Fit, Message, Part, Role};

/// The conversation in Converse's form.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// Blocks of the `system` field.
    pub(super) system: Vec<Value>,
    turns: Vec<Turn>,
    blocks: Blocks,
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
        let mut conversation = Self::default();
        for (at, message) in request.messages.iter().enumerate() {
            conversation.add(message, &format!("messages[{at}]"), fit)?;
        }
        if conversation.turns.is_empty() {
            // The API wants a turn of the user; other dialects do with instructions alone.
            let system = std::mem::take(&mut conversation.system);
            conversation.turn("user").blocks = system;
        }
        conversation.trim_prefill();
        Ok(conversation)
    }

    /// The turns, those without content left out.
    pub(super) fn into_messages(self) -> Vec<Value> {
        let turns = self.turns.into_iter().map(|mut turn| {
            if turn.role == "user" {
                introduce(&mut turn.blocks);
            }
            turn.results.append(&mut turn.blocks);
            (turn.role, turn.results)
        });
        turns
            .filter(|(_, blocks)| !blocks.is_empty())
            .map(|(role, blocks)| json!({ "role": role, "content": blocks }))
            .collect()
    }

    fn add(&mut self, message: &Message, path: &str, fit: &mut Fit<'_>) -> Result<()> {
        if message.name.is_some() && message.role != Role::Tool {
            fit.drop(&format!("{path}.name"));
        }
        let instructs = matches!(message.role, Role::System | Role::Developer);
        let mut blocks = Vec::with_capacity(message.parts.len());
        // Where reasoning stands beside the content its place is lost; here it must come first.
        let (first, rest): (Vec<_>, Vec<_>) =
            message.parts.iter().enumerate().partition(|(_, part)| is_reasoning(part));
        for (at, part) in first.into_iter().chain(rest) {
            let path = format!("{path}.content[{at}]");
            if instructs && !matches!(part.content, Content::Text { .. } | Content::Opaque { .. }) {
                fit.refuse(&path)?;
                continue;
            }
            self.blocks.part(part, &path, fit, &mut blocks)?;
        }
        match message.role {
            Role::System | Role::Developer if self.turns.is_empty() => self.system.extend(blocks),
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

    /// Models refuse an answer's beginning that ends in white space.
    fn trim_prefill(&mut self) {
        let Some(Turn { role: "assistant", blocks, .. }) = self.turns.last_mut() else { return };
        if let Some(Value::String(text)) = blocks.last_mut().and_then(|block| block.get_mut("text")) {
            text.truncate(text.trim_end().len());
        }
    }
}

/// The API takes no documents in a turn without words.
fn introduce(blocks: &mut Vec<Value>) {
    let has = |name| blocks.iter().any(|block| block.get(name).is_some());
    if has("document") && !has("text") {
        blocks.insert(0, json!({ "text": "See the attached document." }));
    }
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
    use llmux_core::{Dialect, Shaping};

    use super::*;
    use crate::chat::Media;

    fn conversation(messages: Vec<Message>) -> (Vec<Value>, Vec<Value>) {
        let mut request = ChatRequest::new(Dialect::OpenAi, "m");
        request.messages = messages;
        let shaping = Shaping::default();
        let conversation = Conversation::of(&request, &mut Fit::new("Bedrock", &shaping)).unwrap();
        (conversation.system.clone(), conversation.into_messages())
    }

    fn says(role: Role, text: &str) -> Message {
        Message::new(role, vec![Part::text(text)])
    }

    #[test]
    fn instructions_come_first_and_later_ones_stay_where_they_are() {
        let messages = vec![says(Role::System, "a"), says(Role::User, "b"), says(Role::Developer, "c")];
        let (system, messages) = conversation(messages);
        assert_eq!(system, [json!({"text": "a"})]);
        let content = json!([{"text": "b"}, {"text": "<system>\nc\n</system>"}]);
        assert_eq!(messages, [json!({"role": "user", "content": content})]);
        let (system, messages) = conversation(vec![says(Role::System, "a")]);
        assert_eq!((system.len(), &messages[0]["content"]), (0, &json!([{"text": "a"}])));
    }

    #[test]
    fn one_sides_messages_are_one_turn_with_tool_results_first() {
        let result =
            Content::ToolResult { call_id: "c".into(), parts: vec![Part::text("42")], is_error: true };
        let messages = vec![says(Role::User, "a"), Message::new(Role::Tool, vec![Part::new(result)])];
        let result =
            json!({"toolResult": {"toolUseId": "c", "content": [{"text": "42"}], "status": "error"}});
        let turn = json!({"role": "user", "content": [result, {"text": "a"}]});
        assert_eq!(conversation(messages).1, [turn]);
    }

    #[test]
    fn a_document_does_not_come_without_words() {
        let source = Media::Text { mime: "text/plain".into(), text: "A".into() };
        let file = Content::File { source, name: None, context: None, citations: None };
        let (_, messages) = conversation(vec![Message::new(Role::User, vec![Part::new(file)])]);
        let document =
            json!({"document": {"format": "txt", "name": "Document 1", "source": {"bytes": "QQ=="}}});
        let content = json!([{"text": "See the attached document."}, document]);
        assert_eq!(messages[0]["content"], content);
    }
}
