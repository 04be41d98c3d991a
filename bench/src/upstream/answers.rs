//! The bytes of the answers, made once.

use bytes::Bytes;
use serde_json::{Value, json};

/// What a model says in a whole answer, about a screenful.
const TEXT: &str = "A gateway stands between applications and the models that they use. It knows which key may \
    call which model, where that model runs today, and what an answer cost. It retries where that helps and \
    gives up where it does not. All of this has to happen within the time that a packet needs to cross a room, \
    because the answer itself is what people wait for, and nobody thanks a doorman for a long greeting. So it \
    reads the few fields that decide, leaves the rest as it came, and hands the bytes on.";

/// Prepared answers in one dialect.
pub(crate) struct Answers {
    /// A whole answer with usage.
    pub(crate) whole: Bytes,
    /// The event that opens a stream.
    pub(crate) opening: Bytes,
    /// An event with a word of text.
    pub(crate) chunk: Bytes,
    /// The events that close a stream: the reason, the usage, the end mark.
    pub(crate) closing: Bytes,
}

impl Answers {
    /// Those of OpenAI's chat completions.
    pub(crate) fn chat_completions() -> Self {
        let usage = json!({
            "prompt_tokens": 250, "completion_tokens": 110, "total_tokens": 360,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        });
        let message = json!({"role": "assistant", "content": TEXT, "refusal": null, "annotations": []});
        let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"});
        let whole = envelope("chat.completion", json!([choice]), Some(usage.clone()));
        let delta = |delta: Value, reason: Value| {
            let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason});
            event(&envelope("chat.completion.chunk", json!([choice]), None))
        };
        let closing = [
            delta(json!({}), json!("stop")),
            event(&envelope("chat.completion.chunk", json!([]), Some(usage))),
            "data: [DONE]\n\n".to_owned(),
        ];
        Self {
            whole: whole.to_string().into(),
            opening: delta(json!({"role": "assistant", "content": ""}), Value::Null).into(),
            chunk: delta(json!({"content": " gateway"}), Value::Null).into(),
            closing: closing.concat().into(),
        }
    }

    /// Those of Anthropic's Messages.
    pub(crate) fn messages() -> Self {
        let usage = json!({"input_tokens": 250, "output_tokens": 110, "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 0, "service_tier": "standard"});
        let message = |content: Value, reason: Value| {
            json!({"id": "msg_bench0000000000000000001", "type": "message", "role": "assistant",
                "model": "claude-bench-2026", "content": content, "stop_reason": reason, "stop_sequence": null,
                "usage": usage})
        };
        let opening = [
            named(&json!({"type": "message_start", "message": message(json!([]), Value::Null)})),
            named(
                &json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            ),
        ];
        let delta = json!({"type": "text_delta", "text": " gateway"});
        let closing = [
            named(&json!({"type": "content_block_stop", "index": 0})),
            named(
                &json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
                "usage": {"output_tokens": 110}}),
            ),
            named(&json!({"type": "message_stop"})),
        ];
        let whole = message(json!([{"type": "text", "text": TEXT}]), json!("end_turn"));
        Self {
            whole: whole.to_string().into(),
            opening: opening.concat().into(),
            chunk: named(&json!({"type": "content_block_delta", "index": 0, "delta": delta})).into(),
            closing: closing.concat().into(),
        }
    }
}

fn envelope(object: &str, choices: Value, usage: Option<Value>) -> Value {
    let mut answer = json!({
        "id": "chatcmpl-bench0000000000000000001", "object": object, "created": 1_767_225_600,
        "model": "gpt-4o-mini-2026", "service_tier": "default", "system_fingerprint": "fp_bench", "choices": choices,
    });
    if let (Some(fields), Some(usage)) = (answer.as_object_mut(), usage) {
        fields.insert("usage".to_owned(), usage);
    }
    answer
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// An event that is named by its type.
fn named(data: &Value) -> String {
    let name = data.get("type").and_then(Value::as_str).unwrap_or_default();
    format!("event: {name}\n{}", event(data))
}
