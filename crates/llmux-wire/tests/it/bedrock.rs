//! Recorded Converse traffic through Bedrock's dialect.

mod requests;

use bytes::BytesMut;
use llmux_core::Usage;
use llmux_testkit::{fixtures, fixtures::Case, splits::splits_at_most};
use llmux_wire::{
    bedrock::{self, StreamReader, StreamWriter},
    chat::{ChatAnswer, Content, Event},
    stream::{StreamReader as _, StreamWriter as _},
};

fn chats() -> impl Iterator<Item = Case> {
    fixtures::cases_of(&["bedrock"]).into_iter().filter(|case| case.kind == "chat" && case.status == 200)
}

fn read_stream<B: AsRef<[u8]>>(pieces: impl IntoIterator<Item = B>) -> Vec<Event> {
    let (mut reader, mut events) = (StreamReader::new("id", "model"), Vec::new());
    for piece in pieces {
        reader.push(piece.as_ref(), &mut events).unwrap();
    }
    reader.finish(&mut events).unwrap();
    events
}

fn read_answer(body: &[u8], name: &str) -> ChatAnswer {
    bedrock::read_answer(body, "id", "model").unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn recorded_answers_say_what_the_official_reader_finds_in_them() {
    for case in chats() {
        let Some(body) = &case.response else { continue };
        let answer = read_answer(body, &case.name);
        let (mut text, mut reasoning, mut calls) = (String::new(), String::new(), 0);
        for part in &answer.choices[0].parts {
            match &part.content {
                Content::Text { text: words, .. } => text.push_str(words),
                Content::Reasoning { text: words, .. } => reasoning.push_str(words),
                Content::ToolCall(_) => calls += 1,
                _ => {}
            }
        }
        let facts = case.facts();
        assert_eq!((text, reasoning), (fact(facts, "text"), fact(facts, "reasoning")), "{}", case.name);
        assert_eq!(calls, facts["calls"].as_array().unwrap().len(), "{}", case.name);
    }
}

fn fact(facts: &serde_json::Value, name: &str) -> String {
    facts[name].as_str().unwrap().to_owned()
}

#[test]
fn recorded_streams_say_what_the_official_reader_finds_in_them() {
    for case in chats() {
        let Some(stream) = &case.stream else { continue };
        let events = read_stream([stream]);
        assert!(matches!(events.last(), Some(Event::End)), "{}", case.name);
        let (mut text, mut reasoning, mut calls) = (String::new(), String::new(), 0);
        for event in &events {
            match event {
                Event::Text { text: words, .. } => text.push_str(words),
                Event::Reasoning { text: words, .. } => reasoning.push_str(words),
                Event::ToolCall { .. } => calls += 1,
                _ => {}
            }
        }
        let facts = case.facts();
        assert_eq!((text, reasoning), (fact(facts, "text"), fact(facts, "reasoning")), "{}", case.name);
        assert_eq!(calls, facts["calls"].as_array().unwrap().len(), "{}", case.name);
    }
}

#[test]
fn the_split_of_a_recorded_stream_changes_nothing() {
    let shown = |events: &[Event]| format!("{events:?}");
    for case in chats() {
        let Some(stream) = &case.stream else { continue };
        let whole = shown(&read_stream([stream]));
        for pieces in splits_at_most(stream, 8) {
            assert_eq!(shown(&read_stream(pieces)), whole, "{}", case.name);
        }
    }
}

#[test]
fn an_answer_that_is_written_says_what_the_recorded_one_says() {
    for case in chats() {
        let Some(body) = &case.response else { continue };
        let answer = read_answer(body, &case.name);
        let mut again = read_answer(&bedrock::write_answer(&answer), &case.name);
        again.usage = answer.usage.map(|usage| again.usage.filter(|again| *again == usage).unwrap());
        assert_eq!(again, answer, "{}", case.name);
    }
}

#[test]
fn a_stream_that_is_written_is_the_recorded_one_again() {
    for case in chats() {
        let Some(stream) = &case.stream else { continue };
        let events = read_stream([stream]);
        // Usage stands behind the reason to stop, wherever it stood before; empty pieces are left out.
        let shown = |events: &[Event]| {
            let mut shown: Vec<_> = events.iter().map(|event| format!("{event:?}")).collect();
            let nothing = format!("{:?}", Event::Usage(Usage::default()));
            shown.retain(|event| !event.contains("text: \"\"") && *event != nothing);
            shown.sort();
            shown
        };
        let before = shown(&events);
        let (mut writer, mut out) = (StreamWriter::new(), BytesMut::new());
        events.into_iter().for_each(|event| writer.event(event, &mut out));
        assert_eq!(shown(&read_stream([&out])), before, "{}", case.name);
    }
}

#[test]
fn recorded_embeddings_are_read() {
    let cases = fixtures::cases_of(&["bedrock"]);
    let embeddings =
        cases.iter().filter(|case| case.kind == "embedding" || case.name.contains("/embeddings-"));
    for case in embeddings {
        let (vectors, _) = bedrock::read_embeddings(case.response.as_ref().unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert!(vectors.iter().all(|vector| !vector.is_empty()) && !vectors.is_empty(), "{}", case.name);
    }
}

#[test]
fn recorded_counts_are_asked_for_and_read() {
    for case in fixtures::cases_of(&["bedrock"]).iter().filter(|case| case.kind == "count_tokens") {
        let body = case.request_body().unwrap().to_string();
        let request = bedrock::read_count_request(body.as_bytes());
        assert!(!request.unwrap().messages.is_empty(), "{}", case.name);
        if case.status == 200 {
            assert!(bedrock::read_count(case.response.as_ref().unwrap()).unwrap() > 0, "{}", case.name);
        }
    }
}
