//! `/api/generate` for clients: a prompt, asked of any chat provider.

use llmux_core::{Dialect, Error, Result};
use serde_json::Value;

use super::{message_read::read_images, request_read::read_common};
use crate::{
    chat::{ChatRequest, Message, Part, Role},
    json::read::Object,
};

/// What goes around the prompt at Ollama only.
const AROUND_THE_PROMPT: [&str; 4] = ["suffix", "template", "context", "raw"];

/// Reads a request as a conversation of one user message. It streams unless it says otherwise.
///
/// # Errors
/// A 400 that names the field at fault: also for `suffix`, `template`, `context` and `raw`, which a chat cannot
/// express.
pub fn read_generate_request(body: &[u8]) -> Result<ChatRequest> {
    let mut object = Object::parse(body)?;
    let mut request = ChatRequest::new(Dialect::Ollama, object.need_string("model")?);
    for name in AROUND_THE_PROMPT {
        if object.take(name).is_some_and(|item| says_something(&item.value)) {
            return Err(Error::unsupported(name, format!("`{name}` needs a model of Ollama's")));
        }
    }
    if let Some(system) = object.string("system")?.filter(|text| !text.is_empty()) {
        request.messages.push(Message::new(Role::System, vec![Part::text(system)]));
    }
    let mut parts = vec![Part::text(object.string("prompt")?.unwrap_or_default())];
    parts.extend(read_images(&mut object)?);
    request.messages.push(Message::new(Role::User, parts));
    read_common(&mut object, &mut request)?;
    request.extra.extend(object.rest());
    Ok(request)
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        other => *other != false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_a_message_of_the_users() {
        let body =
            br#"{"model":"m","prompt":"hi","system":"be brief","raw":false,"context":[],"stream":false}"#;
        let request = read_generate_request(body).unwrap();
        let messages = [
            Message::new(Role::System, vec![Part::text("be brief")]),
            Message::new(Role::User, vec![Part::text("hi")]),
        ];
        assert_eq!(request.messages, messages);
        assert!(!request.stream);
    }

    #[test]
    fn what_goes_around_the_prompt_is_refused_by_name() {
        let error = read_generate_request(br#"{"model":"m","prompt":"a","suffix":"b"}"#).unwrap_err();
        assert_eq!(error.param(), Some("suffix"));
    }
}
