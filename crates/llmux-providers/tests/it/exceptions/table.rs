//! What of the recorded traffic cannot pass, and why: the only place that names single cases.

/// What is asked of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// The answer as a client of the provider's own dialect gets it.
    Passed,
    /// The answer as a client of the other dialect gets it.
    Translated,
    /// The answer as a client of OpenAI's text completions gets it.
    Completed,
    /// The rules that every reader of streams keeps.
    Rules,
    /// The request that the provider gets.
    Request,
    /// A client's request without an answer, at OpenAI.
    ToOpenAi,
    /// A client's request without an answer, at Anthropic.
    ToAnthropic,
    /// A response as it passes through OpenAI.
    PassedResponse,
    /// A chat as a client of the Responses API gets it.
    TranslatedResponse,
    /// The rules that readers of streams keep for clients of the Responses API.
    ResponseRules,
    /// A client's request for a response, at a chat provider.
    ResponseRequest,
    /// A request for a response as Anthropic gets it, against the published schema.
    ResponseToMessages,
    /// A response made of a chat, against the published schema.
    ResponseSpecification,
    /// A refusal of the provider.
    Failure,
    /// A translated answer or an error, against the client's published schema.
    Specification,
    /// An answer that passes as it came, against the client's published schema.
    PassedSpecification,
    /// A chat as the answer to a text completion, against the published schema.
    CompletionSpecification,
    /// A translated request, against the provider's published schema.
    RequestSpecification,
}

/// Recordings that do not pass a check.
pub(super) struct Exception {
    pub(super) check: Check,
    /// Names of cases, or what several names begin with.
    pub(super) cases: &'static [&'static str],
    /// Parts of what is reported: the recordings must fail in these ways and no other.
    pub(super) says: &'static [&'static str],
    pub(super) reason: &'static str,
}

const fn exception(
    check: Check,
    cases: &'static [&'static str],
    says: &'static [&'static str],
    reason: &'static str,
) -> Exception {
    Exception { check, cases, says, reason }
}

/// Everything that cannot pass. A row that nothing needs any more fails the tests too.
pub(super) const EXCEPTIONS: &[Exception] = &[
    exception(
        Check::Translated,
        &["azure/vercel-azure-model-router.1-stream"],
        &["model is "],
        "Azure's first chunk holds what the filter found in the prompt and an empty model; the model asked for stands in",
    ),
    exception(
        Check::Translated,
        &["anthropic/vercel-spliced-message-start-stream"],
        &["began its answer anew"],
        "the provider begins its answer anew after a part of it went out; that part cannot be taken back, so \
         the client is told of the failure",
    ),
    exception(
        Check::Translated,
        &["openai/agw-completions-truncated_tool_call"],
        &["calls is"],
        "the arguments break off at the token limit; Anthropic's form takes a JSON object only, so that an \
         empty one stands in beside the stop reason `max_tokens`",
    ),
    exception(
        Check::Translated,
        &["openai_like/vercel-anthropic-fallback-tool-call-stream"],
        &["calls is"],
        "the fact counts one call twice: the official reader stumbles over a first call with the index 1",
    ),
    exception(
        Check::Translated,
        &["snowflake/snowflake-snowflake_thinking"],
        &["reasoning is "],
        "the official reader does not know `reasoning_details`, where the reasoning stands",
    ),
    exception(
        Check::Passed,
        &["xai/"],
        &["reported completion"],
        "xAI counts reasoning beside the completion tokens; the report counts it in, as everywhere",
    ),
    exception(
        Check::Translated,
        &["xai/"],
        &["completion"],
        "xAI counts reasoning beside the completion tokens; clients get it counted in, as both dialects do",
    ),
    exception(
        Check::Request,
        &["anthropic/anthropic-anthropic_cache_real_api"],
        &["/cache_control: null"],
        "the OpenAI-style request in the recording leaves the cache mark out",
    ),
    exception(
        Check::Request,
        &["anthropic/anthropic-anthropic_opus_5_features", "anthropic/anthropic-anthropic_task_budget"],
        &["/thinking/display: null", "/output_config/task_budget: null"],
        "OpenAI's form has no word for it, and the OpenAI-style request leaves it out",
    ),
    exception(
        Check::Request,
        &["anthropic/anthropic-anthropic_task_budget"],
        &["/thinking: {\"type\":\"adaptive\"}, was null"],
        "an effort given by an OpenAI client also turns thinking on, which the recorded client did not do",
    ),
    exception(
        Check::Request,
        &[
            "anthropic/multimodal_tool_returns-multimodal_tool_return_matrix-tool_return_cont-8d7ddeaf",
            "openai/multimodal_tool_returns-multimodal_tool_return_matrix",
            "openai/openai-document_as_binary_content_input",
        ],
        &["/title: \"document\"", "/file/filename: \"document\""],
        "the OpenAI-style request gives the document another name",
    ),
    exception(
        Check::Request,
        &["openai/multimodal_tool_returns-model_sees_multiple_images-openai_chat--1"],
        &["/messages/3/content"],
        "the OpenAI-style request gathers the texts in front of the images",
    ),
    exception(
        Check::Request,
        &["ollama/ollama-ollama_local_native_output_uses_json_schema"],
        &["/response_format/json_schema/name"],
        "the OpenAI-style request gives the schema another name",
    ),
    exception(
        Check::Request,
        &["cerebras/", "groq/", "openai/", "openrouter/", "snowflake/", "zai/"],
        &["not asked for: "],
        "fields of the host's own, which the OpenAI-style request in the recording leaves out",
    ),
    exception(
        Check::Request,
        &["cohere/embeddings-"],
        &["/input_type: \"search_document\"", "/truncate: null"],
        "the OpenAI-style request leaves it out; a client that means a query says so in `input_type`",
    ),
    exception(
        Check::Translated,
        &["cohere/vercel-cohere-null-args"],
        &["calls is [{\"name\":\"currentTime\",\"args\":{}}]"],
        "the model's word for no arguments is `null`; clients get the empty object that they expect",
    ),
    exception(
        Check::TranslatedResponse,
        &["azure/vercel-azure-model-router.1-stream"],
        &["model is "],
        "Azure's first chunk holds what the filter found in the prompt and an empty model; the model asked for stands in",
    ),
    exception(
        Check::TranslatedResponse,
        &["cohere/vercel-cohere-null-args"],
        &["calls is [{\"name\":\"currentTime\",\"args\":{}}]"],
        "the model's word for no arguments is `null`; clients get the empty object that they expect",
    ),
    exception(
        Check::Translated,
        &[
            "anthropic/anthropic-anthropic_model_thinking_part_redacted_stream",
            "bedrock/bedrock-bedrock_model_thinking_part_redacted_stream",
        ],
        &["cohere: redacted reasoning is false", "ollama: redacted reasoning is false"],
        "Cohere's and Ollama's thoughts are words; what only its maker can read has no place among them",
    ),
    exception(
        Check::Translated,
        &["gemini/agw-vertex-gemini-blocked"],
        &["cohere: finish: \"stop\"", "ollama: finish: \"stop\""],
        "Cohere and Ollama have no word for an answer that a filter ended",
    ),
    exception(
        Check::Request,
        &["huggingface/"],
        &["path: "],
        "recorded at the router's address of one backend; the table has the router's common one",
    ),
    exception(
        Check::Translated,
        &["anthropic/vercel-anthropic-programmatic-tool-calling.1"],
        &[
            "gemini: finish: \"tool_calls\"",
            "ollama: finish: \"tool_calls\"",
            "bedrock_converse: finish: \"tool_calls\"",
        ],
        "it ends in good order although it calls tools: Gemini and Ollama have one word for both, and Converse's \
         clients go by the word",
    ),
    exception(
        Check::Translated,
        &["gemini/vercel-google-stream-", "gemini/vercel-google-vertex-stream-tool-call-arguments-nested"],
        &["calls is "],
        "arguments in pieces come together as one call; the facts count every piece as a call",
    ),
    exception(
        Check::Request,
        &["gemini/", "vertex/"],
        &[
            "/title: null",
            "/additionalProperties: null",
            "/thinkingConfig: null",
            "/generationConfig: null",
            "/toolConfig: null, was {\"functionCallingConfig\":{\"mode\":\"VALIDATED\"}}",
            "/fileData/mimeType: null",
        ],
        "the OpenAI-style request in the recording leaves it out",
    ),
    exception(
        Check::Request,
        &["gemini/tool_availability_portability-tool_availability_portability_matrix-r4--6718aa3b"],
        &["/contents/0/parts: "],
        "the OpenAI-style request joins the texts",
    ),
    exception(
        Check::Request,
        &["gemini/google-google_native_output_multiple"],
        &["/generationConfig/response"],
        "recorded with a client that wrote Google's own schemas; JSON schema says the same",
    ),
    exception(
        Check::Request,
        &["gemini/", "vertex/"],
        &["/thoughtSignature: "],
        "the OpenAI-style request names calls without their signatures",
    ),
    exception(
        Check::Request,
        &["gemini/multimodal_tool_returns-", "vertex/multimodal_tool_returns-"],
        &["/functionResponse/parts: null"],
        "the OpenAI-style request leaves out what a result holds beside text",
    ),
    exception(
        Check::Request,
        &["bedrock/"],
        &[
            "/toolResult/status: null, was \"error\"",
            "/serviceTier: null",
            "/additionalModelRequestFields: null, was {\"reasoning_effort\":\"medium\"}",
            "/jsonSchema/description: null",
            "/system: [",
        ],
        "the OpenAI-style request in the recording leaves it out, cache points included",
    ),
    exception(
        Check::Request,
        &["bedrock/"],
        &["/jsonSchema/name: \"result\"", "/document/name: \"document\""],
        "the OpenAI-style request gives it another name",
    ),
    exception(
        Check::ToOpenAi,
        &["gemini/agw-"],
        &[
            "refused: messages.content.document (by URL)",
            "refused: messages.content.unknown",
            "refused: tools.unknown",
            "refused: top_k",
        ],
        "videos by address, parts and tools of Gemini's own, and a parameter that OpenAI does not have",
    ),
    exception(
        Check::ToAnthropic,
        &["gemini/agw-"],
        &["refused: messages[2].content[0]", "refused: seed", "refused: tools[1]"],
        "parts and tools of Gemini's own, and a parameter that Anthropic does not have",
    ),
    exception(
        Check::ToAnthropic,
        &["completions/"],
        &["refused: n"],
        "Anthropic gives one answer to a request",
    ),
    exception(Check::ToAnthropic, &["embeddings/"], &["refused: model"], "Anthropic has no embeddings"),
    exception(
        Check::ToOpenAi,
        &["messages/"],
        &["refused: messages.content.image (by file id)"],
        "chat completions take no image by the id of an uploaded file",
    ),
    exception(
        Check::ToOpenAi,
        &["messages/"],
        &["refused: tools.web_search_20250305"],
        "a tool that runs at Anthropic; chat completions have none like it",
    ),
    exception(Check::ToOpenAi, &["messages/"], &["refused: top_k"], "OpenAI has no such parameter"),
    exception(
        Check::PassedResponse,
        &["azure/vercel-azure-deepseek-reasoning.1"],
        &["has no output"],
        "a chat completion that is filed among the responses",
    ),
    exception(
        Check::PassedResponse,
        &["openai/vercel-openai-error.1-stream"],
        &["exceeded your current quota"],
        "the provider fails before it answers anything: another deployment may, and else the client gets the \
         error with its status",
    ),
    exception(
        Check::ResponseRules,
        &["openai/vercel-openai-error.1-stream"],
        &["a whole stream must not fail"],
        "the provider fails before it answers anything",
    ),
    exception(
        Check::TranslatedResponse,
        &["anthropic/vercel-anthropic-programmatic-tool-calling.1"],
        &["finish: "],
        "a response has no word for the reason to end; readers go by its calls, and here calls that run at the \
         provider stand beside the text",
    ),
    exception(
        Check::TranslatedResponse,
        &["anthropic/vercel-spliced-message-start-stream"],
        &["began its answer anew"],
        "the provider begins its answer anew after a part of it went out; that part cannot be taken back, so \
         the client is told of the failure",
    ),
    exception(
        Check::TranslatedResponse,
        &["openai/agw-completions-truncated_tool_call"],
        &["calls is"],
        "the arguments break off at the token limit and are given as they are; the fact marks them",
    ),
    exception(
        Check::TranslatedResponse,
        &["openai_like/vercel-anthropic-fallback-tool-call-stream"],
        &["calls is"],
        "the fact counts one call twice: the official reader stumbles over a first call with the index 1",
    ),
    exception(
        Check::TranslatedResponse,
        &["snowflake/snowflake-snowflake_thinking"],
        &["reasoning is "],
        "the official reader does not know `reasoning_details`, where the reasoning stands",
    ),
    exception(
        Check::TranslatedResponse,
        &["gemini/vercel-google-stream-", "gemini/vercel-google-vertex-stream-tool-call-arguments-nested"],
        &["calls is "],
        "arguments in pieces come together as one call; the facts count every piece as a call",
    ),
    exception(
        Check::TranslatedResponse,
        &["xai/"],
        &["completion"],
        "xAI counts reasoning beside the completion tokens; clients get it counted in, as everywhere",
    ),
    exception(
        Check::ResponseToMessages,
        &["responses/agw-input-media"],
        &["MessagesRequest /messages/*: "],
        "a document of no type that Anthropic takes; Anthropic says so itself",
    ),
    exception(
        Check::CompletionSpecification,
        &["anthropic/", "bedrock/", "cohere/", "gemini/"],
        &["/choices/*/finish_reason: null"],
        "OpenAI's schema of text completions has no form of its own for chunks, whose reason is null until \
         the last",
    ),
    exception(
        Check::PassedSpecification,
        &["openai/"],
        &[
            "Chat /choices/*: \"logprobs\" is a required",
            "Chat /choices/*/message: \"refusal\" is a required",
            "Chat /system_fingerprint: null",
            "Chunk /system_fingerprint: null",
            "Completion /choices/*/finish_reason: null",
            "Completion /usage: null",
            "/embedding: \"",
        ],
        "OpenAI's own answers depart from its schema; their bytes pass as they came",
    ),
    exception(
        Check::PassedSpecification,
        &["azure/"],
        &["Chunk /object: \"\" is not one of", "Chunk /system_fingerprint: null"],
        "Azure's first chunk holds what the filter found in the prompt and nothing else; bytes pass as they came",
    ),
    exception(
        Check::PassedSpecification,
        &["openai/agw-"],
        &[
            "Chat /choices/*/message: \"content\" is a required",
            "Chat /usage/prompt_tokens_details: null",
            "Embeddings : \"usage\" is a required",
            "Embeddings /data/*: \"index\" is a required",
        ],
        "made by hand in the likeness of another host; their bytes pass as they came",
    ),
    exception(
        Check::PassedSpecification,
        &[
            "alibaba/",
            "cerebras/",
            "deepseek/",
            "groq/",
            "huggingface/",
            "mistral/",
            "moonshot/",
            "ollama/",
            "openrouter/",
            "perplexity/",
            "snowflake/",
            "xai/",
            "zai/",
        ],
        &["Chat ", "Chunk "],
        "hosts depart from OpenAI's schema, each in its own way; their bytes pass as they came",
    ),
    exception(
        Check::PassedSpecification,
        &["anthropic/"],
        &["/usage/server_tool_use", "\"server_tool_use\":{", "\"type\":\"fallback\"", "\"thinking\":\"\"}}"],
        "blocks and figures that are older or newer than the schema; their bytes pass as they came",
    ),
];
