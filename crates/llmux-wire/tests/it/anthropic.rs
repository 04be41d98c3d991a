//! Recorded Messages traffic through Anthropic's dialect.

mod requests;
mod said;

use bytes::BytesMut;
use llmux_testkit::{fixtures, fixtures::Case, splits::splits_at_most};
use llmux_wire::{
    anthropic::{self, StreamReader, StreamWriter},
    chat::Event,
    stream::{StreamReader as _, StreamWriter as _},
};

use self::said::Said;

/// Recordings in which the provider begins its answer anew after a part of it was streamed. Official clients show
/// the second one; a gateway cannot take the first one back, so it must report an error.
const BEGUN_ANEW: [&str; 1] = ["anthropic/vercel-spliced-message-start-stream"];

fn chats() -> impl Iterator<Item = Case> {
    fixtures::cases_of(&["anthropic"]).into_iter().filter(|case| case.kind == "chat" && case.status == 200)
}

/// The recorded stream. A few recordings hold the answers of several requests one after another; their facts are
/// about the last one.
fn stream_of(case: &Case) -> Option<String> {
    let text = String::from_utf8(case.stream.as_ref()?.to_vec()).unwrap();
    let later = text
        .match_indices("event: message_start")
        .map(|(at, _)| at)
        .filter(|at| text[..*at].contains("event: message_stop"))
        .last();
    Some(text[later.unwrap_or(0)..].to_owned())
}

fn read_stream<B: AsRef<[u8]>>(pieces: impl IntoIterator<Item = B>) -> Vec<Event> {
    let (mut reader, mut events) = (StreamReader::new(), Vec::new());
    for piece in pieces {
        reader.push(piece.as_ref(), &mut events).unwrap();
    }
    reader.finish(&mut events).unwrap();
    events
}

fn write_stream(events: Vec<Event>) -> BytesMut {
    let (mut writer, mut out) = (StreamWriter::new(), BytesMut::new());
    for event in events {
        writer.event(event, &mut out);
    }
    out
}

#[test]
fn recorded_answers_say_what_the_official_reader_finds_in_them() {
    for case in chats() {
        let Some(body) = &case.response else { continue };
        let answer = anthropic::read_answer(body).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        Said::in_answer(&answer).agrees(case.facts(), &case.name);
    }
}

#[test]
fn recorded_streams_say_what_the_official_reader_finds_in_them() {
    for case in chats() {
        let Some(stream) = stream_of(&case) else { continue };
        let events = read_stream([&stream]);
        if BEGUN_ANEW.contains(&case.name.as_str()) {
            assert!(matches!(events.last(), Some(Event::Error(_))), "{}", case.name);
            continue;
        }
        assert!(matches!(events.last(), Some(Event::End)), "{}", case.name);
        Said::in_events(&events).agrees(case.facts(), &case.name);
    }
}

#[test]
fn the_split_of_a_recorded_stream_changes_nothing() {
    let shown = |events: &[Event]| format!("{events:?}");
    for case in chats() {
        let Some(stream) = stream_of(&case) else { continue };
        let whole = shown(&read_stream([&stream]));
        for pieces in splits_at_most(stream.as_bytes(), 8) {
            assert_eq!(shown(&read_stream(pieces)), whole, "{}", case.name);
        }
    }
}

#[test]
fn an_answer_that_is_written_says_what_the_recorded_one_says() {
    for case in chats() {
        let Some(body) = &case.response else { continue };
        let answer = anthropic::read_answer(body).unwrap();
        let again = anthropic::read_answer(&anthropic::write_answer(&answer)).unwrap();
        assert_eq!(again.choices[0].parts, answer.choices[0].parts, "{}", case.name);
        assert_eq!((again.usage, &again.model), (answer.usage, &answer.model), "{}", case.name);
        assert_eq!(again.extra, answer.extra, "{}", case.name);
    }
}

#[test]
fn a_stream_that_is_written_says_what_the_recorded_one_says() {
    for case in chats() {
        let Some(stream) = stream_of(&case) else { continue };
        let events = read_stream([&stream]);
        if BEGUN_ANEW.contains(&case.name.as_str()) {
            continue;
        }
        let said = Said::in_events(&events);
        let again = read_stream([write_stream(events)]);
        assert_eq!(Said::in_events(&again), said, "{}", case.name);
    }
}

#[test]
fn recorded_counts_are_read() {
    for case in fixtures::cases_of(&["anthropic"]).iter().filter(|case| case.kind == "count_tokens") {
        let Some(body) = &case.response else { continue };
        assert!(anthropic::read_count(body).unwrap() > 0, "{}", case.name);
    }
}
