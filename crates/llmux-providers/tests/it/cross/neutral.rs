//! Neutral conversations and answers in one form, so that they can be compared.
//!
//! What no dialect distinguishes is one: messages of one side in a row, and a call's arguments however they are spaced.

use llmux_core::{Dialect, Usage};
use llmux_wire::chat::{
    CacheMark, ChatAnswer, ChatRequest, Choice, Citation, Content, FinishReason, Media, Message, Part,
    ResponseFormat, Role, Sampling, Tool, ToolChoice,
};
use serde_json::{Map, Value, json};

/// A conversation. The model is the provider's, and streaming is said in other places.
pub(super) fn request(request: &ChatRequest) -> Value {
    let mut out = sampling(&request.sampling);
    out.insert("messages".into(), messages(&request.messages));
    out.insert("tools".into(), request.tools.iter().map(tool).collect());
    let choice = request.tool_choice.as_ref().map(|choice| match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Named(name) => json!({ "named": name }),
    });
    let format = request.format.as_ref().map(|format| match format {
        ResponseFormat::Text => json!("text"),
        ResponseFormat::JsonObject => json!("json"),
        ResponseFormat::JsonSchema { name, description, schema, strict } => {
            json!({"name": name, "description": description, "schema": schema, "strict": strict})
        }
    });
    let reasoning = request.reasoning.as_ref().map(|reasoning| {
        json!({"effort": reasoning.effort, "budget": reasoning.budget, "adaptive": reasoning.adaptive,
            "disabled": reasoning.disabled, "display": reasoning.display})
    });
    for (name, value) in [
        ("tool_choice", choice),
        ("format", format),
        ("reasoning", reasoning),
        ("parallel_tool_calls", request.parallel_tool_calls.map(Value::from)),
        ("user", request.user.clone().map(Value::from)),
        ("metadata", request.metadata.clone().map(Value::from)),
        ("service_tier", request.service_tier.clone().map(Value::from)),
        ("cache", cache(request.cache)),
        ("extra", Some(request.extra.clone()).filter(|extra| !extra.is_empty()).map(Value::from)),
    ] {
        out.extend(value.map(|value| (name.to_owned(), value)));
    }
    bare(out.into())
}

/// An answer, whole or gathered from its stream. Some providers do not name its model.
pub(super) fn answer(answer: &ChatAnswer) -> Value {
    let choices: Vec<_> = answer.choices.iter().map(choice).collect();
    bare(json!({
        "choices": choices,
        "usage": answer.usage.as_ref().map(usage),
    }))
}

fn sampling(sampling: &Sampling) -> Map<String, Value> {
    let value = json!({
        "max_tokens": sampling.max_tokens,
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
    value.as_object().cloned().unwrap()
}

fn messages(messages: &[Message]) -> Value {
    let mut turns: Vec<(Role, Option<&str>, Vec<Value>)> = Vec::new();
    for message in messages {
        let said = message.parts.iter().map(part);
        match turns.last_mut() {
            Some((role, name, parts)) if *role == message.role && *name == message.name.as_deref() => {
                parts.extend(said);
            }
            _ => turns.push((message.role, message.name.as_deref(), said.collect())),
        }
    }
    let turn = |(role, name, parts): (Role, Option<&str>, Vec<Value>)| json!({"role": format!("{role:?}").to_lowercase(), "name": name, "parts": parts});
    turns.into_iter().map(turn).collect()
}

fn part(part: &Part) -> Value {
    let mut value = match &part.content {
        Content::Text { text, citations } => {
            json!({"text": text, "citations": citations.iter().map(citation).collect::<Vec<_>>()})
        }
        Content::Refusal(text) => json!({ "refusal": text }),
        Content::Image { source, detail } => json!({"image": media(source), "detail": detail}),
        Content::File { source, name, context, citations } => {
            json!({"file": media(source), "name": name, "context": context, "cited": citations})
        }
        Content::Audio { data, format } => json!({"audio": data, "format": format}),
        Content::ToolCall(call) => {
            let arguments = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!(call.arguments));
            json!({"call": call.id, "tool": call.name, "arguments": arguments})
        }
        Content::ToolResult { call_id, parts, is_error } => json!({
            "result": call_id,
            "parts": parts.iter().map(self::part).collect::<Vec<_>>(),
            "failed": is_error,
        }),
        Content::Reasoning { text, signature } => json!({"thought": text, "signature": signature}),
        Content::RedactedReasoning(data) => json!({ "redacted": data }),
        Content::Opaque { dialect, value } => json!({"of": dialect.to_string(), "opaque": value}),
    };
    if let Some(mark) = cache(part.cache) {
        value["cache"] = mark;
    }
    value
}

fn media(media: &Media) -> Value {
    match media {
        Media::Url(url) => json!({ "url": url }),
        Media::Base64 { mime, data } => json!({"mime": mime, "data": data}),
        Media::FileId(id) => json!({ "id": id }),
        Media::Text { mime, text } => json!({"mime": mime, "text": text}),
    }
}

fn citation(citation: &Citation) -> Value {
    json!({"url": citation.url, "title": citation.title, "cited": citation.cited_text.as_deref().filter(|text| !text.is_empty()), "span": citation.span})
}

fn cache(mark: Option<CacheMark>) -> Option<Value> {
    mark.map(|mark| match mark {
        CacheMark::Default => json!("default"),
        CacheMark::OneHour => json!("an hour"),
    })
}

fn tool(tool: &Tool) -> Value {
    match tool {
        Tool::Function { name, description, parameters, strict, cache: mark } => json!({
            "name": name,
            "description": description,
            "parameters": parameters,
            "strict": strict,
            "cache": cache(*mark),
        }),
        Tool::Opaque { dialect, value } => json!({"of": dialect.to_string(), "opaque": value}),
    }
}

fn choice(choice: &Choice) -> Value {
    let finish = choice.finish.as_ref().map(|finish| match finish {
        FinishReason::StopSequence(text) => json!({ "stop text": text }),
        other => json!(format!("{other:?}")),
    });
    json!({
        "parts": choice.parts.iter().map(part).collect::<Vec<_>>(),
        "finish": finish,
        "logprobs": choice.logprobs.as_ref().map(|figures| &figures["content"]),
    })
}

/// The buckets in which there is anything.
fn usage(usage: &Usage) -> Value {
    let mut value = serde_json::to_value(usage).unwrap();
    value.as_object_mut().unwrap().retain(|_, tokens| *tokens != 0);
    value
}

/// Without what is absent, empty or false anyway. What a schema says stays.
fn bare(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if !["schema", "parameters", "arguments", "logprobs", "extra", "opaque"]
                    .contains(&name.as_str())
                {
                    *field = bare(field.take());
                }
            }
            fields.retain(|_, field| !field.is_null() && *field != json!([]) && *field != json!(false));
        }
        Value::Array(list) => list.iter_mut().for_each(|item| *item = bare(item.take())),
        _ => {}
    }
    value
}

/// What a dialect is called in the table and on the page.
pub(super) fn title(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAi => "OpenAI chat",
        Dialect::OpenAiResponses => "OpenAI Responses",
        Dialect::Anthropic => "Anthropic",
        Dialect::Gemini => "Gemini",
        Dialect::BedrockConverse => "Converse",
        Dialect::Cohere => "Cohere",
        Dialect::Ollama => "Ollama",
        _ => "?",
    }
}
