//! An answer that goes back: what a provider said through any client's dialect must reach it again as it was, signatures
//! and sealed thoughts included, when the client sends the turn back.

use llmux_core::{Dialect, Operation};
use llmux_wire::chat::{ChatAnswer, ChatRequest, Choice, Content, Role};
use serde_json::{Value, json};

use super::{CLIENTS, Client, Family, corpus, families, forms, neutral};
use crate::calls;

/// What a client's answer becomes in its next request: the turn is taken over as it stands.
fn echoed(dialect: Dialect, answer: &Value) -> Value {
    let asked = json!("Where do otters sleep?");
    match dialect {
        Dialect::OpenAi => {
            json!({"messages": [{"role": "user", "content": asked}, answer["choices"][0]["message"]]})
        }
        Dialect::OpenAiResponses => {
            let mut items = vec![json!({"role": "user", "content": asked})];
            items.extend(answer["output"].as_array().unwrap().iter().cloned());
            json!({"input": items})
        }
        Dialect::Anthropic => json!({"max_tokens": 2_000, "messages": [
            {"role": "user", "content": asked}, {"role": "assistant", "content": answer["content"]}]}),
        Dialect::Gemini => json!({"contents": [
            {"role": "user", "parts": [{"text": asked}]}, answer["candidates"][0]["content"]]}),
        Dialect::BedrockConverse => json!({"messages": [
            {"role": "user", "content": [{"text": asked}]}, answer["output"]["message"]]}),
        _ => json!({"stream": false, "messages": [{"role": "user", "content": asked}, answer["message"]]}),
    }
}

fn check(client: Client, family: &Family, feature: &str, answer: &ChatAnswer) {
    let given = forms::write_answer(family.dialect, answer);
    let mut first = calls::request(Operation::Chat, client.dialect, false);
    first["model"] = family.model.into();
    let reply = calls::reply(&*family.provider, Operation::Chat, client.dialect, &first);
    let (told, _) = calls::whole(reply, &given).unwrap();
    let mut next = echoed(client.dialect, &serde_json::from_slice(&told).unwrap());
    next["model"] = family.model.into();
    let exchange = calls::prepare(&*family.provider, Operation::Chat, client.dialect, &next).unwrap();
    let (_, body) = calls::sent(&exchange);
    let again = forms::read_request(family.dialect, &body).unwrap();
    // As the provider would read its own turn.
    let own = forms::read_request(family.dialect, &own_echo(family, &given)).unwrap();
    // Cohere's and Ollama's thoughts have no signatures, and go back to nobody who wants them.
    let signs = !matches!(client.dialect, Dialect::Cohere | Dialect::Ollama);
    let google = family.dialect == Dialect::Gemini;
    if signs && google && feature.starts_with("signed") {
        assert!(
            body.to_string().contains("c2lnbmVk"),
            "{feature}: {} to {}: {body}",
            client.name,
            family.kind
        );
    }
    // Gemini wants its signatures back, but no thoughts.
    let expected = turn(own, signs && !google);
    assert_eq!(
        turn(again, signs && !google),
        expected,
        "{feature}: {} to {}: {next}",
        client.name,
        family.kind
    );
}

fn own_echo(family: &Family, given: &[u8]) -> Value {
    let mut body = echoed(family.dialect, &serde_json::from_slice(given).unwrap());
    body["model"] = family.model.into();
    body
}

/// The parts of the model's turn in a request, with or without its thoughts.
fn turn(request: ChatRequest, thoughts: bool) -> Value {
    let said = request.messages.into_iter().filter(|message| message.role == Role::Assistant);
    let mut parts: Vec<_> = said.flat_map(|message| message.parts).collect();
    parts.retain(|part| {
        thoughts || !matches!(part.content, Content::Reasoning { .. } | Content::RedactedReasoning(_))
    });
    let choice = Choice { parts, ..Choice::default() };
    neutral::answer(&ChatAnswer { choices: vec![choice], ..ChatAnswer::default() })["choices"].take()
}

#[test]
fn a_turn_that_is_sent_back_reaches_its_provider_as_it_was() {
    let features =
        ["words and parallel calls", "signed reasoning", "signed reasoning and a call", "redacted reasoning"];
    for family in families().iter().filter(|family| {
        matches!(family.dialect, Dialect::Anthropic | Dialect::Gemini | Dialect::BedrockConverse)
    }) {
        for client in CLIENTS {
            // Bedrock answers Anthropic's clients in their own dialect.
            if family.asked_in(client.dialect) == client.dialect {
                continue;
            }
            for answer in corpus::answers().iter().filter(|answer| features.contains(&answer.feature)) {
                check(client, family, answer.feature, &answer.answer);
            }
        }
    }
}
