//! `model_list`, and the credentials and defaults that its entries share.

use super::Shape::{
    Choice as OneOf, Duration, DurationOrZero, Flag, Headers, Integer, Number, Object, Secret,
    Section as Nested, Text, TextOrTexts, Texts, Url,
};
use super::{Choice, Key, Section, cloud, health, price, request, routing};

/// One entry of `model_list`.
pub(crate) static MODEL: Section = Section {
    name: "model_list[]",
    doc: "One deployment. Those of the same name share its load.",
    keys: &[&[
        Key::new("model_name", Text, "The name that clients ask for; may contain `*`.")
            .alias(&["name"])
            .required(),
        Key::new("litellm_params", Nested(&PARAMS), "Where the model is and how it is called.")
            .alias(&["params"])
            .required(),
        Key::new("model_info", Nested(&INFO), "What is known about the deployment.").alias(&["info"]),
    ]],
    not_yet: &[],
    keep_in: None,
};

/// `litellm_params`
pub(crate) static PARAMS: Section = Section {
    name: "litellm_params",
    doc: "Where the model is and how it is called.",
    keys: &[
        &[
            Key::new("model", Text, "`provider/model`, or the model alone; may contain the `*` of the name.")
                .required(),
            Key::new(
                "litellm_credential_name",
                Text,
                "Take what is not given here from this entry of `credential_list`.",
            )
            .alias(&["credential"]),
        ],
        CONNECTION,
        cloud::KEYS,
        CALL,
        routing::PARAMS,
        price::KEYS,
        request::PARAMS,
    ],
    not_yet: &[cloud::NOT_YET, price::NOT_YET, PARAMS_NOT_YET],
    keep_in: None,
};

/// `default_litellm_params`
pub(crate) static DEFAULT_PARAMS: Section = Section {
    name: "router_settings.default_litellm_params",
    doc: "Parameters for all deployments that do not set them; the keys of `litellm_params`.",
    keys: &[CONNECTION, cloud::KEYS, CALL, routing::PARAMS, price::KEYS, request::PARAMS],
    not_yet: &[cloud::NOT_YET, price::NOT_YET, PARAMS_NOT_YET],
    keep_in: None,
};

/// One entry of `credential_list`.
pub(crate) static CREDENTIAL: Section = Section {
    name: "credential_list[]",
    doc: "A credential that deployments refer to by `litellm_credential_name`.",
    keys: &[&[
        Key::new("credential_name", Text, "The name to refer to.").alias(&["name"]).required(),
        Key::new("credential_values", Nested(&CREDENTIAL_VALUES), "What deployments take from it.")
            .alias(&["values"])
            .required(),
        Key::new("credential_info", Object, "Notes, such as `description`.").alias(&["info"]),
    ]],
    not_yet: &[],
    keep_in: None,
};

static CREDENTIAL_VALUES: Section = Section {
    name: "credential_list[].credential_values",
    doc: "Keys of `litellm_params` that say where a provider is and who calls.",
    keys: &[CONNECTION, cloud::KEYS],
    not_yet: &[cloud::NOT_YET],
    keep_in: None,
};

const CONNECTION: &[Key] = &[
    Key::new("custom_llm_provider", Text, "The provider, if `model` does not name it.").alias(&["provider"]),
    Key::new("api_key", Secret, "The key that the provider wants."),
    Key::new("api_base", Url, "The address of the provider.").alias(&["base_url"]),
    Key::new("api_version", Text, "The version of the provider's API."),
    Key::new(
        "organization",
        TextOrTexts,
        "The organization at the provider; a list makes one deployment of each.",
    ),
    Key::new("extra_headers", Headers, "Headers to add to requests.").alias(&["headers"]),
];

const CALL: &[Key] = &[
    Key::new("timeout", Duration, "Time for the whole call."),
    Key::new("stream_timeout", Duration, "Time for the whole of a streamed call; `timeout` if not given."),
    Key::new("connect_timeout", Duration, "Time until the connection stands."),
    Key::new("first_byte_timeout", Duration, "Time until the answer begins."),
    Key::new("idle_timeout", Duration, "Time between two pieces of an answer."),
    Key::new(
        "num_retries",
        Integer(0, 1000),
        "Further attempts after a failure here; beats `router_settings`.",
    ),
    Key::new("rpm", Integer(0, i64::MAX), "Requests a minute: its share of the load without `weight`."),
    Key::new(
        "tpm",
        Integer(0, i64::MAX),
        "Tokens a minute: its share of the load without `weight` and `rpm`.",
    ),
    Key::new(
        "itpm",
        Integer(0, i64::MAX),
        "Tokens of prompts a minute; reserved with `enforce_model_rate_limits`.",
    ),
    Key::new("otpm", Integer(0, i64::MAX), "Tokens of answers a minute; `max_tokens` of them are reserved."),
    Key::new("timeout_by_service_tier", Object, "Time for the whole call by its `service_tier`, in seconds."),
    Key::new("stream_timeout_by_service_tier", Object, "The same for streams."),
    Key::new("weight", Number(0.0), "Its share of the load among deployments of the same name."),
    Key::new("order", Integer(0, i64::MAX), "The lowest is tried first; higher ones when no lower is left."),
    Key::new("max_file_size_mb", Number(0.0), "Largest form with a file, in MB."),
    Key::new("drop_params", Flag, "Leave out what the provider lacks instead of refusing the request."),
    Key::new("modify_params", Flag, "Put conversations right that the provider would refuse."),
    Key::new("additional_drop_params", Texts, "Further parameters to leave out, such as `tools[*].strict`."),
    Key::new("allowed_openai_params", Texts, "Parameters to send on even if the provider should lack them."),
    Key::new("extra_body", Object, "Members to add to the body of requests."),
    Key::new("use_in_pass_through", Flag, "Use key and address for the provider's pass-through route.")
        .default("false"),
    Key::new("mock_response", Text, "Answer with this text, or with the error it names, and call nobody."),
    Key::new("echo", Nested(&ECHO), "What the built-in `llmux/echo` model does."),
];

static ECHO: Section = Section {
    name: "litellm_params.echo",
    doc: "Latency and faults of the built-in model, to try clients with.",
    keys: &[&[
        Key::new("first_byte", DurationOrZero, "Wait this long before answering.").default("0s"),
        Key::new("between", DurationOrZero, "Wait this long between two events of a stream.").default("0s"),
        Key::new("status", Integer(200, 599), "Answer with this HTTP status; an error from 400."),
        Key::new("retry_after", DurationOrZero, "The `Retry-After` of an error."),
        Key::new("cut_after", Integer(0, 1_000_000), "Break the connection after so many events."),
    ]],
    not_yet: &[],
    keep_in: None,
};

const PARAMS_NOT_YET: &[&str] = &[
    "max_retries",
    "merge_reasoning_content_in_choices",
    "default_api_key_rpm_limit",
    "default_api_key_tpm_limit",
    "mock_timeout",
    "mock_delay",
    "mock_tool_calls",
    "configurable_clientside_auth_params",
    "use_litellm_proxy",
    "use_chat_completions_api",
    "cache_control_injection_points",
    "guardrails",
    "prompt_id",
    "prompt_variables",
    "dotprompt*",
    "keepalive_seconds",
    "allow_client_keepalive_override",
    "provider_affinity_header",
    "auto_router_*",
    "complexity_router_*",
    "adaptive_router_*",
    "quality_router_*",
    "vector_store_ids",
    "milvus_*",
    "valkey_*",
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
];

/// `model_info`
pub(crate) static INFO: Section = Section {
    name: "model_info",
    doc: "What is known about a deployment. Other keys are kept and shown as they are.",
    keys: &[
        price::KEYS,
        &[
            Key::new("id", Text, "Name of the deployment, unique in the file.")
                .default("a hash of name and parameters, secrets left out"),
            Key::new(
                "mode",
                OneOf(&Choice {
                    allowed: &[
                        "chat",
                        "completion",
                        "embedding",
                        "image_generation",
                        "image_edit",
                        "audio_transcription",
                        "audio_speech",
                        "moderation",
                        "rerank",
                    ],
                    not_yet: &["responses", "realtime", "batch", "ocr", "video_generation"],
                }),
                "What the model is for.",
            ),
            Key::new(
                "base_model",
                Text,
                "The model whose prices and limits these are, where `model` does not tell, as at Azure.",
            ),
            Key::new("max_input_tokens", Integer(0, i64::MAX), "Most tokens of a prompt."),
            Key::new("max_output_tokens", Integer(0, i64::MAX), "Most tokens of an answer."),
            Key::new(
                "max_tokens",
                Integer(0, i64::MAX),
                "Most tokens of a prompt, if not told by the others.",
            ),
            Key::new("output_vector_size", Integer(0, i64::MAX), "Numbers in a vector."),
        ],
        routing::INFO,
        health::INFO,
    ],
    not_yet: &[
        price::NOT_YET,
        &[
            "access_groups",
            "team_id",
            "team_public_model_name",
            "discoverable",
            "access_windows",
            "ptu_*",
            "cost_per_ptu_per_hour",
            "adaptive_router_preferences",
            "supported_environments",
        ],
    ],
    keep_in: Some("extra"),
};
