//! Recorded answers, whole and streamed, as clients of either dialect get them.

use bytes::Bytes;
use llmux_core::{Dialect, Operation};
use llmux_testkit::splits::splits_at_most;
use serde_json::Value;

use crate::{
    calls,
    exceptions::{Check, Complaints, examine},
    recordings::{self, DIALECTS, Recording},
    said::{Said, events, report_against},
};

/// Places at which each recorded stream is cut in two; byte by byte and at random come on top.
const CUTS: usize = 4;
/// Longer streams are split in one way of each kind: whole, byte by byte, in two, at random.
const LONG: usize = 64_000;

#[test]
fn a_client_of_the_providers_dialect_gets_the_bytes_as_they_came() {
    let mut recordings = recordings::answered();
    // Google's embeddings are translated for every client.
    recordings.retain(|recording| {
        !["gemini", "vertex"].contains(&&*recording.case.provider)
            || recording.operation != Operation::Embeddings
    });
    examine(Check::Passed, &recordings, Recording::name, |recording| {
        let (case, provider) = (&recording.case, &*recording.provider);
        let dialect = recording.dialect;
        let mut wrong = Complaints::new();
        if let Some(body) = &case.response {
            let request = calls::request(recording.operation, dialect, false);
            let reply = calls::reply(provider, recording.operation, dialect, &request);
            match calls::whole(reply, body) {
                Ok((answer, report)) => {
                    assert_eq!(answer, body, "the answer's bytes");
                    wrong.extend(report_against(&report, case.facts()));
                    let tokens = &case.facts()["tokens"];
                    if tokens.is_u64() && *tokens != report.usage.prompt_total() {
                        wrong.push(format!(
                            "{} tokens are reported, not {tokens}",
                            report.usage.prompt_total()
                        ));
                    }
                }
                Err(error) => wrong.extend(calls::told(error)),
            }
        }
        if let Some(stream) = recording.stream() {
            let request = calls::streaming(recording.operation, dialect);
            let reply = calls::reply(provider, recording.operation, dialect, &request);
            match calls::raw(reply, [stream.clone()]) {
                Ok((answer, report)) => {
                    // The last frame may be completed by the line that the provider left out.
                    assert_eq!(answer.trim_ascii_end(), stream.trim_ascii_end(), "the stream's bytes");
                    wrong.extend(report_against(&report, case.facts()));
                }
                Err(error) => wrong.extend(calls::told(error)),
            }
        }
        wrong
    });
}

#[test]
fn usage_that_an_openai_client_did_not_ask_for_is_all_that_is_kept_from_it() {
    let mut recordings = recordings::answered();
    recordings.retain(|recording| recording.dialect == Dialect::OpenAi);
    examine(Check::Passed, &recordings, Recording::name, |recording| {
        let Some(stream) = recording.stream() else { return Complaints::new() };
        let (provider, operation) = (&*recording.provider, recording.operation);
        let request = calls::request(operation, Dialect::OpenAi, true);
        let exchange = calls::prepare(provider, operation, Dialect::OpenAi, &request).unwrap();
        let asked = calls::sent(&exchange).1["stream_options"]["include_usage"] == true;
        let (answer, report) = match calls::stream_at_once(exchange.reply, &stream) {
            Ok(outcome) => outcome,
            Err(error) => return calls::told(error),
        };
        // A host that cannot be asked sends what it sends.
        let stream = std::str::from_utf8(&stream).unwrap();
        let expected = if asked { without_usage(stream) } else { values(stream) };
        assert_eq!(values(&answer), expected);
        report_against(&report, recording.case.facts())
    });
}

/// The data of each event, as JSON where it is JSON.
fn values(stream: &str) -> Vec<Value> {
    events(stream).map(|(_, data)| serde_json::from_str(&data).unwrap_or_else(|_| data.into())).collect()
}

fn without_usage(stream: &str) -> Vec<Value> {
    let mut values = values(stream);
    values.retain(|value| {
        !(value["usage"].is_object() && value["choices"].as_array().is_some_and(Vec::is_empty))
    });
    for value in &mut values {
        if let Some(chunk) = value.as_object_mut() {
            chunk.shift_remove("usage");
        }
    }
    values
}

#[test]
fn a_client_of_the_other_dialect_is_told_the_same() {
    examine(Check::Translated, &recordings::chats(), Recording::name, |recording| {
        let mut wrong = Complaints::new();
        for dialect in recording.other_dialects() {
            wrong.extend(told_otherwise(recording, dialect));
        }
        wrong
    });
}

/// What a client of this dialect is told that the facts do not say.
fn told_otherwise(recording: &Recording, dialect: Dialect) -> Complaints {
    let (case, provider) = (&recording.case, &*recording.provider);
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
        let request = calls::request(Operation::Chat, dialect, false);
        let outcome = calls::whole(calls::reply(provider, Operation::Chat, dialect, &request), body);
        compare(outcome.map(|(answer, report)| (Said::in_answer(dialect, &answer), report)));
    }
    if let Some(stream) = recording.stream() {
        let request = calls::streaming(Operation::Chat, dialect);
        let outcome =
            calls::stream_at_once(calls::reply(provider, Operation::Chat, dialect, &request), &stream);
        compare(outcome.map(|(answer, report)| (Said::in_stream(dialect, &answer), report)));
    }
    wrong.into_iter().map(|complaint| format!("{dialect}: {complaint}")).collect()
}

#[test]
fn a_chat_answers_a_text_completion_where_the_provider_has_none() {
    examine(Check::Completed, &recordings::chats(), Recording::name, |recording| {
        let (case, provider) = (&recording.case, &*recording.provider);
        let request = calls::streaming(Operation::Completion, Dialect::OpenAi);
        let exchange = calls::prepare(provider, Operation::Completion, Dialect::OpenAi, &request).unwrap();
        if calls::sent(&exchange).1.get("prompt").is_some() {
            return Complaints::new();
        }
        let text = match (&case.response, recording.stream()) {
            (Some(body), _) => calls::whole(exchange.reply, body).map(|(answer, _)| {
                let answer: Value = serde_json::from_slice(&answer).unwrap();
                answer["choices"][0]["text"].as_str().unwrap().to_owned()
            }),
            (None, Some(stream)) => calls::stream_at_once(exchange.reply, &stream).map(|(answer, _)| {
                let texts = values(&answer).into_iter().map(|chunk| chunk["choices"][0]["text"].clone());
                texts.filter_map(|text| text.as_str().map(str::to_owned)).collect()
            }),
            (None, None) => return Complaints::new(),
        };
        match text {
            Ok(text) if case.facts()["text"] == text => Complaints::new(),
            Ok(text) => vec![format!("text is {text:?}")],
            Err(error) => calls::told(error),
        }
    });
}

#[test]
fn the_split_of_a_recorded_stream_changes_nothing() {
    let mut recordings = recordings::answered();
    recordings.retain(|recording| recording.case.stream.is_some());
    examine(Check::Rules, &recordings, Recording::name, |recording| {
        let stream = recording.stream().unwrap();
        let mut wrong = Complaints::new();
        for dialect in DIALECTS {
            if recording.operation != Operation::Chat && dialect != recording.dialect {
                continue;
            }
            // Where the dialects are the same, hiding usage is the harder way.
            let request = if dialect == recording.dialect {
                calls::request(recording.operation, dialect, true)
            } else {
                calls::streaming(recording.operation, dialect)
            };
            let read = |pieces: Vec<Bytes>| {
                let reply = calls::reply(&*recording.provider, recording.operation, dialect, &request);
                calls::stream(reply, pieces).map_err(|error| error.to_string())
            };
            let whole = read(vec![stream.clone()]);
            let (cuts, ways) = if stream.len() > LONG { (1, 4) } else { (CUTS, usize::MAX) };
            let differs =
                splits_at_most(&stream, cuts).take(ways).find(|pieces| read(pieces.clone()) != whole);
            if let Some(pieces) = differs {
                let lengths: Vec<_> = pieces.iter().take(8).map(Bytes::len).collect();
                wrong.push(format!("{dialect}: split into {lengths:?} … it reads otherwise"));
            }
        }
        wrong
    });
}
