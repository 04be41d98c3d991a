//! Pain 1: what passes is not copied.

use bytes::Bytes;
use http::HeaderMap;
use llmux_core::{Call, Dialect, Exchange, Frames, Operation, Outgoing};
use llmux_testkit::{Answer, answers};
use llmux_wire::json::envelope;

use crate::recordings;

/// A client's request to a host of its own dialect, with a long prompt, and the two answers of that host.
fn same_dialect() -> [(&'static str, Dialect, Answer, Answer); 2] {
    let openai = (answers::openai_chat("x"), answers::openai_stream(&["a", "b"]));
    let anthropic = (answers::anthropic_message("x"), answers::anthropic_stream(&["a", "b"]));
    [
        ("openai_like", Dialect::OpenAi, openai.0, openai.1),
        ("anthropic", Dialect::Anthropic, anthropic.0, anthropic.1),
    ]
}

fn prepare(kind: &str, dialect: Dialect, stream: bool) -> (Bytes, Exchange) {
    let prompt = "word ".repeat(20_000);
    let options = r#""stream_options":{"include_usage":true}"#;
    let body = format!(
        r#"{{"model":"m","max_tokens":9,"stream":{stream},{options},"messages":[{{"role":"user","content":"{prompt}"}}]}}"#
    );
    let body = Bytes::from(body);
    let (fields, headers) = (envelope::read(&body).unwrap(), HeaderMap::new());
    let call = Call::new(Operation::Chat, dialect, "m", &body, &fields, &headers).with_stream(stream);
    let exchange = recordings::provider(kind).prepare(&call).unwrap();
    (body, exchange)
}

#[test]
fn pain_01_a_request_that_needs_no_change_goes_out_as_the_bytes_that_came_in() {
    for (kind, dialect, ..) in same_dialect() {
        let (body, exchange) = prepare(kind, dialect, true);
        let Outgoing::Send(request) = exchange.outgoing else { panic!("the provider is asked") };
        assert!(std::ptr::eq(request.body().as_ptr(), body.as_ptr()), "{kind}");
    }
}

#[test]
fn pain_01_answers_and_frames_that_need_no_change_go_out_as_the_bytes_that_came_in() {
    for (kind, dialect, whole, stream) in same_dialect() {
        let mut reply = prepare(kind, dialect, false).1.reply;
        let came = whole.bytes();
        assert!(std::ptr::eq(reply.whole(came.clone()).unwrap().as_ptr(), came.as_ptr()), "{kind}");

        let (mut reply, mut out) = (prepare(kind, dialect, true).1.reply, Frames::default());
        let came = stream.bytes();
        reply.push(came.clone(), &mut out).unwrap();
        reply.finish(&mut out).unwrap();
        let went = out.pop().unwrap();
        assert!(std::ptr::eq(went.as_ptr(), came.as_ptr()) && went.len() == came.len(), "{kind}");
    }
}
