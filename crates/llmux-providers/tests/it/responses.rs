//! Responses: recorded ones as they pass, recorded chats as they become responses, and requests for them.

use bytes::Bytes;
use llmux_core::{Dialect, Operation, Provider};
use llmux_testkit::{conformance, fixtures, splits::splits_at_most};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::{
    calls,
    exceptions::{Check, Complaints, examine},
    recordings::{self, Recording},
    requests::refused,
    said::{Said, report_against},
};

const DIALECT: Dialect = Dialect::OpenAiResponses;
/// Places at which each recorded stream is cut in two; byte by byte and at random come on top.
const CUTS: usize = 4;
/// Streams up to this size are read by all rules: they try every kind of split many times over.
const ALL_RULES: usize = 8_000;

/// The provider of a recorded chat, or one like it where it would make the response itself.
pub(crate) fn over_chat(recording: &Recording) -> Arc<dyn Provider> {
    if ["openai", "azure"].contains(&&*recording.case.provider) {
        recordings::provider("openai_like")
    } else {
        recording.provider.clone()
    }
}

fn reads_alike(provider: &dyn Provider, stream: &[u8]) -> Complaints {
    let request = calls::request(Operation::Chat, DIALECT, true);
    let read = |pieces: Vec<Bytes>| {
        let reply = calls::reply(provider, Operation::Chat, DIALECT, &request);
        calls::stream(reply, pieces).map_err(|error| error.to_string())
    };
    let whole = read(vec![Bytes::copy_from_slice(stream)]);
    let differs = splits_at_most(stream, CUTS).find(|pieces| read(pieces.clone()) != whole);
    differs.map(|_| "split otherwise it reads otherwise".to_owned()).into_iter().collect()
}

#[test]
fn recorded_responses_pass_as_they_came_with_their_usage_reported() {
    examine(Check::PassedResponse, &recordings::responses(), Recording::name, |recording| {
        let (case, provider) = (&recording.case, &recording.provider);
        let mut wrong = Complaints::new();
        if let Some(body) = &case.response {
            let request = calls::request(Operation::Chat, DIALECT, false);
            match calls::whole(calls::reply(&**provider, Operation::Chat, DIALECT, &request), body) {
                Ok((answer, report)) => {
                    assert_eq!(answer, body, "the answer's bytes");
                    wrong.extend(report_against(&report, case.facts()));
                }
                Err(error) => wrong.extend(calls::told(error)),
            }
        }
        if let Some(stream) = recording.stream() {
            let request = calls::request(Operation::Chat, DIALECT, true);
            let reply = calls::reply(&**provider, Operation::Chat, DIALECT, &request);
            match calls::stream_at_once(reply, &stream) {
                Ok((answer, report)) => {
                    let stream = std::str::from_utf8(&stream).unwrap();
                    assert_eq!(answer.trim_end(), stream.trim_end(), "the stream's bytes");
                    wrong.extend(report_against(&report, case.facts()));
                }
                Err(error) => wrong.extend(calls::told(error)),
            }
            wrong.extend(reads_alike(&**provider, &stream));
        }
        wrong
    });
}

#[test]
fn recorded_chats_say_the_same_as_responses() {
    examine(Check::TranslatedResponse, &recordings::chats(), Recording::name, |recording| {
        let (case, provider) = (&recording.case, over_chat(recording));
        let mut wrong = Complaints::new();
        let mut compare = |outcome: Result<(Result<Said, String>, _), _>| match outcome {
            Ok((Ok(said), report)) => {
                wrong.extend(said.against(case.facts()));
                wrong.extend(report_against(&report, case.facts()));
            }
            Ok((Err(broken), _)) => wrong.push(broken),
            Err(error) => wrong.extend(calls::told(error)),
        };
        if let Some(body) = &case.response {
            let request = calls::request(Operation::Chat, DIALECT, false);
            let outcome = calls::whole(calls::reply(&*provider, Operation::Chat, DIALECT, &request), body);
            compare(outcome.map(|(answer, report)| (Said::in_answer(DIALECT, &answer), report)));
        }
        if let Some(stream) = recording.stream() {
            let request = calls::request(Operation::Chat, DIALECT, true);
            let reply = calls::reply(&*provider, Operation::Chat, DIALECT, &request);
            let outcome = calls::stream_at_once(reply, &stream);
            compare(outcome.map(|(answer, report)| (Said::in_stream(DIALECT, &answer), report)));
            wrong.extend(reads_alike(&*provider, &stream));
        }
        wrong
    });
}

#[test]
fn readers_of_recorded_streams_keep_the_rules_of_replies() {
    let mut recordings = recordings::chats();
    recordings.extend(recordings::responses());
    recordings.retain(|recording| recording.stream().is_some_and(|stream| stream.len() <= ALL_RULES));
    examine(Check::ResponseRules, &recordings, Recording::name, |recording| {
        let provider =
            if recording.dialect == DIALECT { recording.provider.clone() } else { over_chat(recording) };
        let request = calls::request(Operation::Chat, DIALECT, true);
        let make = || calls::reply(&*provider, Operation::Chat, DIALECT, &request);
        conformance::reply(make, &recording.stream().unwrap());
        Complaints::new()
    });
}

#[test]
fn readers_of_recorded_answers_keep_the_rules_of_replies() {
    let mut recordings = recordings::chats();
    recordings.retain(|recording| recording.case.response.is_some());
    for recording in recordings {
        let request = calls::request(Operation::Chat, DIALECT, false);
        let provider = over_chat(&recording);
        let make = || calls::reply(&*provider, Operation::Chat, DIALECT, &request);
        conformance::whole_reply(make, recording.case.response.as_ref().unwrap());
    }
}

#[test]
fn requests_of_clients_reach_a_chat_provider_or_are_refused_by_name() {
    let asked = fixtures::client_requests("responses");
    for kind in ["openai_like", "anthropic", "gemini"] {
        let provider = recordings::provider(kind);
        examine(
            Check::ResponseRequest,
            &asked,
            |asked| &asked.name,
            |asked| refused(calls::prepare(&*provider, Operation::Chat, DIALECT, &asked.body)),
        );
    }
}

#[test]
fn recorded_requests_reach_a_chat_provider_or_are_refused_by_name() {
    let mut reached = 0;
    let recorded = recordings::responses();
    let bodies: Vec<_> = recorded.iter().filter_map(|recording| recording.case.request_body()).collect();
    for kind in ["openai_like", "anthropic", "gemini"] {
        let (provider, dropping) = (recordings::provider(kind), recordings::dropping_provider(kind));
        for body in &bodies {
            for provider in [&provider, &dropping] {
                match calls::prepare(&**provider, Operation::Chat, DIALECT, body) {
                    Ok(_) => reached += 1,
                    Err(error) => {
                        assert_eq!(error.status(), 400, "{kind}: {error}");
                        assert!(error.param().is_some(), "{kind}: {error}: {body}");
                    }
                }
            }
        }
    }
    assert!(bodies.is_empty() || reached > bodies.len(), "{reached} of {}", bodies.len());
}

#[test]
fn the_bytes_of_a_request_reach_openai_as_they_are() {
    let recorded = recordings::responses();
    let recorded = recorded.iter().filter_map(|recording| recording.case.request_body().cloned());
    let asked = fixtures::client_requests("responses").into_iter().map(|asked| asked.body);
    let provider = recordings::provider("openai");
    for mut body in recorded.chain(asked).filter(|body| body["model"].is_string()) {
        body["some_new_field"] = json!({"deep": [1.0, "\u{e9}"]});
        body["previous_response_id"] = "resp_1".into();
        let exchange = calls::prepare(&*provider, Operation::Chat, DIALECT, &body).unwrap();
        let (path, sent) = calls::sent(&exchange);
        assert_eq!((path.as_str(), sent.to_string()), ("/v1/responses", body.to_string()));
    }
}

#[test]
fn a_response_that_a_host_cannot_continue_is_refused_by_name() {
    for kind in ["groq", "anthropic", "gemini", "llmux"] {
        let mut body: Value = calls::request(Operation::Chat, DIALECT, false);
        body["previous_response_id"] = "resp_1".into();
        for provider in [recordings::provider(kind), recordings::dropping_provider(kind)] {
            let error = calls::prepare(&*provider, Operation::Chat, DIALECT, &body).err().unwrap();
            let told = (error.status().as_u16(), error.param());
            assert_eq!(told, (400, Some("previous_response_id")), "{kind}");
        }
    }
}
