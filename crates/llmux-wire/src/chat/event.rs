//! A streamed answer, piece by piece.

use llmux_core::{Error, Usage};
use serde_json::Value;

use super::{Citation, FinishReason};

/// One step of a streamed answer.
///
/// A well-formed stream is `Start`, then content of any kind, a `Finish` for each choice, `Usage` at any time
/// (the last word in each bucket counts) and `End`. `choice` is the alternative's index, `call` the index of a
/// tool call among the tool calls of its choice.
#[derive(Debug)]
pub enum Event {
    /// The answer begins.
    Start {
        /// The provider's identifier of the answer.
        id: String,
        /// The model that answers, as the provider names it.
        model: String,
        /// When it was made, in seconds since 1970, where the provider says so.
        created: Option<u64>,
        /// The service class that is used, where the provider says so.
        service_tier: Option<String>,
    },
    /// More text.
    Text {
        /// The alternative.
        choice: u32,
        /// The text.
        text: String,
    },
    /// More of a refusal.
    Refusal {
        /// The alternative.
        choice: u32,
        /// The text.
        text: String,
    },
    /// More reasoning.
    Reasoning {
        /// The alternative.
        choice: u32,
        /// The text.
        text: String,
    },
    /// The proof that ends a piece of reasoning.
    ReasoningSignature {
        /// The alternative.
        choice: u32,
        /// The signature, or a piece of it.
        signature: String,
    },
    /// A piece of reasoning that only the provider can read.
    RedactedReasoning {
        /// The alternative.
        choice: u32,
        /// The data.
        data: String,
    },
    /// A tool call begins.
    ToolCall {
        /// The alternative.
        choice: u32,
        /// Which call of the alternative.
        call: u32,
        /// Names the call.
        id: String,
        /// The tool.
        name: String,
    },
    /// More of a call's arguments.
    Arguments {
        /// The alternative.
        choice: u32,
        /// Which call of the alternative.
        call: u32,
        /// Text of a JSON object, split anywhere.
        json: String,
    },
    /// A source of the text so far.
    Citation {
        /// The alternative.
        choice: u32,
        /// The source.
        citation: Citation,
    },
    /// Log probabilities of the last text, in OpenAI's shape.
    Logprobs {
        /// The alternative.
        choice: u32,
        /// The figures.
        value: Value,
    },
    /// A content block that only one dialect understands, whole, as it stands there.
    Opaque {
        /// The alternative.
        choice: u32,
        /// The dialect.
        dialect: llmux_core::Dialect,
        /// The block.
        value: Value,
    },
    /// A choice is done.
    Finish {
        /// The alternative.
        choice: u32,
        /// Why.
        reason: FinishReason,
    },
    /// What was consumed so far.
    Usage(Usage),
    /// Nothing new, only a sign of life.
    Ping,
    /// The provider failed in the middle.
    Error(Error),
    /// The provider's terminal event.
    End,
}

impl Event {
    /// Whether this is content, and of the first alternative: all that dialects with a single answer show.
    pub(crate) fn is_first_choice(&self) -> bool {
        match self {
            Self::Text { choice, text }
            | Self::Refusal { choice, text }
            | Self::Reasoning { choice, text } => *choice == 0 && !text.is_empty(),
            Self::Arguments { choice, json, .. } => *choice == 0 && !json.is_empty(),
            Self::ReasoningSignature { choice, .. }
            | Self::RedactedReasoning { choice, .. }
            | Self::ToolCall { choice, .. }
            | Self::Citation { choice, .. }
            | Self::Logprobs { choice, .. }
            | Self::Opaque { choice, .. } => *choice == 0,
            _ => false,
        }
    }
}
