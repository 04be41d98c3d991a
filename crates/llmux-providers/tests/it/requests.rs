//! Requests of clients, as providers get them.

mod normal;

use llmux_core::{Dialect, Error, Exchange, Operation, Result};
use llmux_testkit::fixtures;
use serde_json::{Value, json};

pub(crate) use self::normal::differences;
use self::normal::normal;
use crate::{
    calls,
    exceptions::{Check, Complaints, examine},
    recordings::{self, Recording},
};

/// The request of an OpenAI client that means what was recorded.
fn client_request(recording: &Recording) -> Option<Value> {
    let recorded = recording.case.request_body()?;
    let mut body = recording.case.client_body()?.clone();
    body["model"] = recorded["model"].clone();
    if body["model"].is_null() {
        body["model"] = recording.case.meta["model"].clone();
    }
    if recorded["stream"] == true {
        body["stream"] = true.into();
    }
    Some(body)
}

#[test]
fn a_request_reaches_the_provider_as_it_was_recorded() {
    let mut recordings = recordings::all();
    recordings.retain(|recording| client_request(recording).is_some());
    examine(Check::Request, &recordings, Recording::name, |recording| {
        let request = client_request(recording).unwrap();
        let exchange =
            match calls::prepare(&*recording.provider, recording.operation, Dialect::OpenAi, &request) {
                Ok(exchange) => exchange,
                Err(error) => return calls::told(error),
            };
        let (path, body) = calls::sent(&exchange);
        let recorded = recording.case.request.as_ref().unwrap();
        let recorded_body = normal(recording.dialect, recorded["body"].clone());
        let mut wrong = differences(&normal(recording.dialect, body), &recorded_body);
        if recording.dialect == Dialect::OpenAi {
            // What the client did not say either is no doing of ours.
            let unsaid = differences(&normal(Dialect::OpenAi, request), &recorded_body);
            for complaint in wrong.iter_mut().filter(|complaint| unsaid.contains(complaint)) {
                if complaint.contains(": null, was ") {
                    complaint.insert_str(0, "not asked for: ");
                }
            }
        }
        if path != recorded["path"] {
            wrong.push(format!("path: {path}, was {}", recorded["path"]));
        }
        wrong
    });
}

/// A request of a client, without an answer.
struct Asked {
    name: String,
    operation: Operation,
    dialect: Dialect,
    body: Value,
}

fn asked() -> Vec<Asked> {
    let apis = [
        ("completions", Operation::Chat, Dialect::OpenAi),
        ("messages", Operation::Chat, Dialect::Anthropic),
        ("embeddings", Operation::Embeddings, Dialect::OpenAi),
        ("count-tokens", Operation::CountTokens, Dialect::Anthropic),
        ("gemini", Operation::Chat, Dialect::Gemini),
    ];
    let requests = apis.into_iter().flat_map(|(api, operation, dialect)| {
        fixtures::client_requests(api).into_iter().map(move |request| Asked {
            name: request.name,
            operation,
            dialect,
            body: request.body,
        })
    });
    requests.collect()
}

fn name(asked: &Asked) -> &str {
    &asked.name
}

/// A refusal must be the client's to mend; it is told as a complaint, so that each one needs a reason.
pub(crate) fn refused(outcome: Result<Exchange, Error>) -> Complaints {
    match outcome {
        Ok(exchange) => {
            assert_eq!(exchange.dropped, Vec::<String>::new(), "nothing is left out without leave");
            Complaints::new()
        }
        Err(error) => {
            assert_eq!(error.status(), 400, "{error}");
            vec![format!("refused: {}", error.param().expect("a refusal names the parameter"))]
        }
    }
}

#[test]
fn requests_of_clients_reach_openai_or_are_refused_by_name() {
    let provider = recordings::provider("openai");
    examine(Check::ToOpenAi, &asked(), name, |asked| {
        refused(calls::prepare(&*provider, asked.operation, asked.dialect, &asked.body))
    });
}

#[test]
fn requests_of_clients_reach_anthropic_or_are_refused_by_name() {
    let provider = recordings::provider("anthropic");
    examine(Check::ToAnthropic, &asked(), name, |asked| {
        refused(calls::prepare(&*provider, asked.operation, asked.dialect, &asked.body))
    });
}

#[test]
fn the_bytes_of_a_request_in_the_providers_dialect_are_kept() {
    for asked in asked() {
        let kind = match asked.dialect {
            Dialect::Anthropic => "anthropic",
            Dialect::Gemini => "gemini",
            Dialect::Cohere => "cohere",
            Dialect::Ollama => "ollama",
            _ => "openai",
        };
        let mut body = asked.body.clone();
        body["some_new_field"] = json!({"deep": [1.0, "\u{e9}"]});
        let exchange = calls::prepare(&*recordings::provider(kind), asked.operation, asked.dialect, &body);
        let (_, sent) = calls::sent(&exchange.unwrap());
        for (field, value) in body.as_object().unwrap() {
            if !["metadata", "stream_options"].contains(&field.as_str()) {
                assert_eq!(sent[field], *value, "{}: {field}", asked.name);
            }
        }
    }
}
