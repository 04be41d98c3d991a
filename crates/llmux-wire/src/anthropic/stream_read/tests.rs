use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{chat::FinishReason, stream::StreamReader as _};

/// A stream of these events, each with its name and framing.
fn stream(events: &[Value]) -> String {
    events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
        .collect()
}

fn start() -> Value {
    json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [], "usage": {"input_tokens": 10, "output_tokens": 1, "service_tier": "standard"}}})
}

fn block(index: u64, content: Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": content})
}

fn delta(index: u64, delta: Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn stop(index: u64) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn end(reason: &str) -> [Value; 2] {
    let delta = json!({"stop_reason": reason, "stop_sequence": null});
    [
        json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}}),
        json!({"type": "message_stop"}),
    ]
}

fn read_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
    let (mut reader, mut events) = (StreamReader::new(), Vec::new());
    for piece in pieces {
        reader.push(piece, &mut events).unwrap();
    }
    reader.finish(&mut events).unwrap();
    events
}

fn read(events: &[Value]) -> Vec<Event> {
    read_pieces([stream(events).as_bytes()])
}

/// The events as text, so that they can be compared.
fn shown(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| format!("{event:?}")).collect()
}

/// A stream with a block of every kind.
fn rich() -> String {
    let mut events = vec![
        start(),
        block(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        delta(0, json!({"type": "thinking_delta", "thinking": "Hm ünd"})),
        delta(0, json!({"type": "signature_delta", "signature": "sig"})),
        stop(0),
        json!({"type": "ping"}),
        block(1, json!({"type": "text", "text": ""})),
        delta(1, json!({"type": "text_delta", "text": "né"})),
        delta(
            1,
            json!({"type": "citations_delta", "citation": {"type": "char_location", "cited_text": "x"}}),
        ),
        delta(1, json!({"type": "text_delta", "text": "e"})),
        stop(1),
        block(2, json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}})),
        delta(2, json!({"type": "input_json_delta", "partial_json": "{\"q\":"})),
        delta(2, json!({"type": "input_json_delta", "partial_json": "1}"})),
        stop(2),
        block(3, json!({"type": "tool_use", "id": "t", "name": "f", "input": {}})),
        delta(3, json!({"type": "input_json_delta", "partial_json": ""})),
        delta(3, json!({"type": "input_json_delta", "partial_json": "{}"})),
        stop(3),
        block(4, json!({"type": "redacted_thinking", "data": "d"})),
        stop(4),
    ];
    events.extend(end("tool_use"));
    stream(&events)
}

#[test]
fn a_stream_is_read_piece_by_piece() {
    let events = read_pieces([rich().as_bytes()]);
    let text: String = events
        .iter()
        .filter_map(|e| if let Event::Text { text, .. } = e { Some(&**text) } else { None })
        .collect();
    assert_eq!(text, "née");
    assert!(matches!(&events[0], Event::Start { id, model, service_tier: Some(tier), .. }
        if id == "msg_1" && model == "m" && tier == "standard"));
    assert!(matches!(events.last(), Some(Event::End)));
    assert!(events.iter().any(|e| matches!(e, Event::Finish { reason: FinishReason::ToolCalls, .. })));
    assert!(
        events.iter().any(|e| matches!(e, Event::ReasoningSignature { signature, .. } if signature == "sig"))
    );
    assert!(events.iter().any(|e| matches!(e, Event::RedactedReasoning { data, .. } if data == "d")));
    assert!(events.iter().any(|e| matches!(e, Event::Ping)));
}

#[test]
fn citations_come_with_their_place_when_the_block_ends() {
    let events = read_pieces([rich().as_bytes()]);
    let citation = events
        .iter()
        .find_map(|e| if let Event::Citation { citation, .. } = e { Some(citation) } else { None });
    assert_eq!(citation.unwrap().span, Some((0, 3)));
}

#[test]
fn blocks_without_neutral_form_come_whole() {
    let events = read_pieces([rich().as_bytes()]);
    let value =
        events.iter().find_map(|e| if let Event::Opaque { value, .. } = e { Some(value) } else { None });
    assert_eq!(
        value.unwrap(),
        &json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": 1}})
    );
}

#[test]
fn a_call_without_arguments_has_an_empty_object() {
    let call = json!({"type": "tool_use", "id": "t", "name": "f", "input": {}});
    let events = read(&[start(), block(0, call), stop(0)]);
    assert!(matches!(events.last(), Some(Event::Arguments { json, .. }) if json == "{}"));
}

#[test]
fn later_usage_replaces_earlier_figures() {
    let later = json!({"input_tokens": 0, "cache_read_input_tokens": 10, "output_tokens": 7});
    let events = read(&[start(), json!({"type": "message_delta", "delta": {}, "usage": later})]);
    let Some(Event::Usage(usage)) = events.last() else { panic!("{events:?}") };
    assert_eq!((usage.input, usage.cache_read, usage.output), (0, 10, 7));
}

#[test]
fn an_error_event_is_an_error_with_its_kind_and_nothing_follows_it() {
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let events = read(&[start(), error, json!({"type": "message_stop"})]);
    let Some(Event::Error(error)) = events.last() else { panic!("{events:?}") };
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "Overloaded"));
}

#[test]
fn a_stream_without_its_terminal_event_does_not_end() {
    let [last, _] = end("end_turn");
    assert!(!read(&[start(), last]).iter().any(|event| matches!(event, Event::End)));
}

#[test]
fn unknown_events_and_deltas_are_skipped() {
    let text = block(0, json!({"type": "text", "text": "a"}));
    let odd = [json!({"type": "news", "index": 0}), delta(0, json!({"type": "new_delta", "new": 1}))];
    let events = read(&[start(), text, odd[0].clone(), odd[1].clone()]);
    assert_eq!(shown(&events).len(), 3, "{events:?}");
}

#[test]
fn a_repeated_start_is_one_start_but_not_in_the_middle_of_the_content() {
    let events = read(&[start(), start()]);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Start { .. })).count(), 1);
    let events = read(&[start(), block(0, json!({"type": "text", "text": "a"})), start()]);
    assert!(matches!(events.last(), Some(Event::Error(_))));
}

#[test]
fn what_is_no_event_is_a_bad_reply() {
    let error = StreamReader::new().push(b"data: oops\n\n", &mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadReply);
}

#[test]
fn thinking_that_is_not_shown_still_has_its_signature() {
    let events = read(&[
        start(),
        block(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        delta(0, json!({"type": "signature_delta", "signature": "s"})),
        stop(0),
    ]);
    assert!(matches!(events.last(), Some(Event::ReasoningSignature { .. })));
}

proptest! {
    #[test]
    fn the_split_of_the_bytes_changes_nothing(cuts in prop::collection::vec(0_usize..4_000, 0..12)) {
        let stream = rich();
        let bytes = stream.as_bytes();
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
        prop_assert_eq!(shown(&read_pieces(pieces)), shown(&read_pieces([bytes])));
    }
}

#[test]
fn one_byte_at_a_time_gives_the_same_events() {
    let stream = rich();
    assert_eq!(shown(&read_pieces(stream.as_bytes().chunks(1))), shown(&read_pieces([stream.as_bytes()])));
}
