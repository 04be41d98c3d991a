use llmux_core::ErrorKind;

use super::*;
use crate::{chat::Citation, stream::StreamWriter as _};

fn started() -> Event {
    Event::Start { id: "x".into(), model: "m".into(), created: None, service_tier: None }
}

fn text(text: &str) -> Event {
    Event::Text { choice: 0, text: text.into() }
}

fn reasoning(text: &str) -> Event {
    Event::Reasoning { choice: 0, text: text.into() }
}

fn signature(signature: &str) -> Event {
    Event::ReasoningSignature { choice: 0, signature: signature.into() }
}

fn call(call: u32) -> Event {
    Event::ToolCall { choice: 0, call, id: format!("c{call}"), name: "f".into() }
}

fn arguments(call: u32, json: &str) -> Event {
    Event::Arguments { choice: 0, call, json: json.into() }
}

fn finish(reason: FinishReason) -> Event {
    Event::Finish { choice: 0, reason }
}

/// The data of each frame; its name must agree with it.
fn write(events: Vec<Event>) -> Vec<Value> {
    let (mut writer, mut out) = (StreamWriter::new(), BytesMut::new());
    for event in events {
        writer.event(event, &mut out);
    }
    let (mut decoder, mut frames) = (sse::Decoder::new(), Vec::new());
    let mut sink = |event: sse::SseEvent| {
        let data: Value = serde_json::from_slice(&event.data).unwrap();
        assert_eq!(data["type"], event.name);
        frames.push(data);
        Ok(())
    };
    decoder.push(&out, &mut sink).unwrap();
    assert!(!decoder.is_mid_event());
    frames
}

/// Each frame in a few words: what it does, to which block.
fn outline(events: Vec<Event>) -> Vec<String> {
    let outline = |frame: &Value| {
        let kind = frame["type"].as_str().unwrap().trim_start_matches("content_block_");
        let inner = frame["content_block"]["type"].as_str().or_else(|| frame["delta"]["type"].as_str());
        [Some(kind.to_owned()), frame["index"].as_u64().map(|n| n.to_string()), inner.map(str::to_owned)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
    };
    write(events).iter().map(outline).collect()
}

#[test]
fn a_block_ends_when_another_kind_begins() {
    let events = vec![
        started(),
        reasoning("a"),
        signature("s"),
        text("b"),
        text("c"),
        call(0),
        arguments(0, "{}"),
        finish(FinishReason::ToolCalls),
        Event::End,
    ];
    assert_eq!(
        outline(events),
        [
            "message_start",
            "start 0 thinking",
            "delta 0 thinking_delta",
            "delta 0 signature_delta",
            "stop 0",
            "start 1 text",
            "delta 1 text_delta",
            "delta 1 text_delta",
            "stop 1",
            "start 2 tool_use",
            "delta 2 input_json_delta",
            "stop 2",
            "message_delta",
            "message_stop",
        ]
    );
}

#[test]
fn usage_after_the_finish_is_still_in_the_message_delta() {
    let mut usage = Usage::default();
    (usage.input, usage.output) = (3, 4);
    let frames = write(vec![started(), finish(FinishReason::Length), Event::Usage(usage), Event::End]);
    let delta = &frames[1];
    assert_eq!(delta["delta"], json!({"stop_reason": "max_tokens", "stop_sequence": null}));
    assert_eq!((&delta["usage"]["input_tokens"], &delta["usage"]["output_tokens"]), (&json!(3), &json!(4)));
}

#[test]
fn late_arguments_go_to_the_block_of_their_call() {
    let frames = write(vec![started(), call(0), call(1), arguments(0, "{}"), arguments(1, "[]")]);
    let deltas: Vec<_> =
        frames.iter().filter(|f| f["type"] == "content_block_delta").map(|f| &f["index"]).collect();
    assert_eq!(deltas, [&json!(0), &json!(1)]);
}

#[test]
fn a_signature_in_pieces_is_written_once_and_ends_its_thinking() {
    let frames =
        write(vec![started(), reasoning("a"), signature("s"), signature("t"), reasoning("b"), Event::End]);
    let signatures: Vec<_> = frames.iter().filter(|f| f["delta"]["type"] == "signature_delta").collect();
    assert_eq!(signatures.len(), 1);
    assert_eq!(signatures[0]["delta"]["signature"], "st");
    assert_eq!(frames.iter().filter(|f| f["content_block"]["type"] == "thinking").count(), 2);
}

#[test]
fn tool_calls_are_the_reason_to_stop_whatever_the_host_says() {
    let frames = write(vec![started(), call(0), finish(FinishReason::Stop), Event::End]);
    assert_eq!(frames[frames.len() - 2]["delta"]["stop_reason"], "tool_use");
}

#[test]
fn a_stream_that_only_ends_is_still_complete() {
    assert_eq!(outline(vec![Event::End, Event::End]), ["message_start", "message_delta", "message_stop"]);
}

#[test]
fn pings_citations_and_own_blocks_are_written_and_other_alternatives_are_not() {
    let citation = Citation { url: Some("https://a.example".into()), ..Citation::default() };
    let events = vec![
        Event::Ping,
        started(),
        Event::Ping,
        Event::Citation { choice: 0, citation },
        Event::Opaque { choice: 0, dialect: Dialect::Anthropic, value: json!({"type": "fallback"}) },
        Event::Opaque { choice: 0, dialect: Dialect::OpenAi, value: json!({"type": "other"}) },
        Event::Text { choice: 1, text: "no".into() },
        Event::RedactedReasoning { choice: 0, data: "d".into() },
    ];
    assert_eq!(
        outline(events),
        [
            "message_start",
            "ping",
            "start 0 text",
            "delta 0 citations_delta",
            "stop 0",
            "start 1 fallback",
            "stop 1",
            "start 2 redacted_thinking",
            "stop 2",
        ]
    );
}

#[test]
fn an_error_is_the_last_frame() {
    let error = Error::upstream(ErrorKind::Unavailable, "busy");
    let frames = write(vec![started(), Event::Error(error), text("more"), Event::End]);
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[1]["error"], json!({"type": "overloaded_error", "message": "busy"}));
}
