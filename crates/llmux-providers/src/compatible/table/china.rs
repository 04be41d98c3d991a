//! Platforms of Chinese companies. Several have one address for mainland accounts and another for the rest of
//! the world, and keys of one don't work on the other; the base URL variable picks the other one.

use super::{
    Host, MaxTokens, Media, Paths, Quirks, ReasoningControl, ReasoningField, Structured, ToolChoice,
    UsageInStream,
};

/// Model Studio of Alibaba Cloud, under any of its addresses. Recorded traffic has usage in a chunk of its
/// own when asked for, and plain `reasoning_content`.
const DASHSCOPE: Quirks = Quirks {
    // Alibaba's reference: a switch and a budget, taken by the models that can do both.
    reasoning_control: ReasoningControl::EnableThinking,
    ..Quirks::DEFAULT
};

/// The GLM platform, under both of its addresses.
const GLM: Quirks = Quirks {
    usage_in_stream: UsageInStream::LastChoiceChunk,
    many_choices: false,
    // Recorded traffic: earlier reasoning goes back as it came ("preserved thinking").
    replay_reasoning: true,
    reasoning_control: ReasoningControl::Thinking,
    // The vendor's reference: `auto` is the only choice for now.
    tool_choice: ToolChoice::AutoOnly,
    parallel_tool_calls: false,
    strict_tools: false,
    structured: Structured::JsonObject,
    // Absent from the vendor's reference.
    unsupported: &["frequency_penalty", "logit_bias", "logprobs", "presence_penalty", "seed", "top_logprobs"],
    renames: &[("user", "user_id")],
    ..Quirks::DEFAULT
};

pub(super) static HOSTS: &[Host] = &[
    Host {
        name: "baichuan",
        title: "Baichuan",
        base_url: Some("https://api.baichuan-ai.com/v1"),
        key_env: &["BAICHUAN_API_KEY"],
        base_env: &["BAICHUAN_API_BASE"],
        paths: Paths { models: None, ..Paths::CHAT_EMBEDDINGS },
        quirks: Quirks {
            reasoning_control: ReasoningControl::None,
            // Baichuan's reference has `json_object` beside `text`.
            structured: Structured::JsonObject,
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "bigmodel",
        aliases: &["zhipu", "zhipuai"],
        title: "Zhipu BigModel (mainland)",
        base_url: Some("https://open.bigmodel.cn/api/paas/v4"),
        key_env: &["BIGMODEL_API_KEY", "ZHIPUAI_API_KEY"],
        base_env: &["BIGMODEL_API_BASE"],
        paths: Paths {
            media: Media { images: Media::ALL.images, ..Media::NONE },
            models: None,
            ..Paths::CHAT_EMBEDDINGS
        },
        quirks: GLM,
        ..Host::DEFAULT
    },
    Host {
        name: "dashscope",
        aliases: &["alibaba", "qwen"],
        title: "Qwen / DashScope (Alibaba Cloud)",
        base_url: Some("https://dashscope.aliyuncs.com/compatible-mode/v1"),
        key_env: &["DASHSCOPE_API_KEY"],
        base_env: &["DASHSCOPE_API_BASE"],
        paths: Paths::ALL,
        quirks: DASHSCOPE,
        ..Host::DEFAULT
    },
    Host {
        name: "deepseek",
        title: "DeepSeek",
        // The beta address serves the same chat and besides has text completions and strict tools.
        base_url: Some("https://api.deepseek.com/beta"),
        key_env: &["DEEPSEEK_API_KEY"],
        base_env: &["DEEPSEEK_API_BASE"],
        paths: Paths::CHAT_COMPLETIONS,
        quirks: Quirks {
            // Recorded traffic.
            usage_in_stream: UsageInStream::LastChoiceChunk,
            // DeepSeek's thinking guide: within a round of tool calls the reasoning must come back.
            replay_reasoning: true,
            reasoning_control: ReasoningControl::Thinking,
            structured: Structured::JsonObject,
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "hunyuan",
        title: "Tencent Hunyuan",
        base_url: Some("https://api.hunyuan.cloud.tencent.com/v1"),
        key_env: &["HUNYUAN_API_KEY"],
        base_env: &["HUNYUAN_API_BASE"],
        paths: Paths::CHAT_EMBEDDINGS,
        quirks: Quirks {
            reasoning_control: ReasoningControl::EnableThinking,
            // Tencent's compatibility page does not have `required`.
            tool_choice: ToolChoice::AutoOnly,
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "minimax",
        title: "MiniMax",
        base_url: Some("https://api.minimax.io/v1"),
        key_env: &["MINIMAX_API_KEY"],
        base_env: &["MINIMAX_API_BASE"],
        paths: Paths { models: None, ..Paths::CHAT },
        quirks: Quirks {
            // MiniMax's documentation: thinking stands in the content, unless `reasoning_split` is set, and
            // must be kept in the history for tool calls to go well.
            reasoning: ReasoningField::ThinkTags,
            replay_reasoning: true,
            reasoning_control: ReasoningControl::None,
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "modelscope",
        title: "ModelScope",
        base_url: Some("https://api-inference.modelscope.cn/v1"),
        key_env: &["MODELSCOPE_API_KEY"],
        base_env: &["MODELSCOPE_API_BASE"],
        quirks: DASHSCOPE,
        ..Host::DEFAULT
    },
    Host {
        name: "moonshot",
        aliases: &["kimi", "moonshotai"],
        title: "Moonshot (Kimi)",
        base_url: Some("https://api.moonshot.ai/v1"),
        key_env: &["MOONSHOT_API_KEY"],
        base_env: &["MOONSHOT_API_BASE"],
        quirks: Quirks {
            // Recorded traffic; older models also put it into the choice itself.
            usage_in_stream: UsageInStream::LastChoiceChunk,
            // Moonshot's thinking guide asks for the reasoning of every earlier answer.
            replay_reasoning: true,
            reasoning_control: ReasoningControl::Thinking,
            // Moonshot's reference has `auto` and `none`; its migration guide says that `required` is missing.
            tool_choice: ToolChoice::AutoOnly,
            unsupported: &["function_call", "functions"],
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "qwen_ai_platform",
        title: "Qwen AI Platform (mainland)",
        base_url: Some("https://dashscope.aliyuncs.com/compatible-mode/v1"),
        key_env: &["QWEN_AI_PLATFORM_API_KEY"],
        base_env: &["QWEN_AI_PLATFORM_API_BASE"],
        paths: Paths::ALL,
        quirks: DASHSCOPE,
        ..Host::DEFAULT
    },
    Host {
        name: "qwencloud",
        title: "Qwen Cloud (international)",
        base_url: Some("https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
        key_env: &["QWENCLOUD_API_KEY"],
        base_env: &["QWENCLOUD_API_BASE"],
        paths: Paths::ALL,
        quirks: DASHSCOPE,
        ..Host::DEFAULT
    },
    Host {
        name: "siliconflow",
        aliases: &["siliconcloud"],
        title: "SiliconFlow",
        base_url: Some("https://api.siliconflow.com/v1"),
        key_env: &["SILICONFLOW_API_KEY"],
        base_env: &["SILICONFLOW_API_BASE"],
        paths: Paths {
            media: Media { translations: None, images: Media::ALL.images, ..Media::AUDIO },
            ..Paths::CHAT_EMBEDDINGS
        },
        quirks: Quirks {
            // SiliconFlow's reference has both a switch and a budget.
            reasoning_control: ReasoningControl::EnableThinking,
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "stepfun",
        aliases: &["step"],
        title: "StepFun",
        base_url: Some("https://api.stepfun.com/v1"),
        key_env: &["STEPFUN_API_KEY"],
        base_env: &["STEPFUN_API_BASE"],
        quirks: Quirks {
            // StepFun's reference names the field `reasoning` unless `reasoning_format` asks for another.
            reasoning: ReasoningField::Reasoning,
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "streamlake",
        title: "StreamLake (Kuaishou)",
        base_url: Some("https://vanchin.streamlake.ai/api/gateway/v1/endpoints"),
        key_env: &["STREAMLAKE_API_KEY"],
        base_env: &["STREAMLAKE_API_BASE"],
        paths: Paths { models: None, ..Paths::CHAT },
        quirks: Quirks { max_tokens: MaxTokens::NewOnly, ..Quirks::DEFAULT },
        ..Host::DEFAULT
    },
    Host::plain(
        "tencent",
        "Tencent TokenHub",
        "https://tokenhub-intl.tencentcloudmaas.com/v1",
        &["TENCENT_API_KEY"],
        &["TENCENT_API_BASE"],
    ),
    Host {
        name: "volcengine",
        aliases: &["ark", "doubao"],
        title: "Volcengine Ark",
        base_url: Some("https://ark.cn-beijing.volces.com/api/v3"),
        key_env: &["VOLCENGINE_API_KEY", "ARK_API_KEY"],
        base_env: &["VOLCENGINE_API_BASE", "ARK_API_BASE"],
        paths: Paths {
            media: Media { images: Media::ALL.images, ..Media::NONE },
            models: None,
            ..Paths::CHAT_EMBEDDINGS
        },
        quirks: Quirks {
            // Ark's reference has both limits, with different meanings: the newer one counts reasoning too.
            max_tokens: MaxTokens::Either,
            reasoning_control: ReasoningControl::Thinking,
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "xiaomi_mimo",
        aliases: &["mimo"],
        title: "Xiaomi MiMo",
        base_url: Some("https://api.xiaomimimo.com/v1"),
        key_env: &["XIAOMI_MIMO_API_KEY"],
        ..Host::DEFAULT
    },
    Host {
        name: "yi",
        aliases: &["01ai", "lingyiwanwu"],
        title: "Yi (01.AI)",
        base_url: Some("https://api.lingyiwanwu.com/v1"),
        key_env: &["YI_API_KEY"],
        base_env: &["YI_API_BASE"],
        quirks: Quirks {
            reasoning: ReasoningField::None,
            reasoning_control: ReasoningControl::None,
            ..Quirks::DEFAULT
        },
        ..Host::DEFAULT
    },
    Host {
        name: "zai",
        aliases: &["z_ai"],
        title: "Z.ai (Zhipu, international)",
        base_url: Some("https://api.z.ai/api/paas/v4"),
        key_env: &["ZAI_API_KEY"],
        base_env: &["ZAI_API_BASE"],
        paths: Paths { models: None, ..Paths::CHAT },
        quirks: GLM,
        ..Host::DEFAULT
    },
];
