//! A whole answer.

use llmux_core::Usage;
use serde_json::{Map, Value};

use super::Part;

/// A whole answer to a [`ChatRequest`](super::ChatRequest).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatAnswer {
    /// The provider's identifier of the answer.
    pub id: String,
    /// The model that answered, as the provider names it.
    pub model: String,
    /// When it was made, in seconds since 1970, where the provider says so.
    pub created: Option<u64>,
    /// The alternatives; nearly always one.
    pub choices: Vec<Choice>,
    /// What was consumed.
    pub usage: Option<Usage>,
    /// The service class that was used.
    pub service_tier: Option<String>,
    /// Top-level fields with no neutral form, such as `system_fingerprint`.
    pub extra: Map<String, Value>,
}

/// One alternative of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// What the model said, thought and called, in order.
    pub parts: Vec<Part>,
    /// Why it stopped.
    pub finish: Option<FinishReason>,
    /// Log probabilities, in OpenAI's shape.
    pub logprobs: Option<Value>,
}

/// Why the model stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// It was done.
    Stop,
    /// One of the client's stop texts came up; which one, where the provider says so.
    StopSequence(Option<String>),
    /// The token limit was reached.
    Length,
    /// The context window was full.
    ContextWindow,
    /// It calls tools.
    ToolCalls,
    /// The content was refused or filtered.
    ContentFilter,
    /// The provider paused a long turn; the client may send it back to go on.
    Pause,
    /// A reason with no neutral form, in the provider's word.
    Other(String),
}

impl FinishReason {
    /// OpenAI's word for it.
    #[must_use]
    pub fn openai(&self) -> &'static str {
        match self {
            Self::Stop | Self::StopSequence(_) | Self::Pause | Self::Other(_) => "stop",
            Self::Length | Self::ContextWindow => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
        }
    }

    /// Anthropic's word for it.
    #[must_use]
    pub fn anthropic(&self) -> &'static str {
        match self {
            Self::Stop | Self::Other(_) => "end_turn",
            Self::StopSequence(_) => "stop_sequence",
            Self::Length => "max_tokens",
            Self::ContextWindow => "model_context_window_exceeded",
            Self::ToolCalls => "tool_use",
            Self::ContentFilter => "refusal",
            Self::Pause => "pause_turn",
        }
    }
}
