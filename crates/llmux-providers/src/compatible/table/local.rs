//! Servers that people run themselves, and any other server of this kind. They mostly take no key.

use llmux_wire::rerank::RerankForm;

use super::{
    Auth, Host, MaxTokens, Media, Paths, Quirks, ReasoningControl, ReasoningField, Structured, ToolChoice,
};

pub(super) static HOSTS: &[Host] = &[
    Host {
        name: "custom_openai",
        aliases: &["aiohttp_openai"],
        title: "Any server that is just like OpenAI's",
        base_env: &["OPENAI_LIKE_API_BASE"],
        key_env: &["OPENAI_LIKE_API_KEY"],
        auth: Auth::OptionalBearer,
        paths: Paths { media: Media::ALL, ..Paths::ALL },
        quirks: Quirks::RELAY,
        ..Host::DEFAULT
    },
    Host {
        name: "docker_model_runner",
        title: "Docker Model Runner",
        // Docker's documentation: port 12434 on the host, and an engine in the path.
        base_url: Some("http://localhost:12434/engines/llama.cpp"),
        key_env: &["DOCKER_MODEL_RUNNER_API_KEY"],
        base_env: &["DOCKER_MODEL_RUNNER_API_BASE"],
        auth: Auth::OptionalBearer,
        paths: Paths::ALL_BELOW_V1,
        ..Host::DEFAULT
    },
    Host {
        name: "hosted_vllm",
        aliases: &["vllm"],
        title: "vLLM",
        base_url: Some("http://localhost:8000/v1"),
        key_env: &["HOSTED_VLLM_API_KEY"],
        base_env: &["HOSTED_VLLM_API_BASE"],
        auth: Auth::OptionalBearer,
        // Rankings: vLLM's documentation.
        paths: Paths { media: Media::RECORDINGS, rerank: Some(("/rerank", RerankForm::Jina)), ..Paths::ALL },
        quirks: Quirks {
            // vLLM's documentation: both, the older one deprecated.
            max_tokens: MaxTokens::Either,
            // vLLM's documentation: `reasoning_content` was renamed; old servers still use it in answers.
            reasoning: ReasoningField::Reasoning,
            replay_reasoning: true,
            // Old servers refuse it as an extra field.
            strict_tools: false,
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "lemonade",
        title: "Lemonade (AMD)",
        base_url: Some("http://localhost:8000/api/v1"),
        key_env: &["LEMONADE_API_KEY"],
        base_env: &["LEMONADE_API_BASE"],
        auth: Auth::OptionalBearer,
        paths: Paths::ALL,
        ..Host::DEFAULT
    },
    Host {
        name: "llamafile",
        aliases: &["llama.cpp", "llama_cpp", "llamacpp"],
        title: "llama.cpp server, llamafile",
        base_url: Some("http://127.0.0.1:8080/v1"),
        key_env: &["LLAMAFILE_API_KEY"],
        base_env: &["LLAMAFILE_API_BASE"],
        auth: Auth::OptionalBearer,
        // Rankings: llama.cpp's server documentation.
        paths: Paths { rerank: Some(("/rerank", RerankForm::Jina)), ..Paths::ALL },
        quirks: Quirks {
            // llama.cpp's server documentation: the words; a named function is not read.
            tool_choice: ToolChoice::Words,
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "lm_studio",
        aliases: &["lmstudio"],
        title: "LM Studio",
        base_url: Some("http://localhost:1234/v1"),
        key_env: &["LM_STUDIO_API_KEY"],
        base_env: &["LM_STUDIO_API_BASE"],
        auth: Auth::OptionalBearer,
        paths: Paths::ALL,
        quirks: Quirks {
            // LM Studio answers 400 to a choice that is not a string, and to `json_object`.
            tool_choice: ToolChoice::Words,
            structured: Structured::SchemaOnly,
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "ollama_openai",
        title: "Ollama (OpenAI route)",
        base_url: Some("http://localhost:11434"),
        key_env: &["OLLAMA_API_KEY"],
        base_env: &["OLLAMA_API_BASE"],
        auth: Auth::OptionalBearer,
        paths: Paths::ALL_BELOW_V1,
        quirks: Quirks {
            // Recorded traffic.
            reasoning: ReasoningField::Reasoning,
            replay_reasoning: true,
            // Ollama's compatibility page lists these as not supported; it ignores them.
            tool_choice: ToolChoice::AutoOnly,
            many_choices: false,
            unsupported: &["logit_bias"],
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "openai_like",
        aliases: &["openai_compatible"],
        title: "Any other OpenAI-compatible server",
        base_env: &["OPENAI_LIKE_API_BASE"],
        key_env: &["OPENAI_LIKE_API_KEY"],
        auth: Auth::OptionalBearer,
        paths: Paths::ALL,
        ..Host::DEFAULT
    },
    Host {
        name: "xinference",
        title: "Xinference",
        base_url: Some("http://127.0.0.1:9997/v1"),
        key_env: &["XINFERENCE_API_KEY"],
        base_env: &["XINFERENCE_API_BASE"],
        auth: Auth::OptionalBearer,
        paths: Paths { media: Media { moderations: None, ..Media::ALL }, ..Paths::ALL },
        quirks: Quirks { reasoning_control: ReasoningControl::None, ..Quirks::DEFAULT },
        ..Host::DEFAULT
    },
];
