//! The Responses API from its clients' side, by OpenAI's reference: requests written, responses read.

use llmux_wire::{
    chat::{
        ChatAnswer, ChatRequest, Choice, Citation, Content, FinishReason, Media, Message, Part,
        ResponseFormat, Role, Tool, ToolCall, ToolChoice,
    },
    responses::read_usage,
};
use serde_json::{Map, Value, json};

use super::openai::url;
use crate::said::events;

pub(super) fn request(request: &ChatRequest, model: &str) -> Value {
    let mut out = parameters(request);
    out.insert("model".into(), model.into());
    out.insert("input".into(), request.messages.iter().flat_map(items).collect());
    if !request.tools.is_empty() {
        out.insert("tools".into(), request.tools.iter().map(tool).collect());
    }
    if request.stream {
        out.insert("stream".into(), true.into());
    }
    out.into()
}

fn parameters(request: &ChatRequest) -> Map<String, Value> {
    let choice = request.tool_choice.as_ref().map(|choice| match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Named(name) => json!({"type": "function", "name": name}),
    });
    let format = request.format.as_ref().map(|format| match format {
        ResponseFormat::Text => json!({"format": {"type": "text"}}),
        ResponseFormat::JsonObject => json!({"format": {"type": "json_object"}}),
        ResponseFormat::JsonSchema { name, schema, strict, .. } => {
            json!({"format": {"type": "json_schema", "name": name, "schema": schema, "strict": strict}})
        }
    });
    let sampling = &request.sampling;
    let effort = request.reasoning.as_ref().and_then(|reasoning| reasoning.effort.as_deref());
    let included = sampling.logprobs.map(|_| json!(["message.output_text.logprobs"]));
    let value = json!({
        "tool_choice": choice,
        "text": format,
        "reasoning": effort.map(|effort| json!({"effort": effort})),
        "include": included,
        "top_logprobs": sampling.top_logprobs,
        "max_output_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "parallel_tool_calls": request.parallel_tool_calls,
        "user": request.user,
        "metadata": request.metadata,
        "service_tier": request.service_tier,
    });
    let mut fields = value.as_object().cloned().unwrap();
    fields.retain(|_, value| !value.is_null());
    fields
}

/// What is said becomes a message, what is thought, called or found an item of its own.
fn items(message: &Message) -> Vec<Value> {
    let role = match message.role {
        Role::System => "system",
        Role::Developer => "developer",
        Role::Assistant => "assistant",
        _ => "user",
    };
    let mut items: Vec<Value> = Vec::new();
    for part in &message.parts {
        let item = match &part.content {
            Content::Reasoning { text, signature } => reasoning(text, signature.as_deref()),
            Content::RedactedReasoning(data) => json!({"type": "reasoning", "id": "rs_1", "summary": [],
                "encrypted_content": format!("llmux-1:redacted:{data}")}),
            Content::ToolCall(call) => json!({"type": "function_call", "call_id": call.id, "name": call.name,
                "arguments": call.arguments}),
            Content::ToolResult { call_id, parts, .. } => json!({"type": "function_call_output",
                "call_id": call_id, "output": parts.iter().filter_map(|part| said(part, role)).collect::<Vec<_>>()}),
            _ => match (said(part, role), items.last_mut()) {
                (Some(part), Some(last)) if last["type"] == "message" => {
                    last["content"].as_array_mut().unwrap().push(part);
                    continue;
                }
                (Some(part), _) => json!({"type": "message", "role": role, "content": [part]}),
                (None, _) => continue,
            },
        };
        items.push(item);
    }
    items
}

fn reasoning(text: &str, signature: Option<&str>) -> Value {
    let mut out =
        json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": text}]});
    if let Some(signature) = signature {
        out["encrypted_content"] = format!("llmux-1:signed:{signature}").into();
    }
    out
}

fn said(part: &Part, role: &str) -> Option<Value> {
    Some(match &part.content {
        Content::Text { text, .. } => {
            json!({"type": if role == "assistant" { "output_text" } else { "input_text" }, "text": text})
        }
        Content::Refusal(text) => json!({"type": "refusal", "refusal": text}),
        Content::Image { source, detail } => {
            let mut image = json!({"type": "input_image"});
            match source {
                Media::FileId(id) => image["file_id"] = id.as_str().into(),
                source => image["image_url"] = url(source)?.into(),
            }
            if let Some(detail) = detail {
                image["detail"] = detail.as_str().into();
            }
            image
        }
        Content::File { source, name, .. } => match source {
            Media::FileId(id) => json!({"type": "input_file", "file_id": id}),
            Media::Url(url) => json!({"type": "input_file", "file_url": url, "filename": name}),
            source => json!({"type": "input_file", "file_data": url(source)?, "filename": name}),
        },
        Content::Audio { data, format } => {
            json!({"type": "input_audio", "input_audio": {"data": data, "format": format}})
        }
        _ => return None,
    })
}

fn tool(tool: &Tool) -> Value {
    let Tool::Function { name, description, parameters, strict, .. } = tool else {
        panic!("the corpus has functions only")
    };
    json!({"type": "function", "name": name, "description": description, "parameters": parameters,
        "strict": strict})
}

/// What stands in a response.
pub(super) fn answer(response: &Value) -> ChatAnswer {
    let output = response["output"].as_array().unwrap();
    let mut choice = Choice::default();
    output.iter().for_each(|item| add(item, &mut choice));
    let called = choice.parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
    choice.finish = Some(match response["incomplete_details"]["reason"].as_str() {
        Some("max_output_tokens") => FinishReason::Length,
        Some("content_filter") => FinishReason::ContentFilter,
        _ if called => FinishReason::ToolCalls,
        _ => FinishReason::Stop,
    });
    ChatAnswer {
        model: text(&response["model"]),
        choices: vec![choice],
        usage: read_usage(response["usage"].to_string().as_bytes()),
        ..ChatAnswer::default()
    }
}

/// What stands in the response at the end of a stream. That the events before it say the same is for the checks of
/// recorded streams.
pub(super) fn streamed(stream: &str) -> ChatAnswer {
    let ends = ["response.completed", "response.incomplete"];
    let end = events(stream).find(|(name, _)| ends.contains(&name.as_str()));
    let (_, data) = end.unwrap_or_else(|| panic!("no end: {stream}"));
    answer(&serde_json::from_str::<Value>(&data).unwrap()["response"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn add(item: &Value, choice: &mut Choice) {
    let parts = &mut choice.parts;
    match item["type"].as_str().unwrap() {
        "message" => item["content"].as_array().unwrap().iter().for_each(|part| {
            let figures = part["logprobs"].as_array().filter(|figures| !figures.is_empty());
            choice.logprobs = figures.map(|figures| json!({"content": figures})).or(choice.logprobs.take());
            parts.push(Part::new(if part["type"] == "refusal" {
                Content::Refusal(text(&part["refusal"]))
            } else {
                let citations = part["annotations"].as_array().unwrap().iter().map(citation).collect();
                Content::Text { text: text(&part["text"]), citations }
            }));
        }),
        "reasoning" => {
            let sealed = text(&item["encrypted_content"]);
            let words: String =
                item["summary"].as_array().unwrap().iter().map(|part| text(&part["text"])).collect();
            let signature = sealed.strip_prefix("llmux-1:signed:").map(str::to_owned);
            parts.push(Part::new(match sealed.strip_prefix("llmux-1:redacted:") {
                Some(data) => Content::RedactedReasoning(data.to_owned()),
                None => Content::Reasoning { text: words, signature },
            }));
        }
        "function_call" => parts.push(Part::new(Content::ToolCall(ToolCall {
            id: text(&item["call_id"]),
            name: text(&item["name"]),
            arguments: text(&item["arguments"]),
        }))),
        other => panic!("no item of ours: {other}"),
    }
}

fn citation(annotation: &Value) -> Citation {
    Citation {
        url: Some(text(&annotation["url"])),
        title: Some(text(&annotation["title"])),
        span: annotation["start_index"].as_u64().zip(annotation["end_index"].as_u64()),
        ..Citation::default()
    }
}
