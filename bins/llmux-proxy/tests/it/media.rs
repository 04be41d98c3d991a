//! Images, sound and moderations.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use llmux_testkit::{Answer as Scripted, ScriptedUpstream, answers, fixtures};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::proxy::{Answer, Proxy, Setup};

const ECHO: &str = "model_list: [{model_name: echo, litellm_params: {model: llmux/echo}}]\n";

fn image() -> Value {
    json!({"model": "model", "prompt": "a harbour", "n": 1, "metadata": {"a": 1}, "num_retries": 0})
}

fn speech() -> Value {
    json!({"model": "model", "input": "Good day", "voice": "alloy"})
}

fn sound(bytes: &'static [u8]) -> Scripted {
    Scripted::body(bytes).with_header("content-type", "audio/mpeg")
}

/// An answer with its content type, as bytes.
async fn bytes(proxy: &Proxy, path: &str, body: &Value) -> (u16, String, Vec<u8>) {
    let response = proxy.post(path, body).send().await.unwrap();
    let kind = response.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
    (response.status().as_u16(), kind, response.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn images_are_asked_for_at_every_path_and_answers_pass_byte_for_byte() {
    let answer =
        r#"{ "created":1, "data":[{"b64_json":"QUJD"}],"usage":{"input_tokens":3,"output_tokens":7} }"#;
    let upstream =
        ScriptedUpstream::answering([Scripted::body(answer).with_header("content-type", "application/json")])
            .await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let paths =
        ["/v1/images/generations", "/images/generations", "/openai/deployments/model/images/generations"];
    for path in paths {
        let told = Answer::of(proxy.post(path, &image())).await;
        assert_eq!((told.status.as_u16(), told.text.as_str()), (200, answer), "{path}");
    }
    for request in upstream.requests() {
        assert_eq!(request.path, "/v1/images/generations");
        assert_eq!(request.json(), json!({"model": "gpt-up", "prompt": "a harbour", "n": 1}));
    }
}

#[tokio::test]
async fn recorded_images_pass_byte_for_byte() {
    for case in fixtures::cases_of(&["openai", "xai", "together_ai"]) {
        let Some(body) = case.response.clone().filter(|_| case.kind == "image") else { continue };
        let answer = Scripted::body(body.clone())
            .with_header("content-type", "application/json")
            .with_status(case.status);
        let upstream = ScriptedUpstream::answering([answer]).await;
        let proxy = Proxy::openai(&upstream.url()).await;
        let told = Answer::of(proxy.post("/v1/images/generations", &image())).await;
        assert_eq!(told.status.as_u16(), case.status, "{}", case.name);
        if case.status == 200 {
            assert_eq!(told.text.as_bytes(), body, "{}", case.name);
        } else {
            let expected: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(told.json()["error"]["message"], expected["error"]["message"], "{}", case.name);
        }
    }
}

#[tokio::test]
async fn images_that_are_streamed_in_parts_pass_as_events() {
    let frames = [
        "event: image_generation.partial_image\ndata: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"QQ==\"}\n\n",
        "event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"b64_json\":\"QUI=\",\
         \"usage\":{\"input_tokens\":3,\"output_tokens\":7}}\n\n",
    ];
    let upstream = ScriptedUpstream::answering([Scripted::sse(frames)]).await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let mut body = image();
    body["stream"] = true.into();
    let (status, kind, told) = bytes(&proxy, "/v1/images/generations", &body).await;
    assert_eq!((status, kind.as_str()), (200, "text/event-stream"));
    assert_eq!(String::from_utf8(told).unwrap(), frames.concat());
    upstream.script([Scripted::sse([frames[0]])]);
    let (_, _, told) = bytes(&proxy, "/v1/images/generations", &body).await;
    assert!(String::from_utf8(told).unwrap().contains("ended before the answer was complete"));
}

#[tokio::test]
async fn speech_passes_as_the_bytes_that_it_is() {
    let noise: &'static [u8] = b"\xff\xfbdata: {}\n\n\x00\x01\"error\"";
    let upstream = ScriptedUpstream::answering([sound(noise)]).await;
    let proxy = Proxy::openai(&upstream.url()).await;
    for path in ["/v1/audio/speech", "/audio/speech", "/openai/deployments/model/audio/speech"] {
        let (status, kind, told) = bytes(&proxy, path, &speech()).await;
        assert_eq!((status, kind.as_str(), told.as_slice()), (200, "audio/mpeg", noise), "{path}");
    }
    let expected = json!({"model": "gpt-up", "input": "Good day", "voice": "alloy"});
    assert_eq!(upstream.requests()[0].json(), expected);
    assert_eq!(upstream.requests()[0].path, "/v1/audio/speech");
}

#[tokio::test]
async fn speech_that_breaks_off_breaks_off_for_the_client_too() {
    let upstream = ScriptedUpstream::answering([sound(b"0123456789").reset_mid_body(4)]).await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let response = proxy.post("/v1/audio/speech", &speech()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err(), "an end in good order would pass for the whole");
    proxy.wait_for_log("broken").await;
}

#[tokio::test]
async fn a_client_that_leaves_during_speech_ends_the_upstream_request() {
    let answer =
        Scripted::chunks([&b"abc"[..], b"def"]).with_header("content-type", "audio/mpeg").stall_after(1);
    let upstream = ScriptedUpstream::answering([answer]).await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let mut response = proxy.post("/v1/audio/speech", &speech()).send().await.unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "abc");
    drop(response);
    upstream.wait_for_disconnect().await;
    proxy.wait_for_log("client_closed").await;
}

#[tokio::test]
async fn failures_before_the_first_byte_are_made_good_elsewhere() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = Setup::config(format!(
        "model_list:
  - {{model_name: model, litellm_params: {{model: openai/a, api_key: k, api_base: '{0}/v1', order: 1}}}}
  - {{model_name: model, litellm_params: {{model: openai/b, api_key: k, api_base: '{0}/v1', order: 2}}}}
",
        upstream.url()
    ))
    .start()
    .await;
    upstream.script([answers::openai_error(503, "server_error", "busy"), sound(b"tone")]);
    let (status, _, told) = bytes(&proxy, "/v1/audio/speech", &speech()).await;
    assert_eq!((status, told.as_slice()), (200, &b"tone"[..]));
    let models: Vec<_> = upstream.requests().iter().map(|request| request.json()["model"].clone()).collect();
    assert_eq!(models, ["a", "b"]);
}

#[tokio::test]
async fn errors_of_the_provider_and_of_the_request_are_told() {
    let upstream =
        ScriptedUpstream::answering([answers::openai_error(400, "invalid_request_error", "no such voice")])
            .await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let refused = Answer::of(proxy.post("/v1/audio/speech", &speech())).await;
    assert_eq!((refused.status.as_u16(), refused.message().as_str()), (400, "no such voice"));
    upstream.script([answers::openai_error(500, "server_error", "down")]);
    assert_eq!(Answer::of(proxy.post("/v1/images/generations", &image())).await.status, 500);
    let nameless = Answer::of(proxy.post("/v1/images/generations", &json!({"prompt": "a"}))).await;
    assert_eq!(nameless.openai_error().0, 400);
    assert!(nameless.message().contains("`model` is required"));
}

#[tokio::test]
async fn a_host_without_an_operation_says_so() {
    let config = "model_list: [{model_name: model, litellm_params: {model: deepseek/x, api_key: k}}]\n";
    let proxy = Setup::config(config).start().await;
    let refused = Answer::of(proxy.post("/v1/audio/speech", &speech())).await;
    assert_eq!(refused.status, 400);
    assert!(refused.message().contains("DeepSeek has no speech"), "{}", refused.text);
}

#[tokio::test]
async fn moderations_need_no_model() {
    let answer = json!({"id": "m", "model": "omni", "results": [{"flagged": false}]});
    let upstream = ScriptedUpstream::answering([Scripted::json(answer.clone())]).await;
    let proxy = Setup::config(format!(
        "model_list: [{{model_name: omni-moderation-latest, litellm_params: {{model: openai/omni-moderation-latest, \
         api_key: k, api_base: '{}/v1'}}}}]\n",
        upstream.url()
    ))
    .start()
    .await;
    let told = Answer::of(proxy.post("/v1/moderations", &json!({"input": "good day"}))).await;
    assert_eq!((told.status.as_u16(), told.json()), (200, answer));
    let expected = json!({"input": "good day", "model": "omni-moderation-latest"});
    assert_eq!(upstream.requests()[0].json(), expected);
}

#[tokio::test]
async fn the_echo_draws_speaks_and_judges() {
    let proxy = Setup::config(ECHO).start().await;
    let body = json!({"model": "echo", "prompt": "a harbour", "n": 2});
    let told = Answer::of(proxy.post("/v1/images/generations", &body)).await.json();
    assert_eq!(told["data"].as_array().unwrap().len(), 2);
    assert!(told["data"][0]["b64_json"].as_str().unwrap().starts_with("iVBORw0KGgo"), "{told}");
    let body = json!({"model": "echo", "prompt": "a harbour", "stream": true});
    let told = Answer::of(proxy.post("/v1/images/generations", &body)).await;
    assert_eq!(told.events().len(), 2);
    let body = json!({"model": "echo", "input": "Good day", "voice": "any"});
    let (status, kind, told) = bytes(&proxy, "/v1/audio/speech", &body).await;
    assert_eq!((status, kind.as_str()), (200, "audio/wav"));
    assert!(told.starts_with(b"RIFF") && told.len() > 3_000);
    let told =
        Answer::of(proxy.post("/v1/moderations", &json!({"model": "echo", "input": ["a", "b"]}))).await;
    assert_eq!(told.json()["results"].as_array().unwrap().len(), 2);
}

/// A provider that reads requests to their end without keeping them, and answers each with so many bytes.
/// Gives its address, and the count of bytes that have come in.
pub(crate) async fn vast_provider(answer: usize, kind: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let received = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&received);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let (mut buffer, mut tail) = (vec![0; 64 << 10], Vec::new());
                // The end of a form, or of a document.
                let ends: [&[u8]; 2] = [b"--edge--\r\n", b"}"];
                while !ends.iter().any(|end| tail.ends_with(end)) {
                    let read = stream.read(&mut buffer).await.unwrap();
                    assert!(read > 0, "the request breaks off");
                    count.fetch_add(read, Ordering::Relaxed);
                    tail.extend_from_slice(&buffer[..read]);
                    tail.drain(..tail.len().saturating_sub(16));
                }
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {answer}\r\nconnection: close\r\n\r\n"
                );
                stream.write_all(head.as_bytes()).await.unwrap();
                let piece = if kind == "application/json" { b"{}".to_vec() } else { vec![7; 64 << 10] };
                let mut left = answer;
                while left > 0 {
                    let size = left.min(piece.len());
                    stream.write_all(&piece[..size]).await.unwrap();
                    left -= size;
                }
            });
        }
    });
    (url, received)
}

/// What the proxy's memory grew by, at its highest, while something went on.
pub(crate) async fn grown<T>(proxy: &Proxy, going_on: impl Future<Output = T>) -> (T, u64) {
    let before = proxy.resident();
    let mut highest = before;
    let mut going_on = std::pin::pin!(going_on);
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(5));
    loop {
        tokio::select! {
            done = &mut going_on => return (done, highest.max(proxy.resident()).saturating_sub(before)),
            _ = ticks.tick() => highest = highest.max(proxy.resident()),
        }
    }
}

async fn download(proxy: &Proxy) -> usize {
    let mut response = proxy.post("/v1/audio/speech", &speech()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut total = 0;
    while let Some(piece) = response.chunk().await.unwrap() {
        total += piece.len();
    }
    total
}

#[tokio::test]
async fn a_download_of_100_mib_passes_in_less_than_5_mib() {
    const SIZE: usize = 100 << 20;
    let (url, _) = vast_provider(SIZE, "audio/mpeg").await;
    let proxy = Proxy::openai(&url).await;
    // What is made once is made before.
    assert_eq!(download(&proxy).await, SIZE);
    let (total, grown) = grown(&proxy, download(&proxy)).await;
    assert_eq!(total, SIZE);
    assert!(grown < 5 << 20, "{grown} bytes more");
}
