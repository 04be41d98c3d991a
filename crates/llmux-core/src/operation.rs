//! What is asked ([`Operation`]) and in which wire format ([`Dialect`]).

use std::fmt;

/// A wire format that a client or a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Dialect {
    /// OpenAI's API: chat completions, legacy completions, embeddings, images, audio and moderations.
    OpenAi,
    /// Anthropic's Messages API.
    Anthropic,
    /// OpenAI's Responses API.
    OpenAiResponses,
    /// Google's Gemini API: `generateContent`, streamed and whole, and `countTokens`.
    Gemini,
    /// Cohere's API, version 2: chat, embed and rerank.
    Cohere,
    /// Ollama's own API: chat, generate and embed.
    Ollama,
    /// Amazon Bedrock's Converse API: `converse`, `converse-stream` and `count-tokens`.
    BedrockConverse,
}

impl Dialect {
    /// A stable lower-case name for logs, metrics and docs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::OpenAiResponses => "responses",
            Self::Gemini => "gemini",
            Self::Cohere => "cohere",
            Self::Ollama => "ollama",
            Self::BedrockConverse => "bedrock_converse",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a client asks a model to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Operation {
    /// A conversation turn.
    Chat,
    /// OpenAI's legacy text completion.
    Completion,
    /// Texts to vectors.
    Embeddings,
    /// How many tokens a conversation has, without running it.
    CountTokens,
    /// A path of a provider's own, handed on as it is, of which nothing more is known.
    PassThrough,
    /// Images from a text.
    ImageGeneration,
    /// Images from images and a text.
    ImageEdit,
    /// Images from an image.
    ImageVariation,
    /// A text spoken.
    Speech,
    /// The words of a recording.
    Transcription,
    /// The words of a recording, in English.
    Translation,
    /// Whether a text or an image breaks rules.
    Moderation,
    /// A response that the provider keeps. The body of this and the following operations is no client's: an object
    /// with the response's `id` at the provider, and the `query` of the client's URL.
    ReadResponse,
    /// Deletes a response that the provider keeps.
    DeleteResponse,
    /// Cancels a response that runs in the background.
    CancelResponse,
    /// What a kept response was made from.
    ListResponseInput,
    /// The text of a document's pages.
    Ocr,
    /// Documents sorted by how well they answer a query.
    Rerank,
}

impl Operation {
    /// A stable lower-case name for logs, metrics and docs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completion => "completion",
            Self::Embeddings => "embeddings",
            Self::CountTokens => "count_tokens",
            Self::PassThrough => "pass_through",
            Self::ImageGeneration => "image_generation",
            Self::ImageEdit => "image_edit",
            Self::ImageVariation => "image_variation",
            Self::Speech => "speech",
            Self::Transcription => "transcription",
            Self::Translation => "translation",
            Self::Moderation => "moderation",
            Self::ReadResponse => "read_response",
            Self::DeleteResponse => "delete_response",
            Self::CancelResponse => "cancel_response",
            Self::ListResponseInput => "list_response_input",
            Self::Ocr => "ocr",
            Self::Rerank => "rerank",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
