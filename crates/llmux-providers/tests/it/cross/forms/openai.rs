//! Chat completions as their clients send them, by OpenAI's reference; cache marks and signed thoughts as LiteLLM's
//! clients add them.

use llmux_wire::chat::{
    CacheMark, ChatRequest, Content, Media, Message, Part, ResponseFormat, Role, Tool, ToolChoice,
};
use serde_json::{Map, Value, json};

pub(super) fn request(request: &ChatRequest, model: &str) -> Value {
    let mut out = sampling(request);
    out.insert("model".into(), model.into());
    out.insert("messages".into(), request.messages.iter().flat_map(message).collect());
    if !request.tools.is_empty() {
        out.insert("tools".into(), request.tools.iter().map(tool).collect());
    }
    let choice = request.tool_choice.as_ref().map(|choice| match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Named(name) => json!({"type": "function", "function": {"name": name}}),
    });
    let format = request.format.as_ref().map(|format| match format {
        ResponseFormat::Text => json!({"type": "text"}),
        ResponseFormat::JsonObject => json!({"type": "json_object"}),
        ResponseFormat::JsonSchema { name, schema, strict, .. } => json!({
            "type": "json_schema",
            "json_schema": {"name": name, "schema": schema, "strict": strict},
        }),
    });
    let reasoning = request.reasoning.as_ref();
    for (name, value) in [
        ("tool_choice", choice),
        ("response_format", format),
        ("reasoning_effort", reasoning.and_then(|reasoning| reasoning.effort.clone()).map(Value::from)),
        ("parallel_tool_calls", request.parallel_tool_calls.map(Value::from)),
        ("user", request.user.clone().map(Value::from)),
        ("metadata", request.metadata.clone().map(Value::from)),
        ("service_tier", request.service_tier.clone().map(Value::from)),
    ] {
        out.extend(value.map(|value| (name.to_owned(), value)));
    }
    if request.stream {
        out.insert("stream".into(), true.into());
        out.insert("stream_options".into(), json!({"include_usage": true}));
    }
    out.into()
}

/// The parameters of sampling that are set.
fn sampling(request: &ChatRequest) -> Map<String, Value> {
    let sampling = &request.sampling;
    let value = json!({
        "max_completion_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "seed": sampling.seed,
        "stop": sampling.stop,
        "n": sampling.n,
        "logit_bias": sampling.logit_bias,
        "logprobs": sampling.logprobs,
        "top_logprobs": sampling.top_logprobs,
    });
    let mut fields = value.as_object().cloned().unwrap();
    fields.retain(|_, value| !value.is_null() && *value != json!([]));
    fields
}

/// Results are messages of their own.
fn message(message: &Message) -> Vec<Value> {
    let parts: Vec<_> = message.parts.iter().filter_map(part).collect();
    let mut out = match message.role {
        Role::System => json!({"role": "system", "content": parts}),
        Role::Developer => json!({"role": "developer", "content": parts}),
        Role::User => json!({"role": "user", "content": parts}),
        Role::Assistant => assistant(message, parts),
        Role::Tool => {
            let results = message.parts.iter().filter_map(|part| match &part.content {
                Content::ToolResult { call_id, parts, .. } => Some(json!({
                    "role": "tool",
                    "tool_call_id": call_id,
                    "content": parts.iter().filter_map(self::part).collect::<Vec<_>>(),
                })),
                _ => None,
            });
            return results.collect();
        }
    };
    if let Some(name) = &message.name {
        out["name"] = name.as_str().into();
    }
    vec![out]
}

fn assistant(message: &Message, parts: Vec<Value>) -> Value {
    let mut out = json!({"role": "assistant"});
    if !parts.is_empty() {
        out["content"] = parts.into();
    }
    let (mut calls, mut thoughts) = (Vec::new(), Vec::new());
    for part in &message.parts {
        match &part.content {
            Content::ToolCall(call) => calls.push(json!({
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            })),
            Content::Refusal(text) => out["refusal"] = text.as_str().into(),
            Content::Reasoning { text, signature: None } => out["reasoning_content"] = text.as_str().into(),
            Content::Reasoning { text, signature } => {
                thoughts.push(json!({"type": "thinking", "thinking": text, "signature": signature}));
            }
            Content::RedactedReasoning(data) => {
                thoughts.push(json!({"type": "redacted_thinking", "data": data}));
            }
            _ => {}
        }
    }
    for (name, list) in [("tool_calls", calls), ("thinking_blocks", thoughts)] {
        if !list.is_empty() {
            out[name] = list.into();
        }
    }
    out
}

fn part(part: &Part) -> Option<Value> {
    let mut out = match &part.content {
        Content::Text { text, .. } => json!({"type": "text", "text": text}),
        Content::Image { source, detail } => {
            let mut image = json!({"url": url(source)?});
            if let Some(detail) = detail {
                image["detail"] = detail.as_str().into();
            }
            json!({"type": "image_url", "image_url": image})
        }
        Content::File { source: Media::FileId(id), .. } => json!({"type": "file", "file": {"file_id": id}}),
        Content::File { source, name, .. } => {
            json!({"type": "file", "file": {"filename": name, "file_data": url(source)?}})
        }
        Content::Audio { data, format } => {
            json!({"type": "input_audio", "input_audio": {"data": data, "format": format}})
        }
        _ => return None,
    };
    if let Some(mark) = part.cache {
        out["cache_control"] = cache(mark);
    }
    Some(out)
}

pub(super) fn url(source: &Media) -> Option<String> {
    match source {
        Media::Url(url) => Some(url.clone()),
        Media::Base64 { mime, data } => Some(format!("data:{mime};base64,{data}")),
        _ => None,
    }
}

fn cache(mark: CacheMark) -> Value {
    match mark {
        CacheMark::Default => json!({"type": "ephemeral"}),
        CacheMark::OneHour => json!({"type": "ephemeral", "ttl": "1h"}),
    }
}

fn tool(tool: &Tool) -> Value {
    let Tool::Function { name, description, parameters, strict, cache: mark } = tool else {
        panic!("the corpus has functions only")
    };
    let mut function = json!({"name": name, "description": description, "parameters": parameters});
    if let Some(strict) = strict {
        function["strict"] = (*strict).into();
    }
    let mut out = json!({"type": "function", "function": function});
    if let Some(mark) = mark {
        out["cache_control"] = cache(*mark);
    }
    out
}
