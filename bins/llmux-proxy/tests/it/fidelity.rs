//! What passes through untouched.

use llmux_testkit::{Answer as Scripted, Gate, ScriptedUpstream, answers};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Map, Value, json};

use crate::proxy::{Answer, Proxy, Setup, chat, streamed};

/// A proxy with a deployment at each kind of provider, so that both dialects pass through.
async fn both(upstream: &ScriptedUpstream) -> Proxy {
    let url = upstream.url();
    Setup::config(format!(
        "model_list:
  - {{model_name: model, litellm_params: {{model: openai/gpt-up, api_key: k, api_base: '{url}/v1'}}}}
  - {{model_name: claude, litellm_params: {{model: anthropic/claude-up, api_key: k, api_base: '{url}'}}}}
"
    ))
    .start()
    .await
}

#[tokio::test]
async fn a_request_reaches_the_provider_byte_for_byte_but_for_the_model() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("hi")]).await;
    let proxy = both(&upstream).await;
    let body = "{ \"x_new\" : {\"b\":1.0e2, \"a\":[ 1 ,2]},\n\"model\":\"model\", \"big\":12345678901234567890123,\
                \"messages\":[{\"role\":\"user\",\"content\":\"h\\u00e9\"}] , \"caf\\u00e9\": null}";
    assert_eq!(proxy.post_text("/v1/chat/completions", body).await.status, 200);
    let expected = body.replace("\"model\":\"model\"", "\"model\":\"gpt-up\"");
    assert_eq!(std::str::from_utf8(&upstream.requests()[0].body).unwrap(), expected);
}

#[tokio::test]
async fn a_message_reaches_anthropic_byte_for_byte_but_for_the_model() {
    let upstream = ScriptedUpstream::answering([answers::anthropic_message("hi")]).await;
    let proxy = both(&upstream).await;
    let body = "{\"model\":\"claude\",  \"max_tokens\":9,\"new_field\":[{}],\n \"messages\":[{\"role\":\"user\",\
                \"content\":[{\"type\":\"novel\",\"x\":1}]}]}";
    assert_eq!(proxy.post_text("/v1/messages", body).await.status, 200);
    let expected = body.replace("\"claude\"", "\"claude-up\"");
    assert_eq!(std::str::from_utf8(&upstream.requests()[0].body).unwrap(), expected);
}

#[tokio::test]
async fn an_answer_reaches_the_client_byte_for_byte() {
    let text = "{ \"id\":\"x\", \"object\":\"chat.completion\",\"created\":1,\"model\":\"m\", \"novel\": {\"a\" : 1.50},\n\
                \"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"h\\u00e9\",\"more\":[]},\
                \"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2}}";
    let upstream =
        ScriptedUpstream::answering([Scripted::body(text).with_header("content-type", "application/json")])
            .await;
    let proxy = both(&upstream).await;
    assert_eq!(proxy.chat("model").await.text, text);
}

/// JSON values without floats, whose text is the same after a round trip.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((".{0,8}", inner), 0..5)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

fn extras() -> impl Strategy<Value = Vec<(String, Value)>> {
    prop::collection::vec(("x_[a-zé\"]{1,10}", value()), 0..6)
}

#[test]
fn unknown_fields_survive_both_ways_whatever_they_hold() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (upstream, proxy) = runtime.block_on(async {
        let upstream = ScriptedUpstream::start().await;
        let proxy = both(&upstream).await;
        (upstream, proxy)
    });
    let mut runner = TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(extras(), extras()), |(asked, answered)| {
        let mut body = chat("gpt-up");
        body["model"] = "model".into();
        let mut answer = serde_json::from_slice::<Value>(&answers::openai_chat("hi").bytes()).unwrap();
        for (object, members) in [(&mut body, asked), (&mut answer, answered)] {
            object.as_object_mut().unwrap().extend(members);
        }
        upstream.script([Scripted::json(answer.clone())]);
        let got = runtime.block_on(proxy.post_text("/v1/chat/completions", body.to_string()));
        prop_assert_eq!(&got.text, &answer.to_string());
        let sent = upstream.requests().pop().unwrap();
        let expected = body.to_string().replace("\"model\":\"model\"", "\"model\":\"gpt-up\"");
        prop_assert_eq!(std::str::from_utf8(&sent.body).unwrap(), expected);
        Ok(())
    });
    outcome.unwrap();
    drop(runtime);
}

#[tokio::test]
async fn streamed_usage_is_obtained_and_kept_from_a_client_that_did_not_ask() {
    let upstream = ScriptedUpstream::answering([answers::openai_stream(&["a", "b"])]).await;
    let proxy = both(&upstream).await;
    let answer = Answer::of(proxy.post("/v1/chat/completions", &streamed("model"))).await;
    assert_eq!(answer.said(), "ab");
    assert!(!answer.text.contains("prompt_tokens"), "{}", answer.text);
    assert!(!answer.text.contains("\"choices\":[]"), "{}", answer.text);
    assert_eq!(upstream.requests()[0].json()["stream_options"]["include_usage"], true);
}

#[tokio::test]
async fn streamed_usage_reaches_a_client_that_asked_byte_for_byte() {
    let scripted = answers::openai_stream(&["a", "b"]);
    let upstream = ScriptedUpstream::answering([scripted.clone()]).await;
    let proxy = both(&upstream).await;
    let mut body = streamed("model");
    body["stream_options"] = json!({"include_usage": true, "novel": 1});
    let answer = Answer::of(proxy.post("/v1/chat/completions", &body)).await;
    assert_eq!(answer.text.as_bytes(), &scripted.bytes()[..]);
    assert_eq!(upstream.requests()[0].json()["stream_options"], body["stream_options"]);
}

#[tokio::test]
async fn an_anthropic_stream_reaches_its_client_byte_for_byte() {
    let scripted = answers::anthropic_stream(&["a", "b"]);
    let upstream = ScriptedUpstream::answering([scripted.clone()]).await;
    let proxy = both(&upstream).await;
    let mut body = crate::proxy::message("claude");
    body["stream"] = true.into();
    let answer = Answer::of(proxy.post("/v1/messages", &body)).await;
    assert_eq!(answer.text.as_bytes(), &scripted.bytes()[..]);
}

/// Each piece is handed on when it comes: the next one is only sent once the client has this one.
async fn pieces_come_one_by_one(scripted: &Scripted, body: Value, path: &str, count: usize) {
    let upstream = ScriptedUpstream::start().await;
    let proxy = both(&upstream).await;
    let gates: Vec<_> = (1..=count).map(|_| Gate::new()).collect();
    let mut answer = scripted.clone();
    for (at, gate) in gates.iter().enumerate() {
        answer = answer.hold_after(at + 1, gate);
    }
    upstream.script([answer]);
    let mut response = proxy.post(path, &body).send().await.unwrap();
    for gate in gates {
        let piece = response.chunk().await.unwrap().expect("a piece before the gate opens");
        assert!(piece.ends_with(b"\n\n"), "{piece:?}");
        gate.open();
    }
    while response.chunk().await.unwrap().is_some() {}
}

#[tokio::test]
async fn pain_25_each_chunk_is_relayed_when_it_comes() {
    pieces_come_one_by_one(
        &answers::openai_stream(&["a", "b", "c"]),
        streamed("model"),
        "/v1/chat/completions",
        4,
    )
    .await;
}

/// The case that burst elsewhere: tool calls with usage asked for.
#[tokio::test]
async fn pain_25_tool_call_pieces_with_usage_are_not_held_back() {
    let mut body = streamed("model");
    body["stream_options"] = json!({"include_usage": true});
    let scripted = answers::openai_tool_call_stream("f", &["{\"a\"", ":", "1}"]);
    pieces_come_one_by_one(&scripted, body, "/v1/chat/completions", 4).await;
}

#[tokio::test]
async fn pain_25_translated_chunks_are_relayed_when_they_come() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = both(&upstream).await;
    let gate = Gate::new();
    // Start, block start, ping and the first word; the second word waits.
    upstream.script([answers::anthropic_stream(&["one", "two"]).hold_after(4, &gate)]);
    let mut response = proxy.post("/v1/chat/completions", &streamed("claude")).send().await.unwrap();
    let mut text = String::new();
    while !text.contains("\"one\"") {
        text.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    assert!(!text.contains("\"two\""));
    gate.open();
    while let Some(piece) = response.chunk().await.unwrap() {
        text.push_str(std::str::from_utf8(&piece).unwrap());
    }
    assert!(text.contains("\"two\"") && text.ends_with("data: [DONE]\n\n"), "{text}");
}
