//! Conversations as one text, in the words that models were trained with: their makers' templates.

use serde_json::{Map, Value};

use crate::chat::{Message, Role};

fn is_system(message: &Message) -> bool {
    matches!(message.role, Role::System | Role::Developer)
}

/// The rules of all system messages, and the turns.
fn parted(messages: &[Message]) -> (String, Vec<&Message>) {
    let (rules, turns): (Vec<_>, Vec<_>) = messages.iter().partition(|message| is_system(message));
    (rules.into_iter().map(Message::text).collect::<Vec<_>>().join("\n\n"), turns)
}

/// Llama 3's headers.
pub(super) fn llama(messages: &[Message]) -> String {
    let turn = |message: &Message| {
        let role = match message.role {
            Role::Assistant => "assistant",
            _ if is_system(message) => "system",
            _ => "user",
        };
        format!("<|start_header_id|>{role}<|end_header_id|>\n\n{}<|eot_id|>", message.text())
    };
    let turns: String = messages.iter().map(turn).collect();
    format!("<|begin_of_text|>{turns}<|start_header_id|>assistant<|end_header_id|>\n\n")
}

/// Mistral's instructions; rules stand in the first.
pub(super) fn mistral(messages: &[Message]) -> String {
    let (mut rules, turns) = parted(messages);
    let mut out = "<s>".to_owned();
    for message in turns {
        if message.role == Role::Assistant {
            out.push_str(&format!(" {}</s>", message.text()));
        } else {
            let rules = std::mem::take(&mut rules);
            let gap = if rules.is_empty() { "" } else { "\n\n" };
            out.push_str(&format!("[INST] {rules}{gap}{} [/INST]", message.text()));
        }
    }
    out
}

/// Titan's speakers.
pub(super) fn titan(messages: &[Message]) -> String {
    let (rules, turns) = parted(messages);
    if let [only] = turns.as_slice()
        && rules.is_empty()
    {
        return only.text();
    }
    let turn = |message: &&Message| {
        let speaker = if message.role == Role::Assistant { "Bot" } else { "User" };
        format!("{speaker}: {}\n", message.text())
    };
    let turns: String = turns.iter().map(turn).collect();
    let gap = if rules.is_empty() { "" } else { "\n\n" };
    format!("{rules}{gap}{turns}Bot: ")
}

/// Command's message, with the turns before it and the rules beside them.
pub(super) fn command(messages: &[Message], mut body: Map<String, Value>) -> Value {
    let (rules, mut turns) = parted(messages);
    let last = turns.pop().map(Message::text).unwrap_or_default();
    body.insert("message".into(), last.into());
    let turn = |message: &Message| {
        let role = if message.role == Role::Assistant { "CHATBOT" } else { "USER" };
        serde_json::json!({ "role": role, "message": message.text() })
    };
    if !turns.is_empty() {
        body.insert("chat_history".into(), turns.into_iter().map(turn).collect());
    }
    if !rules.is_empty() {
        body.insert("preamble".into(), rules.into());
    }
    body.into()
}
