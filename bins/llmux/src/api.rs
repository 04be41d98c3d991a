//! A small client of the OpenAI-compatible HTTP API.

mod client;
mod error;
mod events;

pub(crate) use client::{Client, Endpoint, Timeouts};
pub(crate) use error::ApiError;
pub(crate) use events::Events;

use serde::Deserialize;

/// What an answer cost, in tokens; servers leave out or null what they do not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptTokens>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
struct PromptTokens {
    cached_tokens: Option<u64>,
}

impl Usage {
    /// Tokens of the request.
    pub(crate) fn prompt(self) -> u64 {
        self.prompt_tokens.unwrap_or_default()
    }

    /// Tokens of the answer.
    pub(crate) fn completion(self) -> u64 {
        self.completion_tokens.unwrap_or_default()
    }

    /// Prompt tokens that came from a cache.
    pub(crate) fn cached(self) -> u64 {
        self.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or_default()
    }
}

/// A whole answer or one event of a streamed one; both have the same outline.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Completion {
    #[serde(default)]
    choices: Vec<Choice>,
    /// Present in whole answers and in the last event of a stream.
    #[serde(default)]
    pub(crate) usage: Option<Usage>,
    /// An error in the middle of a stream.
    #[serde(default)]
    error: Option<serde_json::Value>,
}

impl Completion {
    /// Reads an answer or an event; one that carries an error is that error.
    pub(crate) fn read(json: &[u8]) -> Result<Self, ApiError> {
        let completion: Self = serde_json::from_slice(json).map_err(|error| {
            let start: String = String::from_utf8_lossy(json).chars().take(120).collect();
            ApiError::Unexpected(format!("{error} in `{start}`"))
        })?;
        match &completion.error {
            Some(error) if !error.is_null() => Err(ApiError::in_stream(error)),
            _ => Ok(completion),
        }
    }

    /// The text of the first choice; a refusal counts as text.
    pub(crate) fn text(&self) -> Option<&str> {
        let choice = self.choices.first()?;
        let message = choice.message.as_ref().or(choice.delta.as_ref())?;
        message.content.as_deref().or(message.refusal.as_deref()).filter(|text| !text.is_empty())
    }

    /// Whether the model said that it is finished.
    pub(crate) fn is_finished(&self) -> bool {
        self.choices.iter().any(|choice| choice.finish_reason.is_some())
    }
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    delta: Option<Message>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Completion {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_answer_and_an_event_read_alike() {
        let whole = read(r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#);
        let event = read(r#"{"choices":[{"delta":{"content":"hi"},"finish_reason":null}]}"#);
        assert_eq!((whole.text(), whole.is_finished()), (Some("hi"), true));
        assert_eq!((event.text(), event.is_finished()), (Some("hi"), false));
    }

    #[test]
    fn a_refusal_is_text_and_an_empty_delta_is_none() {
        assert_eq!(read(r#"{"choices":[{"delta":{"refusal":"no"}}]}"#).text(), Some("no"));
        assert_eq!(read(r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#).text(), None);
        assert_eq!(read(r#"{"choices":[]}"#).text(), None);
    }

    #[test]
    fn uncounted_tokens_are_none_at_all() {
        let usage = read(r#"{"usage":{"prompt_tokens":null}}"#).usage.unwrap();
        assert_eq!((usage.prompt(), usage.completion(), usage.cached()), (0, 0, 0));
        assert_eq!(read(r#"{"choices":[],"usage":null}"#).usage, None);
    }

    #[test]
    fn an_error_event_is_an_error() {
        let error =
            Completion::read(br#"{"error":{"message":"overloaded","type":"server_error"}}"#).unwrap_err();
        assert_eq!(error.to_string(), "overloaded (type server_error)");
    }

    #[test]
    fn garbage_is_shown_in_part() {
        assert!(Completion::read(b"<html>").unwrap_err().to_string().contains("in `<html>`"));
    }

    #[test]
    fn usage_tells_cached_tokens() {
        let usage = read(
            r#"{"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}}"#,
        )
        .usage
        .unwrap();
        assert_eq!((usage.prompt(), usage.completion(), usage.cached()), (9, 2, 4));
    }
}
