use llmux_core::ErrorKind;

use super::*;
use crate::{json::envelope, stream::StreamWriter as _};

fn written(write: impl FnOnce(&mut StreamWriter, &mut BytesMut)) -> Vec<Value> {
    let body = br#"{"model":"m","input":"hi"}"#;
    let settings = Settings::of(body, &envelope::read(body).unwrap());
    let (mut writer, mut out) = (StreamWriter::new(7, settings), BytesMut::new());
    write(&mut writer, &mut out);
    let text = String::from_utf8(out.to_vec()).unwrap();
    let events: Vec<Value> = text
        .split_terminator("\n\n")
        .map(|frame| {
            let (name, data) = frame.split_once('\n').unwrap();
            let event: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(name.strip_prefix("event: "), event["type"].as_str());
            event
        })
        .collect();
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], at);
    }
    events
}

fn of(events: Vec<Event>) -> Vec<Value> {
    written(|writer, out| {
        writer.event(start(), out);
        events.into_iter().for_each(|event| writer.event(event, out));
    })
}

fn start() -> Event {
    Event::Start { id: "i".into(), model: "m".into(), created: None, service_tier: None }
}

fn text(text: &str) -> Event {
    Event::Text { choice: 0, text: text.into() }
}

fn types(events: &[Value]) -> Vec<&str> {
    let name = |event: &'_ Value| event["type"].as_str().map(str::len);
    assert!(events.iter().all(|event| name(event).is_some()));
    events
        .iter()
        .filter_map(|event| event["type"].as_str())
        .map(|kind| kind.strip_prefix("response.").unwrap_or(kind))
        .collect()
}

#[test]
fn a_text_comes_with_every_event_in_order() {
    let events = of(vec![
        text("He"),
        text("llo"),
        Event::Usage(Usage::default()),
        Event::Finish { choice: 0, reason: FinishReason::Stop },
        Event::End,
    ]);
    assert_eq!(
        types(&events),
        [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed"
        ]
    );
    let response = &events[9]["response"];
    assert_eq!(response["output"][0]["content"][0]["text"], "Hello");
    assert_eq!((&response["id"], &response["status"]), (&json!("resp_i"), &json!("completed")));
    assert_eq!(response["usage"]["total_tokens"], 0);
}

#[test]
fn reasoning_is_closed_with_its_seal_before_the_text() {
    let events = of(vec![
        Event::Reasoning { choice: 0, text: "hm".into() },
        Event::ReasoningSignature { choice: 0, signature: "s".into() },
        Event::Reasoning { choice: 0, text: "more".into() },
        Event::RedactedReasoning { choice: 0, data: "d".into() },
        text("hi"),
        Event::End,
    ]);
    let output = &events.last().unwrap()["response"]["output"];
    assert_eq!(output[0]["encrypted_content"], "llmux-1:signed:s");
    assert_eq!(output[1]["summary"][0]["text"], "more");
    assert_eq!(output[2]["encrypted_content"], "llmux-1:redacted:d");
    assert_eq!(output[3]["type"], "message");
    let first: Vec<_> = types(&events)[2..8].to_vec();
    assert_eq!(
        first,
        [
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done"
        ]
    );
}

#[test]
fn arguments_of_several_calls_may_come_in_turns() {
    let call =
        |call: u32, name: &str| Event::ToolCall { choice: 0, call, id: name.into(), name: name.into() };
    let arguments = |call: u32, json: &str| Event::Arguments { choice: 0, call, json: json.into() };
    let events = of(vec![
        call(0, "f"),
        arguments(0, "{\"a\""),
        call(1, "g"),
        arguments(0, ":1}"),
        Event::Finish { choice: 0, reason: FinishReason::ToolCalls },
        Event::End,
    ]);
    let output = &events.last().unwrap()["response"]["output"];
    assert_eq!((&output[0]["arguments"], &output[1]["arguments"]), (&json!("{\"a\":1}"), &json!("{}")));
    let done = types(&events).iter().filter(|kind| **kind == "function_call_arguments.done").count();
    assert_eq!(done, 2);
}

#[test]
fn an_answer_that_is_cut_off_ends_as_incomplete() {
    let events = of(vec![text("a"), Event::Finish { choice: 0, reason: FinishReason::Length }, Event::End]);
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.incomplete");
    assert_eq!(last["response"]["output"][0]["status"], "incomplete");
}

#[test]
fn a_failure_is_an_error_event_and_a_failed_response_and_nothing_follows() {
    let events = written(|writer, out| {
        writer.event(start(), out);
        writer.event(text("a"), out);
        writer.error(&Error::upstream(ErrorKind::RateLimited, "slow down"), out);
        writer.event(Event::End, out);
    });
    assert_eq!(types(&events)[5..], ["error", "failed"]);
    let response = &events[6]["response"];
    assert_eq!(response["error"], json!({"code": "rate_limit_exceeded", "message": "slow down"}));
    assert_eq!(response["output"][0]["content"][0]["text"], "a");
}
