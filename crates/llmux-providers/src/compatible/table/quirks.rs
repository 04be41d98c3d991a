//! In what ways a host can depart from OpenAI's own API.

/// Where a host departs from OpenAI's own API. Answers need no permission to be odd: a reader takes usage
/// wherever it comes, and both plain reasoning fields. What stands here about answers tells what to expect,
/// and in which form to send things back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quirks {
    /// Which name the limit on the answer's length goes by.
    pub max_tokens: MaxTokens,
    /// Whether `stream_options` with `include_usage` is understood. Where not, it must not be sent.
    pub stream_options: bool,
    /// Where the usage of a streamed answer is.
    pub usage_in_stream: UsageInStream,
    /// Whether the `developer` role is known. Where not, such messages go as `system`.
    pub developer_role: bool,
    /// Whether messages may carry a participant's `name`. Where not, it is left out.
    pub message_name: bool,
    /// Whether `n` may be more than 1.
    pub many_choices: bool,
    /// Where answers carry the model's reasoning.
    pub reasoning: ReasoningField,
    /// Whether the reasoning of earlier answers is sent back with them, in the form of
    /// [`Quirks::reasoning`]. Where not, it is left out.
    pub replay_reasoning: bool,
    /// How a request says how much to reason.
    pub reasoning_control: ReasoningControl,
    /// Which forms of `tool_choice` are understood.
    pub tool_choice: ToolChoice,
    /// The host's word for OpenAI's `tool_choice: "required"`.
    pub required_tool_choice: &'static str,
    /// Whether `parallel_tool_calls` is understood.
    pub parallel_tool_calls: bool,
    /// Whether a tool's `strict` is understood. Where not, it is left out.
    pub strict_tools: bool,
    /// Which forms of `response_format` are understood, besides plain text.
    pub structured: Structured,
    /// Whether message content must be a string: a list of nothing but text parts is then sent as one.
    pub content_as_string: bool,
    /// Chat parameters of OpenAI's that the host does not carry: it refuses them, or ignores them though they
    /// would change the answer. Parameters that another quirk speaks of are not repeated here.
    pub unsupported: &'static [&'static str],
    /// Chat parameters that the host has under another name: OpenAI's name, then the host's.
    pub renames: &'static [(&'static str, &'static str)],
    /// The same for embeddings.
    pub embedding_renames: &'static [(&'static str, &'static str)],
    /// What goes before a model name that has no slash in it.
    pub model_prefix: &'static str,
}

impl Quirks {
    /// What is assumed of a host unless its row says otherwise.
    pub const DEFAULT: Self = Self {
        // The older name is the one that practically every server knows; several ignore the newer one
        // without a word.
        max_tokens: MaxTokens::OldOnly,
        stream_options: true,
        usage_in_stream: UsageInStream::FinalChunk,
        developer_role: false,
        message_name: true,
        many_choices: true,
        reasoning: ReasoningField::ReasoningContent,
        replay_reasoning: false,
        reasoning_control: ReasoningControl::Effort,
        tool_choice: ToolChoice::Full,
        required_tool_choice: "required",
        parallel_tool_calls: true,
        strict_tools: true,
        structured: Structured::JsonSchema,
        content_as_string: false,
        unsupported: &[],
        renames: &[],
        embedding_renames: &[],
        model_prefix: "",
    };

    /// OpenAI itself.
    pub(crate) const OPENAI: Self =
        Self { max_tokens: MaxTokens::Either, developer_role: true, ..Self::DEFAULT };

    /// A host that passes requests on to OpenAI's own models among others, and so must be given what OpenAI
    /// is given.
    pub(super) const RELAY: Self = Self::OPENAI;
}

/// Which name the limit on the answer's length goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MaxTokens {
    /// Both are understood: what the client wrote stays.
    Either,
    /// Only `max_tokens`.
    OldOnly,
    /// Only `max_completion_tokens`.
    NewOnly,
}

/// Where the usage of a streamed answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsageInStream {
    /// As OpenAI does it: in a chunk of its own, without choices, after the last.
    FinalChunk,
    /// In the chunk that carries the finish reason, asked for or not.
    LastChoiceChunk,
    /// In every chunk, counted up: the last one is right.
    EveryChunk,
    /// In the chunk that carries the finish reason, under `x_groq`; newer answers repeat it at the top.
    XGroq,
}

/// Where answers carry the model's reasoning: in `message`, and in `delta` when streamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReasoningField {
    /// The string `reasoning_content`.
    ReasoningContent,
    /// The string `reasoning`.
    Reasoning,
    /// The list `reasoning_details` of typed blocks, some with a signature; `reasoning` may repeat the text.
    ReasoningDetails,
    /// At the start of `content`, between `<think>` and `</think>`.
    ThinkTags,
    /// In parts of `content`, which is then a list: parts of type `thinking` or `reasoning`.
    ContentParts,
    /// The list `thinking_blocks` of Anthropic's blocks, with their signatures; `reasoning_content` repeats the
    /// text.
    ThinkingBlocks,
    /// Nowhere: the host's models don't show any.
    None,
}

/// How a request says how much to reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReasoningControl {
    /// OpenAI's `reasoning_effort`.
    Effort,
    /// `thinking: {"type": "enabled"}` or `"disabled"`, without degrees.
    Thinking,
    /// `enable_thinking: true` or `false`, with an optional `thinking_budget` in tokens.
    EnableThinking,
    /// `reasoning: {"effort": "low"}`.
    ReasoningObject,
    /// Not at all.
    None,
}

/// Which forms of `tool_choice` are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolChoice {
    /// Every form of OpenAI's, a named function included.
    Full,
    /// The words only, no named function.
    Words,
    /// Only `auto` and `none`: no tool can be forced.
    AutoOnly,
}

/// Which forms of `response_format` are understood, besides plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Structured {
    /// `json_schema` and `json_object`.
    JsonSchema,
    /// `json_schema`, but not `json_object`.
    SchemaOnly,
    /// `json_object` only.
    JsonObject,
    /// None.
    None,
}
