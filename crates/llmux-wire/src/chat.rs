//! The neutral chat model: where chat-like dialects meet.
//!
//! A request is read from the client's dialect into [`ChatRequest`] and written in the provider's; an answer
//! comes back as [`ChatAnswer`], a stream as [`Event`]s. What a dialect says that has no neutral form is kept
//! as it is ([`ChatRequest::extra`], [`Content::Opaque`]) and reaches a dialect that understands it.

mod answer;
mod calls;
mod event;
mod fit;
mod names;
mod repair;
pub mod tokens;

pub use answer::{ChatAnswer, Choice, FinishReason};
pub(crate) use calls::Calls;
pub use event::Event;
pub use fit::Fit;
pub(crate) use fit::is_closed;
pub use names::{Renamed, ToolNames};
pub use repair::repair;

use llmux_core::{Dialect, Error, Result};
use serde_json::{Map, Number, Value};

/// A conversation turn that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// The dialect it was read from: names in [`extra`](Self::extra) are that dialect's.
    pub source: Dialect,
    /// The model asked for.
    pub model: String,
    /// The conversation, system instructions included, in order.
    pub messages: Vec<Message>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Whether the model must, may or must not call.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may make several calls in one turn.
    pub parallel_tool_calls: Option<bool>,
    /// The form of the answer's text.
    pub format: Option<ResponseFormat>,
    /// How much the model should think.
    pub reasoning: Option<ReasoningRequest>,
    /// How the answer is sampled.
    pub sampling: Sampling,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether the client wants usage at the end of a stream. Dialects that always report it set this.
    pub stream_usage: bool,
    /// An identifier of the end user, for the provider's abuse detection.
    pub user: Option<String>,
    /// Free-form labels.
    pub metadata: Option<Map<String, Value>>,
    /// The service class asked for, in the source dialect's word.
    pub service_tier: Option<String>,
    /// A cache mark on the whole request.
    pub cache: Option<CacheMark>,
    /// Top-level fields with no neutral form, under the source dialect's names.
    pub extra: Map<String, Value>,
}

impl ChatRequest {
    /// A request with nothing but its model.
    #[must_use]
    pub fn new(source: Dialect, model: impl Into<String>) -> Self {
        Self {
            source,
            model: model.into(),
            messages: Vec::new(),
            tools: Vec::new(),
            tool_choice: None,
            parallel_tool_calls: None,
            format: None,
            reasoning: None,
            sampling: Sampling::default(),
            stream: false,
            stream_usage: false,
            user: None,
            metadata: None,
            service_tier: None,
            cache: None,
            extra: Map::new(),
        }
    }
}

/// Sampling parameters. Numbers are kept as written, so that `1` stays `1` and `0.10` is not re-rounded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling {
    /// Most tokens to produce, reasoning included.
    pub max_tokens: Option<u64>,
    /// Randomness.
    pub temperature: Option<Number>,
    /// Nucleus sampling.
    pub top_p: Option<Number>,
    /// Only the k most likely tokens.
    pub top_k: Option<u64>,
    /// Penalty on frequent tokens.
    pub frequency_penalty: Option<Number>,
    /// Penalty on tokens seen.
    pub presence_penalty: Option<Number>,
    /// Seed for repeatable sampling.
    pub seed: Option<Number>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// How many answers.
    pub n: Option<u64>,
    /// Bias by token.
    pub logit_bias: Option<Value>,
    /// Whether to report log probabilities.
    pub logprobs: Option<bool>,
    /// How many alternatives to report per token.
    pub top_logprobs: Option<u64>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Instructions of the operator.
    System,
    /// Instructions of the developer: OpenAI's newer word for system.
    Developer,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// Results of tool calls; its parts are [`Content::ToolResult`].
    Tool,
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The speaker's name, where the dialect has one.
    pub name: Option<String>,
    /// What is said.
    pub parts: Vec<Part>,
}

impl Message {
    /// A message without a name.
    #[must_use]
    pub fn new(role: Role, parts: Vec<Part>) -> Self {
        Self { role, name: None, parts }
    }

    /// All text parts joined.
    #[must_use]
    pub fn text(&self) -> String {
        self.parts.iter().filter_map(Part::as_text).collect()
    }
}

/// One piece of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What it is.
    pub content: Content,
    /// Asks the provider to cache the prompt up to here.
    pub cache: Option<CacheMark>,
}

impl Part {
    /// A piece without a cache mark.
    #[must_use]
    pub fn new(content: Content) -> Self {
        Self { content, cache: None }
    }

    /// A piece of plain text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Content::Text { text: text.into(), citations: Vec::new() })
    }

    /// Sets the cache mark.
    #[must_use]
    pub fn with_cache(mut self, cache: Option<CacheMark>) -> Self {
        self.cache = cache;
        self
    }

    /// The text, if it is a text part.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.content {
            Content::Text { text, .. } => Some(text),
            _ => None,
        }
    }
}

/// The kinds of pieces.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Text, with what it cites.
    Text {
        /// The text.
        text: String,
        /// Sources, in order.
        citations: Vec<Citation>,
    },
    /// The model refuses, in words.
    Refusal(String),
    /// An image.
    Image {
        /// Where it is.
        source: Media,
        /// OpenAI's resolution hint: `low`, `high` or `auto`.
        detail: Option<String>,
    },
    /// A document.
    File {
        /// Where it is.
        source: Media,
        /// Its name or title.
        name: Option<String>,
        /// Context for the model, beside the content.
        context: Option<String>,
        /// Whether the model should cite it.
        citations: Option<bool>,
    },
    /// Recorded sound.
    Audio {
        /// Base64 data.
        data: String,
        /// `wav` or `mp3`.
        format: String,
    },
    /// The model calls a tool.
    ToolCall(ToolCall),
    /// What a tool call gave.
    ToolResult {
        /// The call it answers.
        call_id: String,
        /// The result.
        parts: Vec<Part>,
        /// The tool failed.
        is_error: bool,
    },
    /// The model's reasoning.
    Reasoning {
        /// The reasoning, possibly summarised or empty.
        text: String,
        /// The provider's proof that the text is unchanged; it must come back with it.
        signature: Option<String>,
    },
    /// Reasoning that only the provider can read; it must come back as it is.
    RedactedReasoning(String),
    /// A piece that only one dialect understands, as it stands there.
    Opaque {
        /// The dialect.
        dialect: Dialect,
        /// The piece.
        value: Value,
    },
}

/// Where the bytes of an image or document are.
#[derive(Clone, Debug, PartialEq)]
pub enum Media {
    /// At a URL.
    Url(String),
    /// Here, in base64.
    Base64 {
        /// The media type, such as `image/png`.
        mime: String,
        /// The data.
        data: String,
    },
    /// At the provider, uploaded before.
    FileId(String),
    /// Here, as text.
    Text {
        /// The media type, such as `text/plain`.
        mime: String,
        /// The text.
        text: String,
    },
}

impl Media {
    /// A URL, or the data inside a `data:` URL. `path` names the field in errors.
    ///
    /// # Errors
    /// A 400 when a data URL holds no base64.
    pub(crate) fn of_url(url: String, path: &str) -> Result<Self> {
        let Some(rest) = url.strip_prefix("data:") else {
            return Ok(Self::Url(url));
        };
        let (mime, data) = rest.split_once(";base64,").ok_or_else(|| {
            Error::invalid(path, format!("`{path}` holds a data URL that is not `data:TYPE;base64,DATA`"))
        })?;
        let mime = mime.split(';').next().unwrap_or_default();
        Ok(Self::Base64 { mime: mime.to_owned(), data: data.to_owned() })
    }
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    /// Names the call, so that a result can answer it.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments: a JSON object as text, exactly as the model wrote it. May be empty or broken JSON.
    pub arguments: String,
}

impl ToolCall {
    /// The arguments as JSON; an empty object when there are none or they are no JSON object.
    #[must_use]
    pub fn arguments_object(&self) -> Value {
        serde_json::from_str::<Map<String, Value>>(&self.arguments)
            .map_or_else(|_| Value::Object(Map::new()), Value::Object)
    }
}

/// A source that an answer cites.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Citation {
    /// Where the source is.
    pub url: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// The words that are cited.
    pub cited_text: Option<String>,
    /// The first and last-plus-one character of the answer's text that rests on it.
    pub span: Option<(u64, u64)>,
    /// The citation as its own dialect has it.
    pub raw: Option<(Dialect, Value)>,
}

/// Asks the provider to keep the prompt up to here in its cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheMark {
    /// For the provider's default time (5 minutes at Anthropic).
    Default,
    /// For an hour.
    OneHour,
}

/// Something the model may call.
#[derive(Clone, Debug, PartialEq)]
pub enum Tool {
    /// A function of the client's.
    Function {
        /// Its name.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// The JSON schema of its arguments.
        parameters: Option<Value>,
        /// Whether the arguments must follow the schema exactly.
        strict: Option<bool>,
        /// A cache mark behind it.
        cache: Option<CacheMark>,
    },
    /// A tool of one dialect only, as it stands there: server-side search, code execution, custom grammars.
    Opaque {
        /// The dialect it was read from.
        dialect: Dialect,
        /// The tool.
        value: Value,
    },
}

/// Whether the model calls tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// As it likes.
    Auto,
    /// Not at all.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

/// The form of the answer's text.
#[derive(Clone, Debug, PartialEq)]
pub enum ResponseFormat {
    /// Any text.
    Text,
    /// Some JSON object.
    JsonObject,
    /// JSON that follows a schema.
    JsonSchema {
        /// A name for the schema.
        name: Option<String>,
        /// What the answer is.
        description: Option<String>,
        /// The schema.
        schema: Value,
        /// Whether it must be followed exactly.
        strict: Option<bool>,
    },
}

/// How much the model should think before it answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReasoningRequest {
    /// OpenAI's and Anthropic's word: `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`.
    pub effort: Option<String>,
    /// Tokens to think with at most.
    pub budget: Option<u64>,
    /// The model decides itself whether to think (Anthropic's `adaptive`).
    pub adaptive: bool,
    /// Thinking is switched off explicitly.
    pub disabled: bool,
    /// How thinking is shown, in Anthropic's words: `summarized` or `omitted`.
    pub display: Option<String>,
}
