//! Answers as events, and events gathered into answers.

use llmux_core::Usage;
use llmux_wire::chat::{ChatAnswer, Choice, Citation, Content, Event, Part, ToolCall};

/// The events of an answer, its texts in pieces.
pub(super) fn of(answer: &ChatAnswer) -> Vec<Event> {
    let mut events = vec![Event::Start {
        id: answer.id.clone(),
        model: answer.model.clone(),
        created: answer.created,
        service_tier: answer.service_tier.clone(),
    }];
    for (at, choice) in (0..).zip(&answer.choices) {
        said(at, choice, &mut events);
    }
    for (choice, reason) in (0..).zip(&answer.choices) {
        events.extend(reason.finish.clone().map(|reason| Event::Finish { choice, reason }));
    }
    events.extend(answer.usage.map(Event::Usage));
    events.push(Event::End);
    events
}

fn said(choice: u32, from: &Choice, events: &mut Vec<Event>) {
    let mut calls = 0;
    for part in &from.parts {
        match &part.content {
            Content::Text { text, citations } => {
                events.extend(pieces(text).map(|text| Event::Text { choice, text }));
                let cited = citations.iter().cloned();
                events.extend(cited.map(|citation| Event::Citation { choice, citation }));
                events.extend(from.logprobs.clone().map(|value| Event::Logprobs { choice, value }));
            }
            Content::Refusal(text) => {
                events.extend(pieces(text).map(|text| Event::Refusal { choice, text }));
            }
            Content::Reasoning { text, signature } => {
                events.extend(pieces(text).map(|text| Event::Reasoning { choice, text }));
                let signature = signature.clone();
                events.extend(signature.map(|signature| Event::ReasoningSignature { choice, signature }));
            }
            Content::RedactedReasoning(data) => {
                events.push(Event::RedactedReasoning { choice, data: data.clone() });
            }
            Content::ToolCall(ToolCall { id, name, arguments }) => {
                events.push(Event::ToolCall { choice, call: calls, id: id.clone(), name: name.clone() });
                events.extend(pieces(arguments).map(|json| Event::Arguments { choice, call: calls, json }));
                calls += 1;
            }
            Content::Opaque { dialect, value } => {
                events.push(Event::Opaque { choice, dialect: *dialect, value: value.clone() });
            }
            other => panic!("no answer holds {other:?}"),
        }
    }
}

/// A text in pieces of a few characters.
fn pieces(text: &str) -> impl Iterator<Item = String> {
    let characters: Vec<_> = text.chars().collect();
    let pieces: Vec<String> = characters.chunks(7).map(|piece| piece.iter().collect()).collect();
    pieces.into_iter()
}

/// The answer that the events of a stream amount to.
pub(super) fn gathered(events: Vec<Event>) -> ChatAnswer {
    let mut answer = ChatAnswer::default();
    let mut ended = false;
    for event in events {
        match event {
            Event::Start { id, model, created, service_tier } => {
                (answer.id, answer.model) = (id, model);
                (answer.created, answer.service_tier) = (created, service_tier);
            }
            Event::Usage(usage) => answer.usage.get_or_insert_with(Usage::default).update(&usage),
            Event::Error(error) => panic!("{error}"),
            Event::End => ended = true,
            Event::Ping => {}
            event => add(event, &mut answer.choices),
        }
    }
    assert!(ended, "the stream has no end");
    answer
}

fn add(event: Event, choices: &mut Vec<Choice>) {
    match event {
        Event::Text { choice, text } => match last(choices, choice) {
            Some(Content::Text { text: said, citations }) if citations.is_empty() => said.push_str(&text),
            _ => push(choices, choice, Content::Text { text, citations: Vec::new() }),
        },
        Event::Refusal { choice, text } => match last(choices, choice) {
            Some(Content::Refusal(said)) => said.push_str(&text),
            _ => push(choices, choice, Content::Refusal(text)),
        },
        Event::Reasoning { choice, text } => match last(choices, choice) {
            Some(Content::Reasoning { text: thought, signature: None }) => thought.push_str(&text),
            _ => push(choices, choice, Content::Reasoning { text, signature: None }),
        },
        Event::ReasoningSignature { choice, signature: more } => match last(choices, choice) {
            Some(Content::Reasoning { signature, .. }) => signature.get_or_insert_default().push_str(&more),
            _ => push(choices, choice, Content::Reasoning { text: String::new(), signature: Some(more) }),
        },
        Event::RedactedReasoning { choice, data } => push(choices, choice, Content::RedactedReasoning(data)),
        Event::ToolCall { choice, id, name, .. } => {
            push(choices, choice, Content::ToolCall(ToolCall { id, name, arguments: String::new() }));
        }
        Event::Arguments { choice, call, json } => arguments(of_index(choices, choice), call, &json),
        Event::Citation { choice, citation } => cite(of_index(choices, choice), citation),
        Event::Logprobs { choice, value } => of_index(choices, choice).logprobs = Some(value),
        Event::Opaque { choice, dialect, value } => push(choices, choice, Content::Opaque { dialect, value }),
        Event::Finish { choice, reason } => of_index(choices, choice).finish = Some(reason),
        other => panic!("no content: {other:?}"),
    }
}

fn of_index(choices: &mut Vec<Choice>, choice: u32) -> &mut Choice {
    let at = choice as usize;
    if choices.len() <= at {
        choices.resize(at + 1, Choice::default());
    }
    &mut choices[at]
}

fn last(choices: &mut Vec<Choice>, choice: u32) -> Option<&mut Content> {
    of_index(choices, choice).parts.last_mut().map(|part| &mut part.content)
}

fn push(choices: &mut Vec<Choice>, choice: u32, content: Content) {
    of_index(choices, choice).parts.push(Part::new(content));
}

fn arguments(choice: &mut Choice, call: u32, json: &str) {
    let mut calls = choice.parts.iter_mut().filter_map(|part| match &mut part.content {
        Content::ToolCall(call) => Some(call),
        _ => None,
    });
    calls.nth(call as usize).unwrap().arguments.push_str(json);
}

fn cite(choice: &mut Choice, citation: Citation) {
    let texts = choice.parts.iter_mut().rev().find_map(|part| match &mut part.content {
        Content::Text { citations, .. } => Some(citations),
        _ => None,
    });
    texts.expect("a citation follows a text").push(citation);
}
