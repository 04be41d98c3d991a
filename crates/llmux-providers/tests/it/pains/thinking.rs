//! Row 28: thinking that is lost in a tool loop, which providers answer with a 400.

use llmux_core::{Dialect, Operation};
use serde_json::{Value, json};

use super::{anthropic_events, chunk, chunks, message_start};
use crate::{calls, recordings};

/// What Anthropic's model thinks, hides, says and calls.
pub(super) fn blocks() -> Value {
    json!([
        {"type": "thinking", "thinking": "hm", "signature": "sig=="},
        {"type": "redacted_thinking", "data": "opaque=="},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": 1}},
    ])
}

/// The loop's next request, with the assistant's turn as the client got it.
fn next_request(turn: Value) -> Value {
    json!({
        "model": "m",
        "messages": [
            {"role": "user", "content": "hi"},
            turn,
            {"role": "tool", "tool_call_id": "toolu_1", "content": "seen"},
        ],
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
        "reasoning_effort": "low",
    })
}

fn sent_back(turn: Value) -> Value {
    let provider = recordings::provider("anthropic");
    let exchange = calls::prepare(&*provider, Operation::Chat, Dialect::OpenAi, &next_request(turn)).unwrap();
    calls::sent(&exchange).1["messages"][1].clone()
}

#[test]
fn pain_28_thinking_blocks_survive_a_tool_loop_of_an_openai_client() {
    let body = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": blocks(),
        "stop_reason": "tool_use", "usage": {"input_tokens": 5, "output_tokens": 9}});
    let request = calls::request(Operation::Chat, Dialect::OpenAi, false);
    let provider = recordings::provider("anthropic");
    let reply = calls::reply(&*provider, Operation::Chat, Dialect::OpenAi, &request);
    let (answer, _) = calls::whole(reply, &body.to_string().into()).unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let turn = sent_back(answer["choices"][0]["message"].clone());
    assert_eq!(turn, json!({"role": "assistant", "content": blocks()}));
}

/// The same as a stream.
pub(super) fn thinking_stream() -> String {
    let delta = |at: usize, delta: Value| json!({"type": "content_block_delta", "index": at, "delta": delta});
    let mut events = vec![message_start()];
    for (at, block) in blocks().as_array().unwrap().iter().enumerate() {
        let (empty, deltas) = match block["type"].as_str().unwrap() {
            "thinking" => (
                json!({"type": "thinking", "thinking": "", "signature": ""}),
                vec![
                    json!({"type": "thinking_delta", "thinking": "h"}),
                    json!({"type": "thinking_delta", "thinking": "m"}),
                    json!({"type": "signature_delta", "signature": "sig=="}),
                ],
            ),
            "text" => (
                json!({"type": "text", "text": ""}),
                vec![json!({"type": "text_delta", "text": "Let me look."})],
            ),
            "tool_use" => (
                json!({"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}),
                vec![json!({"type": "input_json_delta", "partial_json": "{\"at\": 1}"})],
            ),
            _ => (block.clone(), Vec::new()),
        };
        events.push(json!({"type": "content_block_start", "index": at, "content_block": empty}));
        events.extend(deltas.into_iter().map(|change| delta(at, change)));
        events.push(json!({"type": "content_block_stop", "index": at}));
    }
    events.push(
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}}),
    );
    events.push(json!({"type": "message_stop"}));
    anthropic_events(&events)
}

#[test]
fn pain_28_streamed_thinking_blocks_survive_a_tool_loop_of_an_openai_client() {
    let request = calls::request(Operation::Chat, Dialect::OpenAi, true);
    let provider = recordings::provider("anthropic");
    let reply = calls::reply(&*provider, Operation::Chat, Dialect::OpenAi, &request);
    let (answer, _) = calls::stream_at_once(reply, thinking_stream()).unwrap();
    assert_eq!(sent_back(gathered(&answer)), json!({"role": "assistant", "content": blocks()}));
}

/// The turn that an OpenAI client gathers from a stream: texts are joined, lists too, calls by their index.
fn gathered(stream: &str) -> Value {
    let mut turn = json!({"role": "assistant", "content": "", "thinking_blocks": [], "tool_calls": []});
    for (_, data) in crate::said::events(stream).filter(|(_, data)| data != "[DONE]") {
        let chunk: Value = serde_json::from_str(&data).unwrap();
        let delta = &chunk["choices"][0]["delta"];
        let text =
            format!("{}{}", turn["content"].as_str().unwrap(), delta["content"].as_str().unwrap_or_default());
        turn["content"] = text.into();
        let thinking = turn["thinking_blocks"].as_array_mut().unwrap();
        thinking.extend(delta["thinking_blocks"].as_array().into_iter().flatten().cloned());
        for piece in delta["tool_calls"].as_array().into_iter().flatten() {
            let calls = turn["tool_calls"].as_array_mut().unwrap();
            match calls.get_mut(usize::try_from(piece["index"].as_u64().unwrap()).unwrap()) {
                Some(call) => {
                    let arguments = &mut call["function"]["arguments"];
                    let more = piece["function"]["arguments"].as_str().unwrap();
                    *arguments = format!("{}{more}", arguments.as_str().unwrap()).into();
                }
                None => calls.push(piece.clone()),
            }
        }
    }
    turn
}

/// A host that passes Anthropic's models on, and where it puts their blocks.
fn resold(kind: &str) -> Value {
    if kind == "litellm_proxy" {
        json!({"reasoning_content": "hm", "thinking_blocks": [
            {"type": "thinking", "thinking": "hm", "signature": "sig=="},
            {"type": "redacted_thinking", "data": "opaque=="}]})
    } else {
        let format = "anthropic-claude-v1";
        json!({"reasoning": "hm", "reasoning_details": [
            {"type": "reasoning.text", "text": "hm", "signature": "sig==", "format": format, "index": 0},
            {"type": "reasoning.encrypted", "data": "opaque==", "format": format, "index": 1}]})
    }
}

#[test]
fn pain_28_thinking_blocks_survive_a_tool_loop_of_an_anthropic_client_over_a_reseller() {
    for kind in ["openrouter", "snowflake", "litellm_proxy"] {
        let mut message = resold(kind);
        message["role"] = "assistant".into();
        message["content"] = "Let me look.".into();
        message["tool_calls"] = json!([{"id": "toolu_1", "type": "function",
            "function": {"name": "look", "arguments": "{\"at\":1}"}}]);
        let mut delta = message.clone();
        delta["tool_calls"][0]["index"] = 0.into();

        let body = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]});
        let stream = chunks(&[chunk(delta, None), chunk(json!({}), Some("tool_calls"))]);
        let provider = recordings::provider(kind);
        let reply = |stream| {
            let request = calls::request(Operation::Chat, Dialect::Anthropic, stream);
            calls::reply(&*provider, Operation::Chat, Dialect::Anthropic, &request)
        };
        let (whole, _) = calls::whole(reply(false), &body.to_string().into()).unwrap();
        let whole: Value = serde_json::from_slice(&whole).unwrap();
        assert_eq!(whole["content"], blocks(), "{kind}");
        let (streamed, _) = calls::stream_at_once(reply(true), &stream).unwrap();
        for sealed in ["sig==", "opaque=="] {
            assert!(streamed.contains(sealed), "{kind}: {streamed}");
        }

        let next = json!({"model": "m", "max_tokens": 9, "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": whole["content"]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "seen"}]}]});
        let exchange = calls::prepare(&*provider, Operation::Chat, Dialect::Anthropic, &next).unwrap();
        let (_, sent) = calls::sent(&exchange);
        let turn = &sent["messages"][1];
        for (field, value) in resold(kind).as_object().unwrap() {
            assert!(value.is_string() || turn[field] == *value, "{kind}: {turn}");
        }
    }
}

#[test]
fn pain_28_hosts_that_want_reasoning_back_get_it_and_others_do_not() {
    let next = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": blocks()},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "seen"}]}]});
    for (kind, field) in [
        ("deepseek", Some("reasoning_content")),
        ("moonshot", Some("reasoning_content")),
        ("ollama", Some("thinking")),
        ("ollama_openai", Some("reasoning")),
        ("openai", None),
        ("groq", None),
    ] {
        let provider = recordings::provider(kind);
        let exchange = calls::prepare(&*provider, Operation::Chat, Dialect::Anthropic, &next).unwrap();
        let turn = calls::sent(&exchange).1["messages"][1].clone();
        let mut expected =
            json!({"role": "assistant", "content": "Let me look.", "tool_calls": turn["tool_calls"]});
        if let Some(field) = field {
            expected[field] = "hm".into();
        }
        assert_eq!(turn, expected, "{kind}");
    }
}
