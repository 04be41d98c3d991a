//! What is known of the model behind a deployment.

use std::fmt;

use crate::{Bill, Terms, Usage};

/// Something that a model can do, or cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Capability {
    /// Calls functions.
    Tools,
    /// Calls several functions at once.
    ParallelTools,
    /// Lets the client say which function is called.
    ToolChoice,
    /// Keeps to a JSON schema.
    ResponseSchema,
    /// Takes system messages.
    SystemMessages,
    /// Sees images.
    Vision,
    /// Reads PDF documents.
    Pdf,
    /// Hears.
    AudioInput,
    /// Speaks.
    AudioOutput,
    /// Sees videos.
    VideoInput,
    /// Caches the beginnings of prompts.
    PromptCaching,
    /// Thinks before it answers.
    Reasoning,
    /// Searches the web on the provider's side.
    WebSearch,
    /// Goes on from the beginning of an answer.
    Prefill,
    /// Operates a computer.
    ComputerUse,
    /// Streams.
    Streaming,
    /// Reads the pages behind addresses.
    UrlContext,
    /// Embeds images.
    EmbedImages,
}

/// What is known of the model behind a deployment: limits, capabilities, prices.
///
/// Looking at it does no I/O and takes no lock: the router asks while it chooses, and each answer is billed by it.
pub trait ModelFacts: fmt::Debug + Send + Sync {
    /// Most tokens that a prompt may have. `requested` is the provider's name of the model that is asked for: it
    /// decides where one deployment serves several models.
    fn max_input_tokens(&self, requested: &str) -> Option<u64>;

    /// Most tokens that an answer may have.
    fn max_output_tokens(&self, requested: &str) -> Option<u64>;

    /// Whether the model can do this; `None` when nobody said.
    fn supports(&self, requested: &str, capability: Capability) -> Option<bool>;

    /// What usage costs on these terms; `None` when no price is known.
    fn bill(&self, usage: &Usage, terms: &Terms<'_>) -> Option<Bill>;
}
