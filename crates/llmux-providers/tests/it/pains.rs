//! Regressions that users of other gateways reported, as far as translation is concerned: each test begins
//! with the row of the list of pain points that it stands for.

mod copies;
mod responses;
mod thinking;

use bytes::Bytes;
use llmux_core::{Dialect, Frames, Operation, ReplyReport};
use llmux_testkit::conformance;
use serde_json::{Value, json};

use crate::{calls, recordings};

const DIALECTS: [Dialect; 2] = [Dialect::OpenAi, Dialect::Anthropic];

/// Chunks of OpenAI's dialect as a stream.
fn chunks(chunks: &[Value]) -> String {
    let frames: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    frames + "data: [DONE]\n\n"
}

fn chunk(delta: Value, finish: Option<&str>) -> Value {
    json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [
        {"index": 0, "delta": delta, "finish_reason": finish}]})
}

/// Events of Anthropic's dialect as a stream.
fn anthropic_events(events: &[Value]) -> String {
    events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
        .collect()
}

fn message_start() -> Value {
    json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
        "model": "m", "content": [], "stop_reason": null, "usage": {"input_tokens": 5, "output_tokens": 1}}})
}

/// A short stream of each provider dialect.
fn streams() -> [(&'static str, String); 2] {
    let openai = [
        chunk(json!({"role": "assistant", "content": "He"}), None),
        chunk(json!({"content": "llo"}), None),
        chunk(json!({}), Some("stop")),
    ];
    let delta = |text: &str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
    let anthropic = [
        message_start(),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        delta("He"),
        delta("llo"),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}),
        json!({"type": "message_stop"}),
    ];
    [("groq", chunks(&openai)), ("anthropic", anthropic_events(&anthropic))]
}

fn report(kind: &str, dialect: Dialect, stream: &str) -> ReplyReport {
    let request = calls::request(Operation::Chat, dialect, true);
    let reply = calls::reply(&*recordings::provider(kind), Operation::Chat, dialect, &request);
    calls::stream_at_once(reply, stream).unwrap().1
}

#[test]
fn pain_16_cached_tokens_are_counted_once_streamed_or_not_for_clients_of_both_dialects() {
    let usage = json!({"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 60}, "completion_tokens_details": {"reasoning_tokens": 20}});
    let mut last = chunk(json!({"content": "hi"}), Some("stop"));
    last["usage"] = usage.clone();
    let body = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": usage,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]});
    for dialect in DIALECTS {
        let streamed = report("openai", dialect, &chunks(std::slice::from_ref(&last)));
        let request = calls::request(Operation::Chat, dialect, false);
        let reply = calls::reply(&*recordings::provider("openai"), Operation::Chat, dialect, &request);
        let (_, whole) = calls::whole(reply, &body.to_string().into()).unwrap();
        assert_eq!(streamed.usage, whole.usage, "{dialect}");
        let usage = whole.usage;
        assert_eq!(
            (usage.input, usage.cache_read, usage.output, usage.reasoning),
            (40, 60, 30, 20),
            "{dialect}"
        );
        assert_eq!(usage.total(), 150, "{dialect}");
    }
}

#[test]
fn pain_16_recorded_usage_is_the_same_for_clients_of_both_dialects() {
    for recording in recordings::chats() {
        let reports = DIALECTS.map(|dialect| {
            let provider = &*recording.provider;
            let outcome = match (&recording.case.response, recording.stream()) {
                (Some(body), _) => {
                    let request = calls::request(Operation::Chat, dialect, false);
                    calls::whole(calls::reply(provider, Operation::Chat, dialect, &request), body)
                        .map(|of| of.1)
                }
                (None, stream) => {
                    let request = calls::streaming(Operation::Chat, dialect);
                    let reply = calls::reply(provider, Operation::Chat, dialect, &request);
                    calls::stream_at_once(reply, stream.unwrap()).map(|of| of.1)
                }
            };
            outcome.unwrap()
        });
        if reports.iter().all(|report| report.stream_error.is_none()) {
            assert_eq!(reports[0].usage, reports[1].usage, "{}", recording.name());
        }
    }
}

#[test]
fn pain_17_usage_on_a_chunk_with_choices_is_counted() {
    for place in ["with the finish reason", "with text", "inside the choice"] {
        let mut text = chunk(json!({"content": "hi"}), None);
        let mut last = chunk(json!({}), Some("stop"));
        let usage = json!({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7});
        match place {
            "with the finish reason" => last["usage"] = usage,
            "with text" => text["usage"] = usage,
            _ => last["choices"][0]["usage"] = usage,
        }
        for dialect in DIALECTS {
            let report = report("openai_like", dialect, &chunks(&[text.clone(), last.clone()]));
            assert!(report.usage_reported, "{place}, {dialect}");
            assert_eq!(report.usage.total(), 7, "{place}, {dialect}");
        }
    }
}

#[test]
fn pain_17_the_last_word_on_usage_counts_when_every_chunk_has_one() {
    let counted = |tokens: u64| {
        let mut chunk = chunk(json!({"content": "x"}), (tokens == 3).then_some("stop"));
        chunk["usage"] = json!({"prompt_tokens": 5, "completion_tokens": tokens, "total_tokens": 5 + tokens});
        chunk
    };
    for dialect in DIALECTS {
        let report = report("perplexity", dialect, &chunks(&[counted(1), counted(2), counted(3)]));
        assert_eq!((report.usage.prompt_total(), report.usage.completion_total()), (5, 3), "{dialect}");
    }
}

#[test]
fn pain_17_usage_is_always_asked_for_where_it_can_be() {
    for kind in ["openai", "groq", "deepseek", "xai", "openrouter"] {
        for dialect in DIALECTS {
            let request = calls::request(Operation::Chat, dialect, true);
            let exchange =
                calls::prepare(&*recordings::provider(kind), Operation::Chat, dialect, &request).unwrap();
            assert_eq!(
                calls::sent(&exchange).1["stream_options"]["include_usage"],
                true,
                "{kind}, {dialect}"
            );
        }
    }
}

#[test]
fn pain_22_a_stream_that_begins_with_an_error_fails_before_anything_goes_out() {
    let openai = r#"data: {"error":{"message":"busy","type":"server_error","code":503}}"#;
    let anthropic = r#"data: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#;
    for (kind, stream) in [
        ("groq", format!("{openai}\n\n")),
        // OpenRouter shows life with comments while it waits.
        ("openrouter", format!(": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n{openai}\n\n")),
        ("anthropic", format!("event: error\n{anthropic}\n\n")),
        ("anthropic", format!("event: ping\ndata: {{\"type\":\"ping\"}}\n\nevent: error\n{anthropic}\n\n")),
    ] {
        for dialect in DIALECTS {
            let request = calls::request(Operation::Chat, dialect, true);
            let provider = recordings::provider(kind);
            conformance::reply_error(
                || calls::reply(&*provider, Operation::Chat, dialect, &request),
                stream.as_bytes(),
            );
        }
    }
}

#[test]
fn pain_23_a_stream_without_its_end_is_an_error_for_client_and_report() {
    for (kind, stream) in streams() {
        let cut = &stream[..stream.find("llo").unwrap()];
        let cut = &cut[..cut.rfind("\n\n").unwrap() + 2];
        for dialect in DIALECTS {
            let request = calls::request(Operation::Chat, dialect, true);
            let reply = calls::reply(&*recordings::provider(kind), Operation::Chat, dialect, &request);
            let (answer, report) = calls::stream_at_once(reply, cut).unwrap();
            assert!(report.cut_short && report.stream_error.is_some(), "{kind}, {dialect}");
            let last = answer.trim_end().rsplit("\n\n").next().unwrap();
            assert!(last.contains("\"error\""), "{kind}, {dialect}: {last}");
            let ends = ["[DONE]", "message_stop", "\"finish_reason\":\"stop\""];
            assert!(ends.iter().all(|end| !answer.contains(end)), "{kind}, {dialect}: {answer}");
        }
    }
}

#[test]
fn pain_23_a_failure_in_the_middle_reaches_client_and_report() {
    let openai = r#"data: {"error":{"message":"gone wrong","type":"server_error"}}"#;
    let anthropic = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"gone wrong\"}}";
    for (kind, stream) in streams() {
        let failure = if kind == "anthropic" { anthropic } else { openai };
        let begun = &stream[..stream.find("llo").unwrap()];
        let begun = &begun[..begun.rfind("\n\n").unwrap() + 2];
        for dialect in DIALECTS {
            let request = calls::request(Operation::Chat, dialect, true);
            let reply = calls::reply(&*recordings::provider(kind), Operation::Chat, dialect, &request);
            let (answer, report) = calls::stream_at_once(reply, format!("{begun}{failure}\n\n")).unwrap();
            assert_eq!(report.stream_error.as_deref(), Some("gone wrong"), "{kind}, {dialect}");
            assert!(
                answer.contains("gone wrong") && !answer.contains("[DONE]"),
                "{kind}, {dialect}: {answer}"
            );
        }
    }
}

#[test]
fn pain_23_a_success_that_says_nothing_is_no_answer() {
    for kind in ["openai", "deepseek", "anthropic"] {
        for dialect in DIALECTS {
            for body in ["{}", "[]", r#"{"status":"failed"}"#, r#"{"error":{"message":"down"}}"#] {
                let request = calls::request(Operation::Chat, dialect, false);
                let reply = calls::reply(&*recordings::provider(kind), Operation::Chat, dialect, &request);
                let outcome = calls::whole(reply, &Bytes::from_static(body.as_bytes()));
                assert!(outcome.is_err(), "{kind}, {dialect}: {body}");
            }
        }
    }
}

#[test]
fn pain_25_each_piece_of_a_tool_call_goes_out_as_it_comes() {
    let call =
        |piece: &str| chunk(json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}), None);
    let stream = [
        chunk(
            json!({"role": "assistant", "tool_calls": [
            {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]}),
            None,
        ),
        call("{\"a\""),
        call(": 1"),
        call("}"),
        chunk(json!({}), Some("tool_calls")),
    ];
    for dialect in DIALECTS {
        let request = calls::streaming(Operation::Chat, dialect);
        let mut reply = calls::reply(&*recordings::provider("openai"), Operation::Chat, dialect, &request);
        for (at, chunk) in stream.iter().enumerate() {
            let mut out = Frames::default();
            reply.push(format!("data: {chunk}\n\n").into(), &mut out).unwrap();
            let piece = chunk["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].clone();
            let sent = String::from_utf8(out.pop().map(|bytes| bytes.to_vec()).unwrap_or_default()).unwrap();
            let shown =
                piece.as_str().map(|piece| Value::from(piece).to_string().trim_matches('"').to_owned());
            assert!(at == 4 || sent.contains(&shown.unwrap()), "{dialect}, piece {at}: {sent}");
        }
    }
}

#[test]
fn pain_29_a_parameter_that_a_provider_lacks_is_refused_by_name_or_dropped_by_name() {
    for (kind, dialect, param, value) in [
        ("anthropic", Dialect::OpenAi, "frequency_penalty", json!(0.5)),
        ("anthropic", Dialect::OpenAi, "logit_bias", json!({"1": 2})),
        ("openai", Dialect::Anthropic, "top_k", json!(5)),
        ("mistral", Dialect::OpenAi, "logprobs", json!(true)),
        ("perplexity", Dialect::OpenAi, "seed", json!(1)),
    ] {
        let mut request = calls::request(Operation::Chat, dialect, false);
        request[param] = value;
        let refused = calls::prepare(&*recordings::provider(kind), Operation::Chat, dialect, &request);
        let error = refused.err().unwrap_or_else(|| panic!("{kind} has no {param}"));
        assert_eq!((error.status().as_u16(), error.param()), (400, Some(param)), "{kind}: {error}");
        assert!(error.message().contains("drop_params"), "{kind}: the way out is told: {error}");

        let provider = recordings::dropping_provider(kind);
        let exchange = calls::prepare(&*provider, Operation::Chat, dialect, &request).unwrap();
        assert_eq!(exchange.dropped, [param], "{kind}");
        assert!(calls::sent(&exchange).1.get(param).is_none(), "{kind}: {param}");
    }
}

#[test]
fn pain_29_a_switch_written_as_text_is_a_mistake_and_not_true() {
    for (dialect, kind) in [(Dialect::OpenAi, "anthropic"), (Dialect::Anthropic, "openai")] {
        let mut request = calls::request(Operation::Chat, dialect, false);
        request["stream"] = "false".into();
        let refused = calls::prepare(&*recordings::provider(kind), Operation::Chat, dialect, &request);
        assert_eq!(refused.err().unwrap().param(), Some("stream"), "{dialect}");
    }
}
