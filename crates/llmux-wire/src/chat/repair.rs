//! What is wrong with a conversation for providers that are strict about it, put right where `modify_params` allows it.

use serde_json::json;

use super::{ChatRequest, Content, Message, Part, Role, Tool};

/// What stands for the turn of a user who said nothing yet.
const OPENING: &str = "Please continue.";

/// Puts a conversation right for Anthropic's models and those of Bedrock:
/// - calls of tools want tools: without any, one that does nothing is offered;
/// - the user speaks first: where the model does, the user asks it to go on;
/// - texts are not empty: those that are, or hold only white space, are left out, also whole turns of the user.
pub fn repair(request: &mut ChatRequest) {
    let calls = |part: &Part| matches!(part.content, Content::ToolCall(_) | Content::ToolResult { .. });
    if request.tools.is_empty() && request.messages.iter().flat_map(|message| &message.parts).any(calls) {
        request.tools.push(Tool::Function {
            name: "dummy_tool".into(),
            description: Some("Does nothing. Do not call it.".into()),
            parameters: Some(json!({ "type": "object", "properties": {} })),
            strict: None,
            cache: None,
        });
    }
    for message in &mut request.messages {
        message.parts.retain(|part| part.as_text().is_none_or(|text| !text.trim().is_empty()));
        if message.parts.is_empty() && message.role == Role::User {
            message.parts.push(Part::text(OPENING));
        }
    }
    request.messages.retain(|message| !message.parts.is_empty());
    let first = request.messages.iter().position(|m| !matches!(m.role, Role::System | Role::Developer));
    if let Some(at) = first
        && request.messages.get(at).is_some_and(|message| message.role == Role::Assistant)
    {
        request.messages.insert(at, Message::new(Role::User, vec![Part::text(OPENING)]));
    }
}

#[cfg(test)]
mod tests {
    use llmux_core::Dialect;

    use super::*;
    use crate::chat::ToolCall;

    #[test]
    fn the_user_speaks_first_texts_say_something_and_calls_have_tools() {
        let mut request = ChatRequest::new(Dialect::OpenAi, "m");
        let call = ToolCall { id: "1".into(), name: "f".into(), arguments: String::new() };
        let call = Part::new(Content::ToolCall(call));
        request.messages = vec![
            Message::new(Role::System, vec![Part::text("s")]),
            Message::new(Role::Assistant, vec![Part::text("  "), call.clone()]),
            Message::new(Role::Assistant, vec![Part::text("")]),
            Message::new(Role::User, vec![Part::text("\n")]),
        ];
        repair(&mut request);
        let roles: Vec<_> = request.messages.iter().map(|message| message.role).collect();
        assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::User]);
        assert_eq!(request.messages[2].parts, [call]);
        assert_eq!(request.messages[3].text(), OPENING);
        assert!(matches!(&request.tools[..], [Tool::Function { name, .. }] if name == "dummy_tool"));
    }

    #[test]
    fn what_is_right_stays() {
        let mut request = ChatRequest::new(Dialect::OpenAi, "m");
        request.messages = vec![Message::new(Role::User, vec![Part::text("hi")])];
        let before = request.clone();
        repair(&mut request);
        assert_eq!(request, before);
    }
}
