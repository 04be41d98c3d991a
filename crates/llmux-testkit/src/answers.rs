//! Ready-made answers of providers, each with usage, as their API references describe them.

use serde_json::{Value, json};

use crate::Answer;

/// The model that ready-made answers say they come from.
pub const MODEL: &str = "scripted-model";
/// Tokens that ready-made answers say they read.
pub const PROMPT_TOKENS: u64 = 11;
/// Tokens that ready-made answers say they wrote.
pub const COMPLETION_TOKENS: u64 = 7;

/// A chat completion that says `text`.
#[must_use]
pub fn openai_chat(text: &str) -> Answer {
    openai_message(&json!({"role": "assistant", "content": text, "refusal": null}), "stop")
}

/// A chat completion that calls one tool; `arguments` is the JSON text of its arguments.
#[must_use]
pub fn openai_tool_call(name: &str, arguments: &str) -> Answer {
    let call = json!({
        "id": "call_scripted", "type": "function", "function": {"name": name, "arguments": arguments},
    });
    openai_message(&json!({"role": "assistant", "content": null, "tool_calls": [call]}), "tool_calls")
}

/// A streamed chat completion, one frame a word; the frame with the usage stands at the end, as it does when
/// it was asked for.
#[must_use]
pub fn openai_stream(words: &[&str]) -> Answer {
    let words = words.iter().map(|word| json!({"content": word}));
    openai_deltas([json!({"role": "assistant", "content": ""})].into_iter().chain(words), "stop")
}

/// A streamed call of one tool, its arguments in the given pieces.
#[must_use]
pub fn openai_tool_call_stream(name: &str, pieces: &[&str]) -> Answer {
    let call = json!({
        "index": 0, "id": "call_scripted", "type": "function", "function": {"name": name, "arguments": ""},
    });
    let first = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    let pieces =
        pieces.iter().map(|piece| json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}));
    openai_deltas([first].into_iter().chain(pieces), "tool_calls")
}

/// An embedding of each vector.
#[must_use]
pub fn openai_embeddings(vectors: &[&[f64]]) -> Answer {
    let row = |(index, vector)| json!({"object": "embedding", "index": index, "embedding": vector});
    let data: Vec<Value> = vectors.iter().enumerate().map(row).collect();
    Answer::json(json!({
        "object": "list", "data": data, "model": MODEL,
        "usage": {"prompt_tokens": PROMPT_TOKENS, "total_tokens": PROMPT_TOKENS},
    }))
}

/// An error in OpenAI's form.
#[must_use]
pub fn openai_error(status: u16, kind: &str, message: &str) -> Answer {
    let error = json!({"message": message, "type": kind, "param": null, "code": null});
    Answer::json(json!({"error": error})).with_status(status)
}

/// A message that says `text`.
#[must_use]
pub fn anthropic_message(text: &str) -> Answer {
    anthropic_blocks(&json!([{"type": "text", "text": text}]), "end_turn")
}

/// A message that uses one tool.
#[must_use]
pub fn anthropic_tool_use(name: &str, input: &Value) -> Answer {
    let block = json!({"type": "tool_use", "id": "toolu_scripted", "name": name, "input": input});
    anthropic_blocks(&json!([block]), "tool_use")
}

/// A streamed message, one delta a word.
#[must_use]
pub fn anthropic_stream(words: &[&str]) -> Answer {
    let deltas = words.iter().map(|word| json!({"type": "text_delta", "text": word}));
    anthropic_deltas(&json!({"type": "text", "text": ""}), deltas, "end_turn")
}

/// A streamed use of one tool, the JSON text of its input in the given pieces.
#[must_use]
pub fn anthropic_tool_use_stream(name: &str, pieces: &[&str]) -> Answer {
    let block = json!({"type": "tool_use", "id": "toolu_scripted", "name": name, "input": {}});
    let deltas = pieces.iter().map(|piece| json!({"type": "input_json_delta", "partial_json": piece}));
    anthropic_deltas(&block, deltas, "tool_use")
}

/// An error in Anthropic's form.
#[must_use]
pub fn anthropic_error(status: u16, kind: &str, message: &str) -> Answer {
    let error = json!({"type": kind, "message": message});
    Answer::json(json!({"type": "error", "error": error, "request_id": "req_scripted"})).with_status(status)
}

fn openai_message(message: &Value, finish: &str) -> Answer {
    Answer::json(json!({
        "id": "chatcmpl-scripted", "object": "chat.completion", "created": 1_700_000_000, "model": MODEL,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish}],
        "usage": openai_usage(),
    }))
}

fn openai_deltas(deltas: impl Iterator<Item = Value>, finish: &str) -> Answer {
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({
            "id": "chatcmpl-scripted", "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": MODEL, "choices": choices, "usage": usage,
        });
        format!("data: {chunk}\n\n")
    };
    let choice = |delta: Value, finish: Value| json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
    let mut frames: Vec<_> = deltas.map(|delta| chunk(choice(delta, Value::Null), Value::Null)).collect();
    frames.push(chunk(choice(json!({}), json!(finish)), Value::Null));
    frames.push(chunk(json!([]), openai_usage()));
    frames.push("data: [DONE]\n\n".to_owned());
    Answer::sse(frames)
}

fn openai_usage() -> Value {
    json!({
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": COMPLETION_TOKENS,
        "total_tokens": PROMPT_TOKENS + COMPLETION_TOKENS,
    })
}

fn anthropic_head(content: &Value, stop: &Value, output: u64) -> Value {
    json!({
        "id": "msg_scripted", "type": "message", "role": "assistant", "model": MODEL, "content": content,
        "stop_reason": stop, "stop_sequence": null,
        "usage": {"input_tokens": PROMPT_TOKENS, "output_tokens": output},
    })
}

fn anthropic_blocks(blocks: &Value, stop: &str) -> Answer {
    Answer::json(anthropic_head(blocks, &json!(stop), COMPLETION_TOKENS))
}

fn anthropic_deltas(block: &Value, deltas: impl Iterator<Item = Value>, stop: &str) -> Answer {
    let start = json!({"type": "message_start", "message": anthropic_head(&json!([]), &Value::Null, 1)});
    let open = json!({"type": "content_block_start", "index": 0, "content_block": block});
    let deltas = deltas.map(|delta| json!({"type": "content_block_delta", "index": 0, "delta": delta}));
    let close = json!({"type": "content_block_stop", "index": 0});
    let end = json!({
        "type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": null},
        "usage": {"output_tokens": COMPLETION_TOKENS},
    });
    let events = [start, open, json!({"type": "ping"})].into_iter().chain(deltas).chain([
        close,
        end,
        json!({"type": "message_stop"}),
    ]);
    Answer::sse(events.map(|event| {
        let name = event["type"].as_str().unwrap_or_default();
        format!("event: {name}\ndata: {event}\n\n")
    }))
}
