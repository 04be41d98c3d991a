//! What the echo answers.

use llmux_core::{Call, Usage};
use llmux_wire::chat::{
    ChatAnswer, ChatRequest, Choice, Content, Event, FinishReason, Message, Part, ResponseFormat, Role, Tool,
    ToolCall, ToolChoice,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::schema::instance;

/// The whole answer to a request; `instead` is said in place of the user's words.
pub(super) fn answer(request: &ChatRequest, call: &Call<'_>, instead: Option<&str>) -> ChatAnswer {
    let digest: [u8; 32] = Sha256::digest(call.body).into();
    let id: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let said = instead.map_or_else(|| last_words(request), str::to_owned);
    let calls = tool_calls(request, &said, &id);
    let mut parts = Vec::new();
    if thinks(request) {
        parts
            .push(Part::new(Content::Reasoning { text: format!("Thinking about: {said}"), signature: None }));
    }
    let finish = if calls.is_empty() {
        let (text, finish) = limited(text(request, &said), request.sampling.max_tokens);
        parts.push(Part::text(text));
        finish
    } else {
        parts.extend(calls.into_iter().map(|call| Part::new(Content::ToolCall(call))));
        FinishReason::ToolCalls
    };
    let usage = usage(request, &parts);
    let choice = Choice { parts, finish: Some(finish), logprobs: None };
    let count = usize::try_from(request.sampling.n.unwrap_or(1).clamp(1, 16)).unwrap_or(1);
    ChatAnswer {
        id: format!("echo-{id}"),
        model: call.model.to_owned(),
        created: Some(call.created),
        choices: vec![choice; count],
        usage: Some(usage),
        ..ChatAnswer::default()
    }
}

/// The same answer as a stream: word by word.
pub(super) fn events(answer: ChatAnswer) -> Vec<Event> {
    let mut events = vec![Event::Start {
        id: answer.id,
        model: answer.model,
        created: answer.created,
        service_tier: None,
    }];
    for (index, choice) in answer.choices.into_iter().enumerate() {
        let index = u32::try_from(index).unwrap_or_default();
        let mut calls = 0;
        for part in choice.parts {
            match part.content {
                Content::Text { text, .. } => {
                    events.extend(split_words(&text).map(|text| Event::Text { choice: index, text }));
                }
                Content::Reasoning { text, .. } => {
                    events.extend(split_words(&text).map(|text| Event::Reasoning { choice: index, text }));
                }
                Content::ToolCall(call) => {
                    events.push(Event::ToolCall { choice: index, call: calls, id: call.id, name: call.name });
                    events.extend(split_pieces(&call.arguments).map(|json| Event::Arguments {
                        choice: index,
                        call: calls,
                        json,
                    }));
                    calls += 1;
                }
                _ => {}
            }
        }
        if let Some(reason) = choice.finish {
            events.push(Event::Finish { choice: index, reason });
        }
    }
    events.extend(answer.usage.map(Event::Usage));
    events.push(Event::End);
    events
}

fn split_words(text: &str) -> impl Iterator<Item = String> {
    text.split_inclusive(char::is_whitespace).map(str::to_owned)
}

/// Arguments in pieces of a few characters, as models write them.
fn split_pieces(text: &str) -> impl Iterator<Item = String> {
    let characters: Vec<_> = text.chars().collect();
    characters.chunks(8).map(|piece| piece.iter().collect()).collect::<Vec<String>>().into_iter()
}

/// How many words a text has.
pub(super) fn words(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

/// How many words a conversation has.
pub(super) fn prompt_words(request: &ChatRequest) -> u64 {
    request.messages.iter().map(|message| words(&shown(&message.parts))).sum()
}

fn thinks(request: &ChatRequest) -> bool {
    request.reasoning.as_ref().is_some_and(|reasoning| {
        !reasoning.disabled && reasoning.effort.as_deref().is_none_or(|effort| effort != "none")
    })
}

fn usage(request: &ChatRequest, parts: &[Part]) -> Usage {
    let mut usage = Usage::default();
    usage.input = prompt_words(request);
    for part in parts {
        match &part.content {
            Content::Reasoning { text, .. } => usage.reasoning += words(text),
            Content::ToolCall(call) => usage.output += words(&call.arguments).max(1),
            _ => usage.output += part.as_text().map_or(1, |text| words(text).max(1)),
        }
    }
    usage
}

/// What the last message says: the user's words, or a tool's result.
fn last_words(request: &ChatRequest) -> String {
    let last = request.messages.iter().rev().find(|m| matches!(m.role, Role::User | Role::Tool));
    last.map(|message| shown(&message.parts)).unwrap_or_default()
}

fn shown(parts: &[Part]) -> String {
    let pieces: Vec<_> = parts
        .iter()
        .filter_map(|part| match &part.content {
            Content::Text { text, .. } | Content::Refusal(text) => Some(text.clone()),
            Content::Image { .. } => Some("[image]".to_owned()),
            Content::File { .. } => Some("[file]".to_owned()),
            Content::Audio { .. } => Some("[audio]".to_owned()),
            Content::ToolResult { parts, .. } => Some(shown(parts)),
            _ => None,
        })
        .collect();
    pieces.join(" ")
}

fn text(request: &ChatRequest, said: &str) -> String {
    match &request.format {
        Some(ResponseFormat::JsonSchema { schema, .. }) => instance(schema).to_string(),
        Some(ResponseFormat::JsonObject) => json!({ "echo": said }).to_string(),
        _ => said.to_owned(),
    }
}

/// The answer, cut to the client's limit; a word counts as a token.
fn limited(text: String, limit: Option<u64>) -> (String, FinishReason) {
    match limit {
        Some(limit) if words(&text) > limit => {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            (text.split_inclusive(char::is_whitespace).take(limit).collect(), FinishReason::Length)
        }
        _ => (text, FinishReason::Stop),
    }
}

/// Calls every tool that the user names, or the one that is forced. After a result it calls none.
fn tool_calls(request: &ChatRequest, said: &str, id: &str) -> Vec<ToolCall> {
    if request.messages.last().is_none_or(ends_with_result) {
        return Vec::new();
    }
    let functions = request.tools.iter().filter_map(|tool| match tool {
        Tool::Function { name, parameters, .. } => Some((name, parameters.as_ref())),
        Tool::Opaque { .. } => None,
    });
    let named: Vec<_> = match &request.tool_choice {
        Some(ToolChoice::None) => Vec::new(),
        Some(ToolChoice::Named(wanted)) => functions.filter(|(name, _)| *name == wanted).take(1).collect(),
        choice => {
            let all: Vec<_> = functions.collect();
            let mut named: Vec<_> =
                all.iter().copied().filter(|(name, _)| said.contains(name.as_str())).collect();
            if named.is_empty() && *choice == Some(ToolChoice::Required) {
                named.extend(all.first());
            }
            if request.parallel_tool_calls == Some(false) {
                named.truncate(1);
            }
            named
        }
    };
    named
        .into_iter()
        .enumerate()
        .map(|(at, (name, parameters))| ToolCall {
            id: format!("call_{id}_{at}"),
            name: name.clone(),
            arguments: parameters.map_or_else(|| Value::Object(Default::default()), instance).to_string(),
        })
        .collect()
}

fn ends_with_result(message: &Message) -> bool {
    message.role == Role::Tool
}
