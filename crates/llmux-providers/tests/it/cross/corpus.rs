//! The corpus: neutral conversations and answers, each about one thing that a dialect may be able to carry.

mod answers;
mod conversations;
mod parameters;

use llmux_core::Dialect;
use llmux_wire::chat::{CacheMark, ChatAnswer, ChatRequest, Content, Message, Part, Role, Tool, ToolCall};
use serde_json::{Value, json};

/// A picture of one red pixel.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";

/// A conversation that is to be continued.
pub(super) struct Conversation {
    pub(super) feature: &'static str,
    pub(super) request: ChatRequest,
}

/// An answer.
pub(super) struct Answer {
    pub(super) feature: &'static str,
    pub(super) answer: ChatAnswer,
}

/// All conversations: what is said, and then the parameters.
pub(super) fn conversations() -> Vec<Conversation> {
    conversations::all().into_iter().chain(parameters::all()).collect()
}

pub(super) use self::answers::all as answers;

/// A conversation of these messages.
fn talk(feature: &'static str, messages: Vec<Message>) -> Conversation {
    let mut request = ChatRequest::new(Dialect::OpenAi, "");
    request.messages = messages;
    // Some dialects cannot do without.
    request.sampling.max_tokens = Some(2_000);
    Conversation { feature, request }
}

/// A short conversation with something else beside it.
fn with(feature: &'static str, change: impl FnOnce(&mut ChatRequest)) -> Conversation {
    let mut conversation = talk(feature, vec![user("Where do otters sleep?")]);
    change(&mut conversation.request);
    conversation
}

fn system(text: &str) -> Message {
    Message::new(Role::System, vec![Part::text(text)])
}

fn user(text: &str) -> Message {
    Message::new(Role::User, vec![Part::text(text)])
}

fn assistant(parts: Vec<Content>) -> Message {
    Message::new(Role::Assistant, parts.into_iter().map(Part::new).collect())
}

fn text(text: &str) -> Content {
    Part::text(text).content
}

fn call(id: &str, name: &str, arguments: &Value) -> Content {
    Content::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments: arguments.to_string() })
}

fn result(id: &str, parts: Vec<Part>) -> Message {
    let content = Content::ToolResult { call_id: id.into(), parts, is_error: false };
    Message::new(Role::Tool, vec![Part::new(content)])
}

fn cached(mut message: Message, mark: CacheMark) -> Message {
    message.parts.last_mut().unwrap().cache = Some(mark);
    message
}

fn tool(name: &str, parameters: Option<Value>) -> Tool {
    Tool::Function {
        name: name.into(),
        description: Some(format!("The tool {name}.")),
        parameters,
        strict: None,
        cache: None,
    }
}

/// A tool with an argument.
fn tide_table() -> Tool {
    tool(
        "tide_table",
        Some(json!({
            "type": "object",
            "properties": {"harbour": {"type": "string", "description": "Name of the harbour"}},
            "required": ["harbour"],
        })),
    )
}
