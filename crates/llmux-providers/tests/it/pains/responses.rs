//! Rows 22, 23, 27 and 28 for clients of the Responses API.

use bytes::Bytes;
use llmux_core::{Dialect, Operation};
use llmux_testkit::conformance;
use serde_json::{Value, json};

use super::{
    chunk, chunks, streams,
    thinking::{blocks, thinking_stream},
};
use crate::{calls, recordings, said::events};

const DIALECT: Dialect = Dialect::OpenAiResponses;

/// The output of a whole answer.
fn output(kind: &str, body: &Value) -> Value {
    let request = calls::request(Operation::Chat, DIALECT, false);
    let reply = calls::reply(&*recordings::provider(kind), Operation::Chat, DIALECT, &request);
    let (answer, _) = calls::whole(reply, &body.to_string().into()).unwrap();
    serde_json::from_slice::<Value>(&answer).unwrap()["output"].clone()
}

/// The output of a stream, as its last event has it.
fn streamed_output(kind: &str, stream: &str) -> Value {
    let request = calls::request(Operation::Chat, DIALECT, true);
    let reply = calls::reply(&*recordings::provider(kind), Operation::Chat, DIALECT, &request);
    let (answer, _) = calls::stream_at_once(reply, stream).unwrap();
    let (_, last) = events(&answer).last().unwrap();
    serde_json::from_str::<Value>(&last).unwrap()["response"]["output"].clone()
}

/// What the provider gets when the client sends the output back with the tool's result.
fn sent_back(kind: &str, output: &Value, call: &str) -> Value {
    let mut input = vec![json!({"role": "user", "content": "hi"})];
    input.extend(output.as_array().unwrap().iter().cloned());
    input.push(json!({"type": "function_call_output", "call_id": call, "output": "seen"}));
    let next = json!({"model": "claude-sonnet-4-5", "input": input, "reasoning": {"effort": "low"},
        "tools": [{"type": "function", "name": "look", "parameters": {"type": "object"}}]});
    let exchange = calls::prepare(&*recordings::provider(kind), Operation::Chat, DIALECT, &next).unwrap();
    calls::sent(&exchange).1
}

#[test]
fn pain_28_thinking_blocks_survive_a_tool_loop_of_a_responses_client_in_their_order() {
    let mut interleaved = blocks();
    interleaved
        .as_array_mut()
        .unwrap()
        .insert(3, json!({"type": "thinking", "thinking": "more", "signature": "other=="}));
    for blocks in [blocks(), interleaved] {
        let body = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": blocks, "stop_reason": "tool_use", "usage": {"input_tokens": 5, "output_tokens": 9}});
        let sent = sent_back("anthropic", &output("anthropic", &body), "toolu_1");
        assert_eq!(sent["messages"][1], json!({"role": "assistant", "content": blocks}));
        assert_eq!(sent["messages"][2]["content"][0]["tool_use_id"], "toolu_1");
        assert_eq!(sent["thinking"]["type"], "enabled");
    }
}

#[test]
fn pain_28_streamed_thinking_blocks_survive_a_tool_loop_of_a_responses_client() {
    let sent = sent_back("anthropic", &streamed_output("anthropic", &thinking_stream()), "toolu_1");
    assert_eq!(sent["messages"][1], json!({"role": "assistant", "content": blocks()}));
}

#[test]
fn pain_27_calls_and_reasoning_keep_their_places_over_a_chat_provider() {
    let call = json!({"id": "call_1", "type": "function",
        "function": {"name": "look", "arguments": "{\"at\":1}"}});
    let body = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant",
            "content": "Let me look.", "reasoning_content": "hm", "tool_calls": [call]}}]});
    let mut begun = call.clone();
    begun["index"] = 0.into();
    let stream = chunks(&[
        chunk(json!({"role": "assistant", "content": "", "reasoning_content": "hm"}), None),
        chunk(json!({"content": "Let me look."}), None),
        chunk(json!({"tool_calls": [begun]}), None),
        chunk(json!({}), Some("tool_calls")),
    ]);
    for output in [output("deepseek", &body), streamed_output("deepseek", &stream)] {
        let kinds: Vec<_> = output.as_array().unwrap().iter().map(|item| item["type"].clone()).collect();
        assert_eq!(kinds, ["reasoning", "message", "function_call"]);
        assert_eq!(output[1]["content"][0]["text"], "Let me look.");
        let sent = sent_back("deepseek", &output, "call_1");
        let turn = &sent["messages"][1];
        assert_eq!((&turn["content"], &turn["tool_calls"][0]), (&json!("Let me look."), &call));
        let result = json!({"role": "tool", "tool_call_id": "call_1", "content": "seen"});
        assert_eq!(sent["messages"][2], result);
    }
}

#[test]
fn pain_22_a_stream_that_begins_with_an_error_fails_before_anything_goes_out() {
    let created = json!({"type": "response.created", "sequence_number": 0, "response": {"id": "r"}});
    let failed = json!({"type": "response.failed", "sequence_number": 1, "response": {"id": "r",
        "status": "failed", "error": {"code": "server_error", "message": "down"}}});
    let native =
        format!("event: response.created\ndata: {created}\n\nevent: response.failed\ndata: {failed}\n\n");
    let chat = "data: {\"error\":{\"message\":\"busy\",\"code\":503}}\n\n";
    let messages = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n";
    for (kind, stream) in [("openai", &*native), ("groq", chat), ("anthropic", messages)] {
        let request = calls::request(Operation::Chat, DIALECT, true);
        let provider = recordings::provider(kind);
        let make = || calls::reply(&*provider, Operation::Chat, DIALECT, &request);
        conformance::reply_error(make, stream.as_bytes());
    }
}

#[test]
fn pain_23_a_stream_without_its_end_is_an_error_for_client_and_report() {
    for (kind, stream) in streams() {
        let cut = &stream[..stream.find("llo").unwrap()];
        let cut = &cut[..cut.rfind("\n\n").unwrap() + 2];
        let request = calls::request(Operation::Chat, DIALECT, true);
        let reply = calls::reply(&*recordings::provider(kind), Operation::Chat, DIALECT, &request);
        let (answer, report) = calls::stream_at_once(reply, cut).unwrap();
        assert!(report.cut_short && report.stream_error.is_some(), "{kind}");
        let names: Vec<_> = events(&answer).map(|(name, _)| name).collect();
        assert_eq!(names[names.len() - 2..], ["error", "response.failed"], "{kind}");
        assert!(!answer.contains("\"status\":\"completed\""), "{kind}: {answer}");
    }
}

#[test]
fn pain_23_a_response_that_failed_is_no_answer() {
    for body in [
        r#"{"status":"failed","output":[],"error":{"code":"server_error","message":"down"}}"#,
        r#"{"status":"failed","output":[]}"#,
        "{}",
    ] {
        let request = calls::request(Operation::Chat, DIALECT, false);
        let reply = calls::reply(&*recordings::provider("openai"), Operation::Chat, DIALECT, &request);
        assert!(calls::whole(reply, &Bytes::from_static(body.as_bytes())).is_err(), "{body}");
    }
}
