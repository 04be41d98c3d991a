//! Forms with files: transcriptions, translations, edits and variations.

use std::sync::atomic::Ordering;

use llmux_testkit::{Answer as Scripted, ClosedPort, ScriptedUpstream, answers, fixtures};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    media::{grown, vast_provider},
    proxy::{Answer, Proxy, Setup},
};

const ECHO: &str = "model_list: [{model_name: echo, litellm_params: {model: llmux/echo}}]\n";
/// More than is kept in memory.
const LARGE: usize = 3 << 20;

/// A field of a form.
fn field(name: &str, value: &str) -> Vec<u8> {
    format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes()
}

/// A file of a form.
fn file(content: &[u8]) -> Vec<u8> {
    let head = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\
                Content-Type: audio/wav\r\n\r\n";
    [head.as_bytes(), content, b"\r\n"].concat()
}

fn form(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat().as_slice(), b"--edge--\r\n"].concat()
}

async fn post(proxy: &Proxy, path: &str, form: impl Into<reqwest::Body>) -> Answer {
    let request = proxy.client.post(format!("{}{path}", proxy.url));
    Answer::of(request.header("content-type", "multipart/form-data; boundary=edge").body(form)).await
}

fn text() -> Scripted {
    Scripted::json(json!({"text": "Good day", "usage": {"type": "duration", "seconds": 2}}))
}

async fn transcribe(proxy: &Proxy, form: impl Into<reqwest::Body>) -> Answer {
    post(proxy, "/v1/audio/transcriptions", form).await
}

#[tokio::test]
async fn a_form_reaches_the_provider_byte_for_byte_but_for_the_model() {
    let upstream = ScriptedUpstream::answering([text()]).await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let noise = file(b"\x00\xffRIFF\r\n--edg\r\n");
    let extra = field("x_new", "\u{e9}");
    let sent = form(&[
        field("model", "model"),
        extra.clone(),
        noise.clone(),
        field("litellm_trace_id", "a"),
        field("prompt", "b"),
    ]);
    for (path, upstream_path) in [
        ("/v1/audio/transcriptions", "/v1/audio/transcriptions"),
        ("/audio/translations", "/v1/audio/translations"),
        ("/v1/images/edits", "/v1/images/edits"),
        ("/v1/images/variations", "/v1/images/variations"),
    ] {
        let told = post(&proxy, path, sent.clone()).await;
        assert_eq!((told.status.as_u16(), &told.json()["text"]), (200, &json!("Good day")), "{path}");
        let request = upstream.requests().pop().unwrap();
        assert_eq!(request.path, upstream_path);
        let expected = form(&[field("model", "gpt-up"), extra.clone(), noise.clone(), field("prompt", "b")]);
        assert_eq!(request.body, expected, "{}", String::from_utf8_lossy(&request.body));
        assert_eq!(request.header("content-type"), Some("multipart/form-data; boundary=edge"));
        assert_eq!(request.header("content-length"), Some(expected.len().to_string().as_str()));
    }
}

#[tokio::test]
async fn the_model_may_stand_in_the_path() {
    let upstream = ScriptedUpstream::answering([text()]).await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let sent = form(&[file(&vec![1; LARGE])]);
    let told = post(&proxy, "/openai/deployments/model/audio/transcriptions", sent).await;
    assert_eq!(told.status, 200, "{}", told.text);
    assert_eq!(upstream.requests()[0].body, form(&[field("model", "gpt-up"), file(&vec![1; LARGE])]));
}

#[tokio::test]
async fn the_model_may_stand_behind_the_file() {
    for size in [10, LARGE] {
        // What has been read can be sent again.
        let upstream =
            ScriptedUpstream::answering([answers::openai_error(503, "server_error", "busy"), text()]).await;
        let proxy = Setup::config(format!(
            "model_list: [{{model_name: model, litellm_params: {{model: openai/gpt-up, api_key: k, \
             api_base: '{}/v1'}}}}]\nrouter_settings: {{num_retries: 1}}\n",
            upstream.url()
        ))
        .start()
        .await;
        let content: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        let told = transcribe(&proxy, form(&[file(&content), field("model", "model")])).await;
        assert_eq!(told.status, 200, "{}", told.text);
        let requests = upstream.requests();
        assert_eq!(requests.len(), 2);
        for request in requests {
            let expected = form(&[field("model", "gpt-up"), file(&content)]);
            let (form, filler) = request.body.split_at(expected.len());
            // The length was told before the model was found: empty lines behind the end make up for it.
            assert!(form == expected && filler.iter().all(|byte| *byte == b'\n'), "{size}");
        }
    }
}

#[tokio::test]
async fn what_has_gone_out_is_not_sent_again() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = Setup::config(format!(
        "model_list:
  - {{model_name: model, litellm_params: {{model: openai/a, api_key: k, api_base: '{0}/v1', order: 1}}}}
  - {{model_name: model, litellm_params: {{model: openai/b, api_key: k, api_base: '{1}/v1', order: 2}}}}
router_settings: {{num_retries: 2}}
",
        ClosedPort::new().url(),
        upstream.url()
    ))
    .start()
    .await;
    upstream.script([answers::openai_error(503, "server_error", "busy")]);
    let sent = form(&[field("model", "model"), file(&vec![1; LARGE])]);
    // Nobody listens at the first, so nothing has gone out and the second is asked; it has, and is asked once.
    let told = transcribe(&proxy, sent.clone()).await;
    assert_eq!((told.status.as_u16(), upstream.requests().len()), (503, 1), "{}", told.text);
    upstream.script([text()]);
    assert_eq!(transcribe(&proxy, sent).await.status, 200);
}

#[tokio::test]
async fn answers_pass_in_whatever_form_was_asked_for() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let sent = form(&[field("model", "model"), file(b"RIFF")]);
    for (kind, body) in [
        ("text/plain; charset=utf-8", "Good day\n"),
        ("application/x-subrip", "1\n00:00:00,000 --> 00:00:01,000\nGood day\n"),
        ("text/vtt", "WEBVTT\n\n00:00.000 --> 00:01.000\nGood day\n"),
    ] {
        upstream.script([Scripted::body(body).with_header("content-type", kind)]);
        let told = transcribe(&proxy, sent.clone()).await;
        assert_eq!((told.header("content-type"), told.text.as_str()), (Some(kind), body));
    }
    let frames = [
        "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Good\"}\n\n",
        "data: {\"type\":\"transcript.text.done\",\"text\":\"Good day\"}\n\n",
    ];
    upstream.script([Scripted::sse(frames)]);
    let told =
        transcribe(&proxy, form(&[field("stream", "True"), field("model", "model"), file(b"R")])).await;
    assert_eq!(
        (told.header("content-type"), told.text.as_str()),
        (Some("text/event-stream"), frames.concat().as_str())
    );
}

#[tokio::test]
async fn recorded_transcripts_pass_byte_for_byte() {
    for case in fixtures::cases_of(&["openai", "groq", "mistral"]) {
        let Some(mut body) = case.response.clone().filter(|_| case.kind == "transcription") else { continue };
        let mut kind = "application/json".to_owned();
        // Some are told with their head.
        if let Ok(Value::Object(told)) = serde_json::from_slice::<Value>(&body)
            && let (Some(inner), Some(headers)) = (told.get("body"), told.get("headers"))
        {
            kind = headers["content-type"].as_str().unwrap().to_owned();
            body = inner.as_str().map_or_else(|| inner.to_string(), str::to_owned).into();
        }
        let upstream =
            ScriptedUpstream::answering([Scripted::body(body.clone()).with_header("content-type", &kind)])
                .await;
        let proxy = Setup::config(format!(
            "model_list: [{{model_name: model, litellm_params: {{model: {}/up, api_key: k, api_base: '{}/v1'}}}}]\n",
            case.provider,
            upstream.url()
        ))
        .start()
        .await;
        let told = transcribe(&proxy, form(&[field("model", "model"), file(b"RIFF")])).await;
        assert_eq!((told.status.as_u16(), told.text.as_bytes()), (200, &body[..]), "{}", case.name);
    }
}

#[tokio::test]
async fn forms_that_are_none_are_refused_with_a_reason() {
    let upstream = ScriptedUpstream::answering([text()]).await;
    let proxy = Proxy::openai(&upstream.url()).await;
    for (sent, reason) in [
        (form(&[file(b"RIFF")]), "`model` is required"),
        (b"{\"model\": \"model\"}".to_vec(), "`model` is required"),
        (b"--edge\r\nx: y\r\n\r\na\r\n--edge--".to_vec(), "which field it is"),
        ([field("model", "model"), file(b"RIFF")].concat(), "breaks off"),
        (form(&[field("model", "model"), field("api_key", "sk")]), "cannot be chosen by a client"),
        (form(&[field("model", "model"), field("timeout", "soon")]), "`timeout` must be"),
    ] {
        let told = transcribe(&proxy, sent).await;
        assert_eq!(told.status, 400, "{}", told.text);
        assert!(told.message().contains(reason), "{}", told.text);
    }
    let request = proxy.client.post(format!("{}/v1/audio/transcriptions", proxy.url));
    let told = Answer::of(request.header("content-type", "multipart/form-data").body("x")).await;
    assert!(told.message().contains("boundary"), "{}", told.text);
    let told = transcribe(&proxy, form(&[field("prompt", &"x".repeat(70 << 10)), file(b"R")])).await;
    assert_eq!(told.status, 413, "{}", told.text);
}

#[tokio::test]
async fn forms_are_limited_by_the_server_and_by_the_deployment() {
    let upstream = ScriptedUpstream::answering([text()]).await;
    let proxy = Setup::config(format!(
        "server: {{max_body_size: 4MiB}}\nmodel_list:
  - {{model_name: model, litellm_params: {{model: openai/a, api_key: k, api_base: '{0}/v1'}}}}
  - {{model_name: small, litellm_params: {{model: openai/b, api_key: k, api_base: '{0}/v1', max_file_size_mb: 0.5}}}}
",
        upstream.url()
    ))
    .start()
    .await;
    let sent = |model: &str, size: usize| form(&[field("model", model), file(&vec![1; size])]);
    assert_eq!(transcribe(&proxy, sent("model", LARGE)).await.status, 200);
    assert_eq!(transcribe(&proxy, sent("model", 5 << 20)).await.status, 413);
    assert_eq!(transcribe(&proxy, sent("small", 1 << 10)).await.status, 200);
    let told = transcribe(&proxy, sent("small", 600 << 10)).await;
    assert_eq!(told.status, 413);
    assert!(told.message().contains("this deployment takes"), "{}", told.text);
    // Of unknown length.
    let pieces = sent("small", LARGE)
        .chunks(64 << 10)
        .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
        .collect::<Vec<_>>();
    let told = transcribe(&proxy, reqwest::Body::wrap_stream(futures::stream::iter(pieces))).await;
    assert_eq!(told.status, 413, "{}", told.text);
}

#[tokio::test]
async fn a_client_that_leaves_during_an_upload_ends_the_upstream_request() {
    let (url, received) = vast_provider(2, "application/json").await;
    let proxy = Proxy::openai(&url).await;
    let mut client = TcpStream::connect(proxy.authority()).await.unwrap();
    let head = "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: a\r\ncontent-length: 20000000\r\n\
                content-type: multipart/form-data; boundary=edge\r\n\r\n";
    let start = [head.as_bytes(), &field("model", "model"), &file(&vec![1; LARGE])].concat();
    client.write_all(&start).await.unwrap();
    while received.load(Ordering::Relaxed) < LARGE {
        tokio::task::yield_now().await;
    }
    drop(client);
    proxy.wait_for_log("not completed").await;
}

#[tokio::test]
async fn an_answer_that_comes_before_the_form_is_through_reaches_the_client() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = Setup::config(ECHO).start().await;
    drop(upstream);
    let told =
        transcribe(&proxy, form(&[field("model", "echo"), field("prompt", "Hi"), file(&vec![1; LARGE])]))
            .await;
    assert_eq!(told.json(), json!({"text": "Hi"}));
    for (format, start) in
        [("text", "Hi\n"), ("srt", "1\n"), ("vtt", "WEBVTT"), ("verbose_json", "{\"task\"")]
    {
        let parts =
            [field("model", "echo"), field("prompt", "Hi"), field("response_format", format), file(b"R")];
        assert!(transcribe(&proxy, form(&parts)).await.text.starts_with(start), "{format}");
    }
    let edit = form(&[field("model", "echo"), field("prompt", "Hi"), field("n", "2"), file(b"PNG")]);
    let told = post(&proxy, "/v1/images/edits", edit).await.json();
    assert_eq!(told["data"].as_array().unwrap().len(), 2, "{told}");
}

/// Sends a form with a file of this size, a piece at a time, and gives the status of the answer.
async fn upload(proxy: &Proxy, size: usize) -> String {
    let mut client = TcpStream::connect(proxy.authority()).await.unwrap();
    let (start, end) = ([field("model", "model"), file(b"")].concat(), b"\r\n--edge--\r\n");
    let start = start.strip_suffix(b"\r\n").unwrap();
    let head = format!(
        "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n\
         content-type: multipart/form-data; boundary=edge\r\n\r\n",
        start.len() + size + end.len()
    );
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(start).await.unwrap();
    let piece = vec![7; 64 << 10];
    let mut left = size;
    while left > 0 {
        let sent = left.min(piece.len());
        client.write_all(&piece[..sent]).await.unwrap();
        left -= sent;
    }
    client.write_all(end).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_upload_of_200_mib_passes_in_less_than_5_mib() {
    const SIZE: usize = 200 << 20;
    let (url, received) = vast_provider(2, "application/json").await;
    let config = format!("server: {{max_body_size: 256MiB}}\n{}", crate::proxy::openai_config(&url));
    let proxy = Setup::config(config).start().await;
    // What is made once is made before.
    assert_eq!(upload(&proxy, 1 << 20).await, "HTTP/1.1 200 OK");
    let before = received.load(Ordering::Relaxed);
    let (status, grown) = grown(&proxy, upload(&proxy, SIZE)).await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(received.load(Ordering::Relaxed) - before > SIZE);
    assert!(grown < 5 << 20, "{grown} bytes more");
}
