//! The cross product: every neutral conversation, and every neutral answer, through every pair of a client's dialect and
//! a provider.
//!
//! A request is written in the client's form, prepared by the provider, and read back from what the provider gets. An
//! answer is written in the provider's form, whole and streamed, and read back from what the client gets. What each step
//! changes must be explained by the one table of what a dialect cannot carry ([`losses`]), and each row of it must be
//! needed. What came of each pair is told in `docs/features.md` ([`page`]).

mod corpus;
mod events;
mod forms;
mod losses;
mod neutral;
mod page;
mod turns;

use std::sync::Arc;

use bytes::Bytes;
use llmux_core::{Dialect, Error, Operation, Provider, Result};
use llmux_wire::{bedrock, chat::ChatAnswer};

use self::{
    corpus::{Answer, Conversation},
    losses::Judge,
};
use crate::{calls, recordings, requests::differences};

/// Every dialect of clients, by the name that it has in the table, with a model in whose words they speak: one that
/// thinks.
const CLIENTS: [Client; 7] = [
    Client { name: "openai", dialect: Dialect::OpenAi, model: "gpt-4.1" },
    Client { name: "responses", dialect: Dialect::OpenAiResponses, model: "gpt-4.1" },
    Client { name: "anthropic", dialect: Dialect::Anthropic, model: "claude-sonnet-4-5" },
    Client { name: "gemini", dialect: Dialect::Gemini, model: "gemini-2.5-flash" },
    Client { name: "bedrock", dialect: Dialect::BedrockConverse, model: CLAUDE_AT_BEDROCK },
    Client { name: "cohere", dialect: Dialect::Cohere, model: "command-a-reasoning-08-2025" },
    Client { name: "ollama", dialect: Dialect::Ollama, model: "gpt-oss" },
];
const CLAUDE_AT_BEDROCK: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";

/// A client of one dialect.
#[derive(Clone, Copy)]
struct Client {
    name: &'static str,
    dialect: Dialect,
    model: &'static str,
}

/// A provider for each form that chats are asked for in.
struct Family {
    kind: &'static str,
    dialect: Dialect,
    model: &'static str,
    provider: Arc<dyn Provider>,
    dropping: Arc<dyn Provider>,
}

fn families() -> Vec<Family> {
    let family = |(kind, dialect, model)| Family {
        kind,
        dialect,
        model,
        provider: recordings::provider(kind),
        dropping: recordings::dropping_provider(kind),
    };
    let kinds = [
        ("openai", Dialect::OpenAi, "gpt-4.1"),
        ("openai_like", Dialect::OpenAi, "some-model"),
        ("anthropic", Dialect::Anthropic, "claude-sonnet-4-5"),
        ("gemini", Dialect::Gemini, "gemini-2.5-flash"),
        ("vertex_ai", Dialect::Gemini, "gemini-2.5-flash"),
        ("bedrock", Dialect::BedrockConverse, CLAUDE_AT_BEDROCK),
        ("cohere", Dialect::Cohere, "command-a-reasoning-08-2025"),
        ("ollama", Dialect::Ollama, "gpt-oss"),
    ];
    kinds.into_iter().map(family).collect()
}

impl Family {
    /// The dialect that the provider is asked in by a client of this one.
    fn asked_in(&self, client: Dialect) -> Dialect {
        match (self.kind, client) {
            // OpenAI makes responses itself, and Bedrock hands Claude what is written for it.
            ("openai", Dialect::OpenAiResponses) | ("bedrock", Dialect::Anthropic) => client,
            _ => self.dialect,
        }
    }
}

#[test]
fn everything_crosses_every_pair_up_to_what_a_dialect_cannot_carry() {
    let families = families();
    let mut judge = Judge::default();
    for client in CLIENTS {
        for conversation in corpus::conversations() {
            ask(&mut judge, client, &conversation, &families);
        }
        for answer in corpus::answers() {
            for family in &families {
                reply(&mut judge, client, &answer, family);
            }
        }
    }
    page::check(&judge.verdict());
}

/// Sends a conversation to every provider.
fn ask(judge: &mut Judge, client: Client, conversation: &Conversation, families: &[Family]) {
    let (feature, dialect) = (conversation.feature, client.dialect);
    let meant = neutral::request(&conversation.request);
    let (mut form, unsaid) = match forms::write_request(dialect, &conversation.request, client.model, false) {
        Ok(form) => (form, None),
        Err(error) => {
            let form = forms::write_request(dialect, &conversation.request, client.model, true);
            (form.unwrap(), Some(format!("cannot say: {}", param(&error))))
        }
    };
    let said = neutral::request(&forms::read_request(dialect, &form).unwrap());
    for family in families {
        let step = judge.client(client.name, family.kind, feature);
        step.complain(unsaid.clone());
        step.complain(differences(&said, &meant));
        form["model"] = family.model.into();
        let asked_in = family.asked_in(dialect);
        let step = judge.provider(client.name, family.kind, feature, asked_in == dialect);
        match calls::prepare(&*family.provider, Operation::Chat, dialect, &form) {
            Ok(exchange) => {
                let (_, body) = calls::sent(&exchange);
                match forms::read_request(asked_in, &body) {
                    Ok(heard) => step.complain(differences(&neutral::request(&heard), &said)),
                    Err(error) => step.complain([format!("unreadable: {error}")]),
                }
            }
            Err(error) => {
                step.complain([format!("refused: {}", param(&error))]);
                let dropped = calls::prepare(&*family.dropping, Operation::Chat, dialect, &form);
                let named = dropped.is_ok_and(|exchange| !exchange.dropped.is_empty());
                assert!(named, "{feature}, {} to {}: cannot be left out", client.name, family.kind);
            }
        }
    }
}

fn param(error: &Error) -> &str {
    assert_eq!(error.status(), 400, "{error}");
    error.param().unwrap_or_else(|| panic!("a refusal names what it refuses: {error}"))
}

/// Reads an answer, whole or streamed.
type Read = fn(Dialect, &[u8]) -> Result<ChatAnswer>;

/// Hands an answer of a provider to a client, whole and streamed.
fn reply(judge: &mut Judge, client: Client, answer: &Answer, family: &Family) {
    let (feature, dialect) = (answer.feature, client.dialect);
    let meant = neutral::answer(&answer.answer);
    let from = family.asked_in(dialect);
    for streamed in [false, true] {
        let (given, read): (Bytes, Read) = if streamed {
            (forms::write_stream(from, events::of(&answer.answer)), forms::read_stream)
        } else {
            (forms::write_answer(from, &answer.answer), forms::read_answer)
        };
        let said = neutral::answer(&read(from, &given).unwrap());
        judge.answering(client.name, family.kind, feature).complain(differences(&said, &meant));
        let mut request = calls::request(Operation::Chat, dialect, streamed);
        request["model"] = family.model.into();
        if streamed && dialect == Dialect::OpenAi {
            request["stream_options"] = serde_json::json!({"include_usage": true});
        }
        let reply = calls::reply(&*family.provider, Operation::Chat, dialect, &request);
        let got = if streamed {
            let wrapped = family.kind == "bedrock" && from == Dialect::Anthropic;
            let given = if wrapped { bedrock::Chunks::new().push(&given) } else { given };
            calls::raw(reply, [given]).map(|(stream, _)| stream)
        } else {
            calls::whole(reply, &given).map(|(answer, _)| answer.to_vec())
        };
        let heard = got.and_then(|got| read(dialect, &got)).map(|heard| neutral::answer(&heard));
        let step = judge.hearing(client.name, family.kind, feature, from == dialect);
        match heard {
            Ok(heard) => step.complain(differences(&heard, &said)),
            Err(error) => step.complain([format!("unreadable: {error}")]),
        }
    }
}
