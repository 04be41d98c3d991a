//! Clouds that serve other people's models on their own machines.

use llmux_wire::rerank::RerankForm;

use super::{
    Host, MaxTokens, Media, Paths, Quirks, ReasoningControl, ReasoningField, ToolChoice, UsageInStream,
    Variable,
};

pub(super) static HOSTS: &[Host] = &[
    Host::plain(
        "abliteration",
        "abliteration.ai",
        "https://api.abliteration.ai/v1",
        &["ABLITERATION_API_KEY"],
        &[],
    ),
    Host::plain("aiand", "ai&", "https://api.aiand.com/v1", &["AIAND_API_KEY"], &["AIAND_API_BASE"]),
    Host {
        name: "anyscale",
        title: "Anyscale Endpoints",
        base_url: Some("https://api.endpoints.anyscale.com/v1"),
        key_env: &["ANYSCALE_API_KEY"],
        base_env: &["ANYSCALE_API_BASE"],
        paths: Paths::ALL,
        quirks: Quirks { reasoning: ReasoningField::None, ..Quirks::DEFAULT },
        ..Host::DEFAULT
    },
    Host {
        name: "baseten",
        title: "Baseten",
        base_url: Some("https://inference.baseten.co/v1"),
        key_env: &["BASETEN_API_KEY"],
        base_env: &["BASETEN_API_BASE"],
        ..Host::DEFAULT
    },
    Host {
        name: "bedrock_mantle",
        title: "Amazon Bedrock (Mantle)",
        base_url: Some("https://bedrock-mantle.{region}.api.aws"),
        variables: &[Variable {
            name: "region",
            env: &["BEDROCK_MANTLE_REGION", "AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"],
        }],
        key_env: &["BEDROCK_MANTLE_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"],
        base_env: &["BEDROCK_MANTLE_API_BASE"],
        paths: Paths { chat: "/v1/chat/completions", responses: Some("/openai/v1/responses"), ..Paths::CHAT },
        ..Host::DEFAULT
    },
    Host {
        name: "cerebras",
        title: "Cerebras",
        base_url: Some("https://api.cerebras.ai/v1"),
        key_env: &["CEREBRAS_API_KEY"],
        base_env: &["CEREBRAS_API_BASE"],
        paths: Paths::CHAT_COMPLETIONS,
        quirks: Quirks {
            // Cerebras' reference has the newer name; the older one still works.
            max_tokens: MaxTokens::Either,
            // Recorded traffic. How it goes back differs by model there (a field, or think tags in the text),
            // so it stays out.
            reasoning: ReasoningField::Reasoning,
            // Cerebras' compatibility page: 400 if they are set.
            unsupported: &["frequency_penalty", "logit_bias", "presence_penalty"],
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host::plain(
        "charity_engine",
        "Charity Engine",
        "https://api.charityengine.services/remotejobs/v2/inference",
        &["CHARITY_ENGINE_API_KEY"],
        &[],
    ),
    Host::plain("chutes", "Chutes", "https://llm.chutes.ai/v1", &["CHUTES_API_KEY"], &[]),
    Host::plain(
        "clarifai",
        "Clarifai",
        "https://api.clarifai.com/v2/ext/openai/v1",
        &["CLARIFAI_API_KEY"],
        &[],
    ),
    Host {
        name: "cloudflare",
        aliases: &["workers_ai"],
        title: "Cloudflare Workers AI",
        base_url: Some("https://api.cloudflare.com/client/v4/accounts/{account_id}/ai/v1"),
        variables: &[Variable { name: "account_id", env: &["CLOUDFLARE_ACCOUNT_ID"] }],
        key_env: &["CLOUDFLARE_API_KEY", "CLOUDFLARE_API_TOKEN"],
        base_env: &["CLOUDFLARE_API_BASE"],
        paths: Paths { models: None, ..Paths::CHAT_EMBEDDINGS },
        ..Host::DEFAULT
    },
    Host::plain("compactifai", "CompactifAI", "https://api.compactif.ai/v1", &["COMPACTIFAI_API_KEY"], &[]),
    Host::plain(
        "coralbricks",
        "Coral Bricks",
        "https://inference.coralbricks.ai/v1",
        &["CORALBRICKS_API_KEY"],
        &["CORALBRICKS_API_BASE"],
    ),
    Host::plain(
        "crusoe",
        "Crusoe",
        "https://api.inference.crusoecloud.com/v1",
        &["CRUSOE_API_KEY"],
        &["CRUSOE_API_BASE"],
    ),
    Host::plain(
        "darkbloom",
        "Darkbloom",
        "https://api.darkbloom.dev/v1",
        &["DARKBLOOM_API_KEY"],
        &["DARKBLOOM_API_BASE"],
    ),
    Host {
        name: "databricks",
        title: "Databricks model serving",
        // Every workspace has its own address: `https://WORKSPACE/serving-endpoints`.
        base_url: None,
        key_env: &["DATABRICKS_API_KEY", "DATABRICKS_TOKEN"],
        base_env: &["DATABRICKS_API_BASE"],
        paths: Paths { models: None, ..Paths::CHAT_EMBEDDINGS },
        quirks: Quirks {
            // Databricks' reasoning guide: a content list with parts of type `reasoning`.
            reasoning: ReasoningField::ContentParts,
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "deepinfra",
        title: "DeepInfra",
        base_url: Some("https://api.deepinfra.com/v1/openai"),
        key_env: &["DEEPINFRA_API_KEY"],
        base_env: &["DEEPINFRA_API_BASE"],
        paths: Paths { media: Media { moderations: None, ..Media::ALL }, ..Paths::ALL },
        quirks: Quirks {
            // DeepInfra's function calling guide: only `auto` and `none`.
            tool_choice: ToolChoice::AutoOnly,
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host::plain(
        "empower",
        "Empower",
        "https://app.empower.dev/api/v1",
        &["EMPOWER_API_KEY"],
        &["EMPOWER_API_BASE"],
    ),
    Host {
        name: "featherless_ai",
        aliases: &["featherless"],
        title: "Featherless",
        base_url: Some("https://api.featherless.ai/v1"),
        key_env: &["FEATHERLESS_AI_API_KEY", "FEATHERLESS_API_KEY"],
        base_env: &["FEATHERLESS_AI_API_BASE", "FEATHERLESS_API_BASE"],
        paths: Paths::CHAT_COMPLETIONS,
        ..Host::DEFAULT
    },
    Host {
        name: "fireworks_ai",
        aliases: &["fireworks"],
        title: "Fireworks",
        base_url: Some("https://api.fireworks.ai/inference/v1"),
        key_env: &["FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN"],
        base_env: &["FIREWORKS_API_BASE"],
        paths: Paths::ALL,
        quirks: Quirks {
            max_tokens: MaxTokens::Either,
            // Fireworks' reference: the chunk with the finish reason has the usage, asked for or not.
            usage_in_stream: UsageInStream::LastChoiceChunk,
            // Fireworks' reference calls a forced choice `any`.
            required_tool_choice: "any",
            // Model names are paths there; the public ones all lie in this folder.
            model_prefix: "accounts/fireworks/models/",
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "friendliai",
        aliases: &["friendli"],
        title: "FriendliAI",
        base_url: Some("https://api.friendli.ai/serverless/v1"),
        key_env: &["FRIENDLIAI_API_KEY", "FRIENDLI_TOKEN"],
        base_env: &["FRIENDLI_API_BASE"],
        paths: Paths { models: None, ..Paths::CHAT_COMPLETIONS },
        ..Host::DEFAULT
    },
    Host::plain(
        "galadriel",
        "Galadriel",
        "https://api.galadriel.com/v1",
        &["GALADRIEL_API_KEY"],
        &["GALADRIEL_API_BASE"],
    ),
    Host::plain("gmi", "GMI Cloud", "https://api.gmi-serving.com/v1", &["GMI_API_KEY"], &[]),
    Host {
        name: "gradient_ai",
        aliases: &["digitalocean", "gradient"],
        title: "DigitalOcean Gradient",
        base_url: Some("https://inference.do-ai.run"),
        key_env: &["GRADIENT_AI_API_KEY"],
        paths: Paths { completions: None, embeddings: None, ..Paths::ALL_BELOW_V1 },
        ..Host::DEFAULT
    },
    Host {
        name: "groq",
        title: "Groq",
        base_url: Some("https://api.groq.com/openai/v1"),
        key_env: &["GROQ_API_KEY"],
        base_env: &["GROQ_API_BASE"],
        paths: Paths { media: Media::AUDIO, ..Paths::CHAT },
        quirks: Quirks {
            max_tokens: MaxTokens::Either,
            // Recorded traffic.
            usage_in_stream: UsageInStream::XGroq,
            // Recorded traffic, with `reasoning_format: "parsed"` or none; `raw` puts think tags instead.
            reasoning: ReasoningField::Reasoning,
            // Groq's compatibility page: these, names in messages, and `n` above 1 are answered with 400.
            message_name: false,
            many_choices: false,
            unsupported: &["logit_bias", "logprobs", "top_logprobs"],
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "heroku",
        title: "Heroku Managed Inference",
        // The address comes with the add-on, by region.
        base_url: None,
        key_env: &["HEROKU_API_KEY"],
        base_env: &["HEROKU_API_BASE"],
        paths: Paths { completions: None, ..Paths::ALL_BELOW_V1 },
        ..Host::DEFAULT
    },
    Host {
        name: "huggingface",
        aliases: &["hf"],
        title: "Hugging Face (router)",
        base_url: Some("https://router.huggingface.co/v1"),
        key_env: &["HUGGINGFACE_API_KEY", "HF_TOKEN"],
        base_env: &["HUGGINGFACE_API_BASE", "HF_API_BASE"],
        // Rankings: a server of text embeddings inference, by its documentation; it has an address of its own.
        // So are OpenAI's embeddings, at an address that ends in `/v1`; see `huggingface.rs`.
        paths: Paths { rerank: Some(("/rerank", RerankForm::Tei)), ..Paths::CHAT_EMBEDDINGS },
        quirks: Quirks {
            // The router passes answers on, so much depends on who is behind it. Recorded with Together's.
            usage_in_stream: UsageInStream::LastChoiceChunk,
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "hyperbolic",
        title: "Hyperbolic",
        base_url: Some("https://api.hyperbolic.xyz/v1"),
        key_env: &["HYPERBOLIC_API_KEY"],
        base_env: &["HYPERBOLIC_API_BASE"],
        paths: Paths::CHAT_COMPLETIONS,
        ..Host::DEFAULT
    },
    Host {
        name: "inference_net",
        title: "Inference.net",
        base_url: Some("https://api.inference.net/v1"),
        key_env: &["INFERENCE_API_KEY"],
        paths: Paths::CHAT_COMPLETIONS,
        ..Host::DEFAULT
    },
    Host {
        name: "lambda_ai",
        aliases: &["lambda"],
        title: "Lambda",
        base_url: Some("https://api.lambda.ai/v1"),
        key_env: &["LAMBDA_API_KEY"],
        base_env: &["LAMBDA_API_BASE"],
        paths: Paths::CHAT_COMPLETIONS,
        ..Host::DEFAULT
    },
    Host::plain(
        "libertai",
        "LibertAI",
        "https://api.libertai.io/v1",
        &["LIBERTAI_API_KEY"],
        &["LIBERTAI_API_BASE"],
    ),
    Host {
        name: "nebius",
        title: "Nebius",
        base_url: Some("https://api.studio.nebius.ai/v1"),
        key_env: &["NEBIUS_API_KEY"],
        base_env: &["NEBIUS_API_BASE"],
        paths: Paths { media: Media { images: Media::ALL.images, ..Media::NONE }, ..Paths::ALL },
        ..Host::DEFAULT
    },
    Host {
        name: "novita",
        aliases: &["novita_ai"],
        title: "Novita",
        base_url: Some("https://api.novita.ai/v3/openai"),
        key_env: &["NOVITA_API_KEY"],
        base_env: &["NOVITA_API_BASE"],
        paths: Paths::ALL,
        ..Host::DEFAULT
    },
    Host {
        name: "nscale",
        title: "Nscale",
        base_url: Some("https://inference.api.nscale.com/v1"),
        key_env: &["NSCALE_API_KEY"],
        base_env: &["NSCALE_API_BASE"],
        paths: Paths { media: Media { images: Media::ALL.images, ..Media::NONE }, ..Paths::CHAT },
        ..Host::DEFAULT
    },
    Host {
        name: "nvidia_nim",
        aliases: &["nim", "nvidia"],
        title: "NVIDIA NIM",
        base_url: Some("https://integrate.api.nvidia.com/v1"),
        key_env: &["NVIDIA_NIM_API_KEY", "NVIDIA_API_KEY"],
        base_env: &["NVIDIA_NIM_API_BASE"],
        paths: Paths::ALL,
        ..Host::DEFAULT
    },
    Host::plain(
        "openinfer",
        "OpenInfer",
        "https://api.openinfer.ai/v1",
        &["OPENINFER_API_KEY"],
        &["OPENINFER_API_BASE"],
    ),
    Host {
        name: "ovhcloud",
        aliases: &["ovh"],
        title: "OVHcloud AI Endpoints",
        base_url: Some("https://oai.endpoints.kepler.ai.cloud.ovh.net/v1"),
        key_env: &["OVHCLOUD_API_KEY"],
        paths: Paths::CHAT_EMBEDDINGS,
        ..Host::DEFAULT
    },
    Host::plain(
        "parasail",
        "Parasail",
        "https://api.parasail.io/v1",
        &["PARASAIL_API_KEY"],
        &["PARASAIL_API_BASE"],
    ),
    Host::plain(
        "pinstripes",
        "Pinstripes",
        "https://pinstripes.io/v1",
        &["PINSTRIPES_API_KEY"],
        &["PINSTRIPES_API_BASE"],
    ),
    Host::plain(
        "prism",
        "Prism",
        "https://api.prisminference.com/v1",
        &["PRISM_API_KEY"],
        &["PRISM_API_BASE"],
    ),
    Host {
        name: "publicai",
        title: "Public AI",
        base_url: Some("https://api.publicai.co/v1"),
        key_env: &["PUBLICAI_API_KEY"],
        base_env: &["PUBLICAI_API_BASE"],
        quirks: Quirks { content_as_string: true, ..Quirks::DEFAULT },
        ..Host::DEFAULT
    },
    Host::plain("sail", "Sail", "https://api.sailresearch.com/v1", &["SAIL_API_KEY"], &["SAIL_API_BASE"]),
    Host {
        name: "sambanova",
        title: "SambaNova",
        base_url: Some("https://api.sambanova.ai/v1"),
        key_env: &["SAMBANOVA_API_KEY"],
        base_env: &["SAMBANOVA_API_BASE"],
        paths: Paths { media: Media::RECORDINGS, ..Paths::ALL },
        quirks: Quirks {
            reasoning: ReasoningField::ThinkTags,
            // Its text models take strings only; those that see images take lists.
            content_as_string: true,
            // SambaNova's compatibility page: ignored.
            many_choices: false,
            unsupported: &[
                "frequency_penalty",
                "logit_bias",
                "logprobs",
                "presence_penalty",
                "seed",
                "top_logprobs",
            ],
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "scaleway",
        title: "Scaleway",
        base_url: Some("https://api.scaleway.ai/v1"),
        key_env: &["SCW_SECRET_KEY"],
        paths: Paths::CHAT_EMBEDDINGS,
        ..Host::DEFAULT
    },
    Host::plain("scx-ai", "SCX.ai", "https://api.scx.ai/v1", &["SCX_API_KEY"], &["SCX_API_BASE"]),
    Host {
        name: "snowflake",
        title: "Snowflake Cortex",
        base_url: Some("https://{account_id}.snowflakecomputing.com/api/v2"),
        variables: &[Variable { name: "account_id", env: &["SNOWFLAKE_ACCOUNT_ID"] }],
        // Key-pair, OAuth and programmatic access tokens alike: Snowflake tells them apart by itself.
        key_env: &["SNOWFLAKE_JWT"],
        base_env: &["SNOWFLAKE_API_BASE"],
        paths: Paths { chat: "/cortex/v1/chat/completions", models: None, ..Paths::CHAT },
        quirks: Quirks {
            // Snowflake's reference: the older name is deprecated, and not taken for every model.
            max_tokens: MaxTokens::NewOnly,
            // Recorded traffic, Claude with a signature; the same answers have an empty finish reason.
            reasoning: ReasoningField::ReasoningDetails,
            replay_reasoning: true,
            reasoning_control: ReasoningControl::ReasoningObject,
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "synthetic",
        title: "Synthetic",
        base_url: Some("https://api.synthetic.new/openai/v1"),
        key_env: &["SYNTHETIC_API_KEY"],
        paths: Paths::CHAT_COMPLETIONS,
        ..Host::DEFAULT
    },
    Host::plain(
        "tensormesh",
        "Tensormesh",
        "https://serverless.tensormesh.ai/v1",
        &["TENSORMESH_INFERENCE_API_KEY"],
        &["TENSORMESH_SERVERLESS_BASE_URL"],
    ),
    Host {
        name: "together_ai",
        aliases: &["together"],
        title: "Together",
        base_url: Some("https://api.together.xyz/v1"),
        key_env: &["TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_TOKEN"],
        base_env: &["TOGETHER_AI_API_BASE"],
        // Rankings: recorded traffic.
        paths: Paths {
            media: Media { images: Media::ALL.images, ..Media::AUDIO },
            rerank: Some(("/rerank", RerankForm::Jina)),
            ..Paths::ALL
        },
        quirks: Quirks {
            // Recorded traffic, through Hugging Face's router.
            usage_in_stream: UsageInStream::LastChoiceChunk,
            // Recorded likewise; the older reasoning models open with think tags instead.
            reasoning: ReasoningField::Reasoning,
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host::plain("veniceai", "Venice", "https://api.venice.ai/api/v1", &["VENICE_AI_API_KEY"], &[]),
    Host::plain(
        "wandb",
        "W&B Inference",
        "https://api.inference.wandb.ai/v1",
        &["WANDB_API_KEY"],
        &["WANDB_API_BASE"],
    ),
    Host::plain(
        "zerogpu",
        "ZeroGPU",
        "https://api.zerogpu.ai/v1",
        &["ZEROGPU_API_KEY"],
        &["ZEROGPU_API_BASE"],
    ),
];
