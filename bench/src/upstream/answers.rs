//! The bytes of the answers, made once.

use bytes::Bytes;
use serde_json::{Value, json};

/// What a model says in a whole answer, about a screenful.
const TEXT: &str = "A gateway stands between applications and the models that they use. It knows which key may \
    call which model, where that model runs today, and what an answer cost. It retries where that helps and \
    gives up where it does not. All of this has to happen within the time that a packet needs to cross a room, \
    because the answer itself is what people wait for, and nobody thanks a doorman for a long greeting. So it \
    reads the few fields that decide, leaves the rest as it came, and hands the bytes on.";

/// Prepared answers in the form of OpenAI's chat completions.
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
    /// Builds them all.
    pub(crate) fn new() -> Self {
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
