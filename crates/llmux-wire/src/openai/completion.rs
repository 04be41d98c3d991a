//! OpenAI's legacy text completions, as a client dialect over any chat provider.

use bytes::{Bytes, BytesMut};
use llmux_core::{Dialect, Error, Result, Usage};
use serde_json::{Map, Value, json};

use super::{error::write_error, request_read::read_sampling, usage::write_usage};
use crate::{
    chat::{ChatAnswer, ChatRequest, Content, Event, FinishReason, Message, Part, Role},
    json::read::{Item, Object},
    sse, stream,
};

/// Reads a text completion request as a conversation of one user message.
///
/// # Errors
/// A 400 naming the field at fault: also for several prompts at once, prompts of token ids, `suffix`, `echo` and
/// `best_of`, which a chat cannot express.
pub fn read_completion_request(body: &[u8]) -> Result<ChatRequest> {
    let mut object = Object::parse(body)?;
    let mut request = ChatRequest::new(Dialect::OpenAi, object.need_string("model")?);
    let prompt = read_prompt(object.need("prompt")?)?;
    request.messages = vec![Message::new(Role::User, vec![Part::text(prompt)])];
    for name in ["suffix", "echo", "best_of"] {
        let plain = |item: &Item| item.value != Value::Bool(false) && item.value != 1;
        if object.take(name).as_ref().is_some_and(plain) {
            return Err(Error::unsupported(name, format!("`{name}` needs a provider with text completions")));
        }
    }
    // In chat `logprobs` is a switch and the number has a field of its own.
    let alternatives = object.count("logprobs")?;
    request.sampling = read_sampling(&mut object)?;
    request.sampling.logprobs = alternatives.map(|_| true);
    request.sampling.top_logprobs = alternatives;
    request.stream = object.bool("stream")?.unwrap_or_default();
    if let Some(mut options) = object.object("stream_options")? {
        request.stream_usage = options.bool("include_usage")?.unwrap_or_default();
    }
    request.user = object.string("user")?;
    request.extra = object.rest();
    Ok(request)
}

fn read_prompt(item: Item) -> Result<String> {
    let expected = "a string, or an array of one string";
    match &item.value {
        Value::String(text) => Ok(text.clone()),
        Value::Array(list) => match list.as_slice() {
            [Value::String(text)] => Ok(text.clone()),
            _ => Err(item.wrong(expected)),
        },
        _ => Err(item.wrong(expected)),
    }
}

/// Writes a whole answer as a text completion.
#[must_use]
pub fn write_completion_answer(answer: &ChatAnswer, created: u64) -> Bytes {
    let choices: Vec<_> = answer
        .choices
        .iter()
        .enumerate()
        .map(|(at, choice)| {
            let text: String = choice.parts.iter().filter_map(visible).collect();
            choice_value(at, &text, choice.finish.as_ref().map(finish_reason))
        })
        .collect();
    let mut out = Map::new();
    out.insert("id".into(), answer.id.as_str().into());
    out.insert("object".into(), "text_completion".into());
    out.insert("created".into(), answer.created.unwrap_or(created).into());
    out.insert("model".into(), answer.model.as_str().into());
    out.insert("choices".into(), choices.into());
    if let Some(usage) = &answer.usage {
        out.insert("usage".into(), write_usage(usage));
    }
    Value::Object(out).to_string().into()
}

fn visible(part: &Part) -> Option<&str> {
    match &part.content {
        Content::Text { text, .. } | Content::Refusal(text) => Some(text),
        _ => None,
    }
}

fn choice_value(at: impl Into<Value>, text: &str, finish: Option<&str>) -> Value {
    json!({ "index": at.into(), "text": text, "logprobs": null, "finish_reason": finish })
}

/// A text completion knows no tool calls.
fn finish_reason(reason: &FinishReason) -> &'static str {
    match reason {
        FinishReason::ToolCalls => "stop",
        other => other.openai(),
    }
}

/// Writes events as chunks of a text completion. What is no text is left out.
pub struct CompletionStreamWriter {
    id: String,
    model: String,
    created: u64,
    include_usage: bool,
    usage: Usage,
}

impl CompletionStreamWriter {
    /// A writer at the start of a stream; see [`StreamWriter::new`](super::StreamWriter::new).
    #[must_use]
    pub fn new(created: u64, include_usage: bool) -> Self {
        Self { id: String::new(), model: String::new(), created, include_usage, usage: Usage::default() }
    }

    fn chunk(&self, choices: Value, usage: Option<Value>, out: &mut BytesMut) {
        let mut chunk = json!({
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        });
        if let (Some(usage), Some(object)) = (usage, chunk.as_object_mut()) {
            object.insert("usage".into(), usage);
        }
        sse::write(out, "", chunk.to_string().as_bytes());
    }
}

impl stream::StreamWriter for CompletionStreamWriter {
    fn event(&mut self, event: Event, out: &mut BytesMut) {
        match event {
            Event::Start { id, model, created, .. } => {
                self.id = id;
                self.model = model;
                self.created = created.unwrap_or(self.created);
            }
            Event::Text { choice, text } | Event::Refusal { choice, text } => {
                self.chunk(json!([choice_value(choice, &text, None)]), None, out);
            }
            Event::Finish { choice, reason } => {
                self.chunk(json!([choice_value(choice, "", Some(finish_reason(&reason)))]), None, out);
            }
            Event::Usage(usage) => self.usage.update(&usage),
            Event::Ping => out.extend_from_slice(b": ping\n\n"),
            Event::Error(error) => self.error(&error, out),
            Event::End => {
                if self.include_usage {
                    self.chunk(json!([]), Some(write_usage(&self.usage)), out);
                }
                sse::write(out, "", b"[DONE]");
            }
            _ => {}
        }
    }

    fn error(&mut self, error: &Error, out: &mut BytesMut) {
        sse::write(out, "", &write_error(error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_becomes_one_user_message() {
        for body in [r#"{"model":"m","prompt":"hi"}"#, r#"{"model":"m","prompt":["hi"]}"#] {
            let request = read_completion_request(body.as_bytes()).unwrap();
            assert_eq!(request.messages, [Message::new(Role::User, vec![Part::text("hi")])]);
        }
    }

    #[test]
    fn what_a_chat_cannot_express_is_refused_by_name() {
        for (field, param) in
            [(r#""prompt":["a","b"]"#, "prompt"), (r#""prompt":"a","suffix":"b""#, "suffix")]
        {
            let error =
                read_completion_request(format!(r#"{{"model":"m",{field}}}"#).as_bytes()).unwrap_err();
            assert_eq!(error.param(), Some(param));
        }
    }
}
