//! Media of hosts whose requests are not OpenAI's, by an official client's requests through the real proxy.

use llmux_testkit::{Answer as Scripted, Recorded, ScriptedUpstream};
use serde_json::{Value, json};

use crate::{
    media::grown,
    proxy::{Answer, Proxy, Setup},
};

/// A proxy that serves `model` at a provider whose address is the upstream's.
pub(crate) async fn serving(model: &str, upstream: &ScriptedUpstream) -> Proxy {
    Setup::config(format!(
        "model_list:\n  - model_name: model\n    litellm_params: {{model: '{model}', api_key: sk-up, api_base: '{}'}}\n\
         router_settings: {{num_retries: 0, disable_cooldowns: true}}\n",
        upstream.url()
    ))
    .start()
    .await
}

/// The form of a transcription, with the file in front of some fields.
fn form(content: &[u8], format: &str) -> Vec<u8> {
    let field = |name: &str, value: &str| {
        format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes()
    };
    let file = b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n";
    let parts = [
        field("model", "model"),
        [file, content, b"\r\n"].concat(),
        field("response_format", format),
        field("language", "en"),
    ];
    [parts.concat().as_slice(), b"--edge--\r\n"].concat()
}

async fn transcribe(proxy: &Proxy, form: Vec<u8>) -> Answer {
    let request = proxy.client.post(format!("{}/v1/audio/transcriptions", proxy.url));
    Answer::of(request.header("content-type", "multipart/form-data; boundary=edge").body(form)).await
}

fn deepgram_answer() -> Value {
    json!({"metadata": {"duration": 2.5}, "results": {"channels": [{"alternatives": [{"transcript": "Good day.",
        "words": [{"word": "good", "punctuated_word": "Good", "start": 0.1, "end": 0.5},
            {"word": "day", "punctuated_word": "Day.", "start": 0.5, "end": 0.9}]}]}]}})
}

#[tokio::test]
async fn a_recording_goes_on_as_the_bytes_of_its_file_and_subtitles_come_back() {
    for size in [9, 3 << 20] {
        let upstream = ScriptedUpstream::answering([Scripted::json(deepgram_answer())]).await;
        let proxy = serving("deepgram/nova-3", &upstream).await;
        let content: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        // Fields behind the file count too.
        let told = transcribe(&proxy, form(&content, "srt")).await;
        assert_eq!(told.status, 200, "{}", told.text);
        assert_eq!(told.text, "1\n00:00:00,100 --> 00:00:00,900\nGood Day.\n\n");
        assert_eq!(told.header("content-type"), Some("text/plain; charset=utf-8"));
        let request = upstream.requests().pop().unwrap();
        assert!(request.body == content, "{size}: {} bytes came", request.body.len());
        assert_eq!(request.header("content-type"), Some("audio/wav"));
        assert!(request.path.starts_with("/listen?model=nova-3&language=en"), "{}", request.path);
        assert_eq!(request.header("authorization"), Some("Token sk-up"));
    }
}

#[tokio::test]
async fn a_large_recording_is_never_held_in_memory() {
    const LARGE: usize = 96 << 20;
    let upstream = ScriptedUpstream::answering([Scripted::json(deepgram_answer())]).await;
    let proxy = Setup::config(format!(
        "model_list:\n  - model_name: model\n    litellm_params: {{model: deepgram/nova-3, api_key: k, api_base: '{}'}}\n\
         general_settings: {{max_request_size_mb: 200}}\n",
        upstream.url()
    ))
    .start()
    .await;
    transcribe(&proxy, form(b"warm", "json")).await;
    let content = vec![7; LARGE];
    let (told, grown) = grown(&proxy, transcribe(&proxy, form(&content, "json"))).await;
    assert_eq!(told.json()["text"], "Good day.", "{}", told.text);
    assert_eq!(upstream.requests().pop().unwrap().body.len(), LARGE);
    assert!(grown < 5 << 20, "{grown} bytes were held");
}

#[tokio::test]
async fn a_job_is_uploaded_handed_in_and_looked_at_for_one_request_of_a_client() {
    let upstream = ScriptedUpstream::start().await;
    upstream.answer_with(|request: &Recorded| {
        let state =
            |status: &str| json!({"id": "t1", "status": status, "text": "Good day", "audio_duration": 3});
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/v2/upload") => Scripted::json(json!({"upload_url": "https://cdn.example.com/1"})),
            ("POST", _) => Scripted::json(state("queued")),
            _ => Scripted::json(state("completed")),
        }
    });
    let proxy = serving("assemblyai/universal", &upstream).await;
    let told = transcribe(&proxy, form(b"RIFF", "json")).await;
    let expected = json!({"text": "Good day", "usage": {"type": "duration", "seconds": 3}});
    assert_eq!((told.status.as_u16(), told.json()), (200, expected), "{}", told.text);
    let paths: Vec<_> = upstream.requests().iter().map(|request| request.path.clone()).collect();
    assert_eq!(paths, ["/v2/upload", "/v2/transcript", "/v2/transcript/t1"]);
    assert_eq!(upstream.requests()[0].body, "RIFF");
}

#[tokio::test]
async fn a_file_goes_on_under_the_name_that_its_host_has_for_it() {
    let upstream = ScriptedUpstream::start().await;
    upstream.answer_with(|request: &Recorded| match request.path.as_str() {
        "/speechtotext/v1/jobs" => Scripted::json(json!({"id": "j", "status": "in_progress"})),
        "/speechtotext/v1/jobs/j" => {
            Scripted::json(json!({"id": "j", "status": "transcribed", "duration_seconds": 1}))
        }
        _ => Scripted::json(
            json!({"monologues": [{"elements": [{"type": "text", "value": "Hi", "ts": 0, "end_ts": 1}]}]}),
        ),
    });
    let proxy = serving("revai/machine", &upstream).await;
    let told = transcribe(&proxy, form(b"RIFF", "text")).await;
    assert_eq!((told.status.as_u16(), told.text.as_str()), (200, "Hi\n"));
    let sent = String::from_utf8(upstream.requests()[0].body.to_vec()).unwrap();
    let options = r#"name="options"

{"transcriber":"machine","language":"en"}"#
        .replace('\n', "\r\n");
    assert!(sent.contains(&options), "{sent}");
    assert!(
        sent.contains("name=\"media\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n"),
        "{sent}"
    );
    assert!(!sent.contains("response_format"), "{sent}");
}

#[tokio::test]
async fn a_wrong_key_and_a_wrong_format_are_told_clearly() {
    let refusal = json!({"err_code": "INVALID_AUTH", "err_msg": "Invalid credentials."});
    let upstream = ScriptedUpstream::answering([Scripted::json(refusal).with_status(401)]).await;
    let proxy = serving("deepgram/nova-3", &upstream).await;
    let told = transcribe(&proxy, form(b"RIFF", "json")).await;
    assert_eq!(told.openai_error().0, 401);
    assert!(told.message().contains("Invalid credentials."), "{}", told.text);
    let told = transcribe(&proxy, form(b"RIFF", "diarized_json")).await;
    assert_eq!((told.status.as_u16(), &told.json()["error"]["param"]), (400, &json!("response_format")));
    assert_eq!(upstream.requests().len(), 1, "what cannot be answered is not asked");
}

#[tokio::test]
async fn speech_of_another_host_passes_as_it_comes() {
    let sound = Scripted::body(&b"\xff\xfbtone"[..]).with_header("content-type", "audio/mpeg");
    let upstream = ScriptedUpstream::answering([sound]).await;
    let proxy = serving("elevenlabs/eleven_multilingual_v2", &upstream).await;
    let body = json!({"model": "model", "input": "Good day", "voice": "v1"});
    let response = proxy.post("/v1/audio/speech", &body).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"audio/mpeg".parse().unwrap())
    );
    assert_eq!(response.bytes().await.unwrap(), &b"\xff\xfbtone"[..]);
    let request = upstream.requests().pop().unwrap();
    assert_eq!(request.path, "/v1/text-to-speech/v1/stream?output_format=mp3_44100_128");
    assert_eq!(request.json(), json!({"text": "Good day", "model_id": "eleven_multilingual_v2"}));
}

#[tokio::test]
async fn images_are_drawn_by_jobs_and_fetched_for_a_client_that_wants_them_in_the_answer() {
    let upstream = ScriptedUpstream::start().await;
    let url = upstream.url();
    upstream.answer_with(move |request: &Recorded| match request.path.as_str() {
        "/v1/flux-pro-1.1" => {
            Scripted::json(json!({"id": "j", "polling_url": format!("{url}/v1/get_result?id=j")}))
        }
        "/v1/get_result?id=j" => Scripted::json(
            json!({"id": "j", "status": "Ready", "result": {"sample": format!("{url}/files/1.jpeg")}}),
        ),
        _ => Scripted::body("JPEG").with_header("content-type", "image/jpeg"),
    });
    let proxy = serving("black_forest_labs/flux-pro-1.1", &upstream).await;
    let body = json!({"model": "model", "prompt": "a harbour", "response_format": "b64_json"});
    let told = Answer::of(proxy.post("/v1/images/generations", &body)).await;
    assert_eq!(
        (told.status.as_u16(), &told.json()["data"]),
        (200, &json!([{"b64_json": "SlBFRw=="}])),
        "{}",
        told.text
    );
    assert_eq!(upstream.requests().len(), 3);
    upstream.answer_with(|_| Scripted::json(json!({"detail": "Not authenticated"})).with_status(403));
    let told = Answer::of(proxy.post("/v1/images/generations", &body)).await;
    assert_eq!((told.status.as_u16(), told.message().as_str()), (403, "Not authenticated"));
}

#[tokio::test]
async fn a_predictions_stream_is_the_answer_of_a_streamed_chat() {
    let upstream = ScriptedUpstream::start().await;
    let url = upstream.url();
    upstream.answer_with(move |request: &Recorded| match request.path.as_str() {
        "/models/meta/llama/predictions" => Scripted::json(
            json!({"id": "p", "status": "starting", "urls": {"stream": format!("{url}/stream/p")}}),
        )
        .with_status(201),
        _ => Scripted::sse([
            "event: output\ndata: Good\n\n",
            "event: output\ndata:  day\n\n",
            "event: done\ndata: {}\n\n",
        ]),
    });
    let proxy = serving("replicate/meta/llama", &upstream).await;
    let body = json!({"model": "model", "stream": true, "messages": [{"role": "user", "content": "Hello"}]});
    let told = Answer::of(proxy.post("/v1/chat/completions", &body)).await;
    assert_eq!((told.status.as_u16(), told.said().as_str()), (200, "Good day"), "{}", told.text);
    assert_eq!(told.events().last(), Some(&"[DONE]"));
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_looks_at_its_job() {
    let upstream = ScriptedUpstream::start().await;
    let url = upstream.url();
    upstream.answer_with(move |request: &Recorded| match request.method.as_str() {
        "POST" => Scripted::json(json!({"id": "j", "polling_url": format!("{url}/look")})),
        _ => Scripted::never(),
    });
    let proxy = serving("black_forest_labs/flux-dev", &upstream).await;
    let request = proxy.post("/v1/images/generations", &json!({"model": "model", "prompt": "a harbour"}));
    let asking = tokio::spawn(request.send());
    upstream.wait_for_requests(2).await;
    asking.abort();
    upstream.wait_for_disconnect().await;
    assert_eq!(upstream.requests().len(), 2);
}
