//! A client's own requests, passed to a provider as they are.

use bytes::Bytes;
use llmux_testkit::{Answer as Scripted, ScriptedUpstream, answers};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::proxy::{Answer, Proxy, Setup};

const KEY: &str = "sk-gateway-key";

/// A proxy with a key, whose routes lead to a scripted provider by the environment.
async fn relay(upstream: &str) -> Proxy {
    setup(upstream, "").start().await
}

fn setup(upstream: &str, config: &str) -> Setup {
    Setup::config(format!("general_settings: {{master_key: {KEY}}}\n{config}"))
        .arg("--debug")
        .env("OPENAI_API_KEY", "sk-up-openai")
        .env("OPENAI_BASE_URL", format!("{upstream}/v1"))
        .env("ANTHROPIC_API_KEY", "sk-up-anthropic")
        .env("ANTHROPIC_BASE_URL", upstream)
        .env("GEMINI_API_KEY", "up-gemini-key")
        .env("GEMINI_API_BASE", upstream)
        .env("MISTRAL_API_KEY", "sk-up-mistral")
        .env("MISTRAL_API_BASE", format!("{upstream}/v1"))
}

fn bearer(request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
    request.header("authorization", format!("Bearer {KEY}"))
}

#[tokio::test]
async fn any_method_and_path_reaches_the_provider_with_its_own_key() {
    let upstream = ScriptedUpstream::answering([Scripted::body("ok").with_header("x-own", "1")]).await;
    let proxy = relay(&upstream.url()).await;
    for (method, path, expected, key) in [
        ("GET", "/openai/v1/files?limit=2&after=a%20b", "/v1/files?limit=2&after=a%20b", "authorization"),
        ("DELETE", "/openai_passthrough/files/f%2F1", "/v1/files/f%2F1", "authorization"),
        ("PUT", "/anthropic/v1/things/", "/v1/things/", "x-api-key"),
        (
            "PATCH",
            "/gemini/v1beta/files?key=sk-gateway-key&alt=json",
            "/v1beta/files?alt=json",
            "x-goog-api-key",
        ),
        ("POST", "/mistral/v1/ocr", "/v1/ocr", "authorization"),
    ] {
        let request = proxy.client.request(method.parse().unwrap(), format!("{}{path}", proxy.url));
        let request = bearer(request).header("x-api-key", KEY).header("x-goog-api-key", KEY).body("\u{0}raw");
        let answer = Answer::of(request).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "ok"), "{path}");
        assert_eq!(answer.header("x-own"), Some("1"));
        assert_eq!(answer.header("x-llmux-usage"), Some("unknown"));
        assert!(answer.header("x-litellm-call-id").is_some() && answer.header("x-llmux-provider").is_some());
        let sent = upstream.requests().pop().unwrap();
        assert_eq!((sent.method.as_str(), sent.path.as_str()), (method, expected));
        assert_eq!(sent.body, Bytes::from_static(b"\0raw"));
        assert!(!format!("{:?}{}", sent.headers, sent.path).contains(KEY), "{:?}", sent.headers);
        assert!(sent.headers[key].to_str().unwrap().contains("up-"), "{key}");
    }
}

#[tokio::test]
async fn a_route_is_closed_without_the_key() {
    let upstream = ScriptedUpstream::answering([Scripted::body("ok")]).await;
    let proxy = relay(&upstream.url()).await;
    for path in ["/openai/v1/files", "/anthropic/v1/messages", "/gemini/v1beta/models"] {
        assert_eq!(Answer::of(proxy.get(path)).await.status, 401, "{path}");
        let wrong = proxy.get(path).header("authorization", "Bearer sk-up-openai");
        assert_eq!(Answer::of(wrong).await.status, 401, "{path}");
    }
    assert!(upstream.requests().is_empty());
}

/// Sends a request line as it is, which clients would tidy up.
async fn raw(proxy: &Proxy, target: &str) -> String {
    let mut socket = TcpStream::connect(proxy.authority()).await.unwrap();
    let request = format!(
        "GET {target} HTTP/1.1\r\nhost: evil.example\r\nauthorization: Bearer {KEY}\r\nconnection: close\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn no_path_leads_anywhere_but_to_the_provider() {
    let upstream = ScriptedUpstream::answering([Scripted::body("ok")]).await;
    let proxy = relay(&upstream.url()).await;
    for target in [
        "/openai/../v1/models",
        "/openai/%2e%2e/secrets",
        "/openai/%252e%252e/secrets",
        "/openai//evil.example/x",
        "/openai/%2f%2fevil.example/x",
        "/openai/http://evil.example/x",
        "/openai/v1/..%5c..%5cx",
    ] {
        assert!(raw(&proxy, target).await.starts_with("HTTP/1.1 400 "), "{target}");
    }
    assert!(upstream.requests().is_empty());
    assert!(raw(&proxy, "http://evil.example/openai/v1/files").await.starts_with("HTTP/1.1 200 "));
    let sent = upstream.requests().pop().unwrap();
    assert_eq!(
        (sent.path.as_str(), &sent.headers["host"]),
        ("/v1/files", &upstream.address().to_string().parse().unwrap())
    );
}

#[tokio::test]
async fn models_are_served_first_where_paths_begin_alike() {
    let upstream = ScriptedUpstream::answering([Scripted::body("relayed")]).await;
    let models = "model_list:\n  - {model_name: echo, litellm_params: {model: llmux/echo}}\n";
    let proxy = setup(&upstream.url(), models).start().await;
    let body = json!({"messages": [{"role": "user", "content": "hi"}]});
    let served = Answer::of(bearer(proxy.post("/openai/deployments/echo/chat/completions", &body))).await;
    assert_eq!((served.status.as_u16(), upstream.requests().len()), (200, 0), "{}", served.text);
    let input = json!({"model": "echo", "input": "hi"});
    assert_eq!(Answer::of(bearer(proxy.post("/openai/v1/responses", &input))).await.status, 200);
    let unknown = Answer::of(bearer(proxy.get("/openai/deployments/echo/nothing"))).await;
    assert_eq!((unknown.status.as_u16(), upstream.requests().len()), (404, 0));
    let relayed = Answer::of(bearer(proxy.get("/openai/v1/responses/resp_1"))).await;
    assert_eq!((relayed.text.as_str(), upstream.requests().len()), ("relayed", 1));
}

#[tokio::test]
async fn bodies_are_streamed_both_ways() {
    let provider = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = relay(&format!("http://{}", provider.local_addr().unwrap())).await;
    let mut client = TcpStream::connect(proxy.authority()).await.unwrap();
    let head = format!(
        "POST /openai/v1/audio/transcriptions HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {KEY}\r\n\
         content-type: multipart/form-data; boundary=b\r\ncontent-length: 10\r\n\r\nfirst"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let (mut upstream, _) = provider.accept().await.unwrap();
    let seen = read_until(&mut upstream, "first").await;
    assert!(
        seen.contains("content-length: 10") && seen.contains("multipart/form-data; boundary=b"),
        "{seen}"
    );
    client.write_all(b"later").await.unwrap();
    read_until(&mut upstream, "later").await;
    upstream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 6\r\n\r\none")
        .await
        .unwrap();
    let answer = read_until(&mut client, "one").await;
    assert!(answer.contains("content-length: 6") && answer.contains("audio/mpeg"), "{answer}");
    upstream.write_all(b"two").await.unwrap();
    read_until(&mut client, "two").await;
    proxy.wait_for_log("outcome=\"ok\"").await;
}

async fn read_until(socket: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.ends_with(end) {
        let count = socket.read(&mut buffer).await.unwrap();
        assert!(count > 0, "the connection closed after: {text}");
        text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
    }
    text
}

#[tokio::test]
async fn a_long_upload_and_a_long_answer_take_no_memory_of_their_size() {
    const SIZE: usize = 64 << 20;
    let upstream = ScriptedUpstream::answering([Scripted::oversized(SIZE)]).await;
    let proxy = relay(&upstream.url()).await;
    bearer(proxy.get("/openai/v1/files")).send().await.unwrap().bytes().await.unwrap();
    let before = proxy.resident();
    let request = bearer(proxy.client.post(format!("{}/openai/v1/files", proxy.url))).body(vec![b'a'; SIZE]);
    let mut response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut read = 0;
    while let Some(piece) = response.chunk().await.unwrap() {
        read += piece.len();
    }
    assert_eq!(read, SIZE + 2);
    assert_eq!(upstream.requests().pop().unwrap().body.len(), SIZE);
    let grown = proxy.resident().saturating_sub(before);
    assert!(grown < 5 << 20, "{grown} bytes more");
}

/// Pain row 19: users of providers' own SDKs must not be invisible. Each known answer is counted, whole and streamed,
/// without a byte changed; what is not known says so.
#[tokio::test]
async fn pain_19_usage_of_known_paths_is_counted_and_unknown_paths_are_marked() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = relay(&upstream.url()).await;
    let gemini = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":11,"candidatesTokenCount":7,"totalTokenCount":18}}"#;
    let responses = json!({"status": "completed", "output": [], "usage": {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}});
    let embeddings = json!({"object": "list", "data": [{"embedding": [0.5]}], "usage": {"prompt_tokens": 11, "total_tokens": 11}});
    let array = Scripted::body(format!("[{gemini}\n,{gemini}]"))
        .with_header("content-type", "application/json; charset=UTF-8");
    let sse = Scripted::sse([format!("data: {gemini}\r\n\r\n")]);
    let cases = [
        ("/openai/v1/chat/completions", answers::openai_chat("hi"), "chat", 7),
        ("/openai/chat/completions", answers::openai_stream(&["a", "b"]), "chat", 7),
        ("/openai/responses", Scripted::json(responses), "chat", 7),
        ("/openai/v1/embeddings", Scripted::json(embeddings), "embeddings", 0),
        ("/anthropic/v1/messages", answers::anthropic_message("hi"), "chat", 7),
        ("/anthropic/v1/messages", answers::anthropic_stream(&["a"]), "chat", 7),
        (
            "/gemini/v1beta/models/m:generateContent",
            Scripted::body(gemini).with_header("content-type", "application/json"),
            "chat",
            7,
        ),
        ("/gemini/v1beta/models/m:streamGenerateContent", array, "chat", 7),
        ("/gemini/v1beta/models/m:streamGenerateContent?alt=sse", sse, "chat", 7),
    ];
    for (at, (path, answer, operation, output)) in cases.into_iter().enumerate() {
        upstream.script([answer.clone()]);
        let id = format!("counted-{at}");
        let request = bearer(proxy.post(path, &json!({"x": 1}))).header("x-litellm-call-id", &id);
        let got = Answer::of(request).await;
        assert_eq!((got.status.as_u16(), got.header("x-llmux-usage")), (200, Some("tracked")), "{path}");
        assert_eq!(got.text.as_bytes(), answer.bytes(), "{path}");
        let log = proxy.wait_for_log(&id).await;
        let lines: Vec<_> =
            log.lines().filter(|line| line.contains(&id) && line.contains("outcome=")).collect();
        assert_eq!(lines.len(), 1, "{path}: {lines:?}");
        let told = "outcome=\"ok\"";
        assert!(
            lines[0].contains(told) && lines[0].contains(&format!("operation={operation}")),
            "{}",
            lines[0]
        );
        assert!(
            lines[0].contains("input=11") && lines[0].contains(&format!("output={output}")),
            "{}",
            lines[0]
        );
    }
    upstream.script([answers::openai_chat("hi")]);
    let unknown =
        bearer(proxy.post("/openai/v1/novelties", &json!({}))).header("x-litellm-call-id", "not-counted");
    assert_eq!(Answer::of(unknown).await.header("x-llmux-usage"), Some("unknown"));
    let log = proxy.wait_for_log("not-counted").await;
    assert!(log.lines().any(|line| line.contains("not-counted") && line.contains("operation=pass_through")));
}

#[tokio::test]
async fn a_providers_errors_pass_as_they_are_but_for_keys() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = relay(&upstream.url()).await;
    let error = Scripted::body("{ \"error\" : {\"type\":\"novel\"}}").with_status(429);
    let error = error.with_header("retry-after", "7").with_header("request-id", "req_1");
    upstream.script([error]);
    let answer = Answer::of(bearer(proxy.post("/anthropic/v1/messages", &json!({})))).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (429, "{ \"error\" : {\"type\":\"novel\"}}"));
    assert_eq!((answer.header("retry-after"), answer.header("request-id")), (Some("7"), Some("req_1")));
    assert_eq!(answer.header("x-llmux-provider"), Some("anthropic"));
    assert_eq!(upstream.requests().len(), 1, "nothing is tried again");
    upstream.script([Scripted::body("no such key: sk-up-openai").with_status(401)]);
    let answer = Answer::of(bearer(proxy.get("/openai/v1/files"))).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (401, "no such key: ***"));
    upstream.script([Scripted::reset()]);
    let answer = Answer::of(bearer(proxy.post("/anthropic/v1/messages", &json!({})))).await;
    assert_eq!(answer.anthropic_error().0, 502, "{}", answer.text);
}

#[tokio::test]
async fn a_broken_answer_breaks_off_and_a_client_that_leaves_cancels() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = relay(&upstream.url()).await;
    upstream.script([answers::openai_stream(&["a", "b"]).reset_mid_stream(2)]);
    let response = bearer(proxy.post("/openai/v1/chat/completions", &json!({}))).send().await.unwrap();
    assert!(response.bytes().await.is_err(), "it must not look whole");
    proxy.wait_for_log("outcome=\"broken\"").await;
    upstream.script([answers::openai_stream(&["a", "b"]).stall_after(1)]);
    let mut response = bearer(proxy.post("/openai/v1/chat/completions", &json!({}))).send().await.unwrap();
    assert!(response.chunk().await.unwrap().is_some());
    drop(response);
    upstream.wait_for_disconnect().await;
    proxy.wait_for_log("outcome=\"client_closed\"").await;
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_given_up() {
    let upstream = ScriptedUpstream::answering([Scripted::never()]).await;
    let config = format!(
        "general_settings: {{master_key: {KEY}, pass_through_request_timeout: 100ms}}\n\
         model_list:\n  - {{model_name: m, litellm_params: {{model: openai/m, api_key: k, api_base: '{}/v1'}}}}\n",
        upstream.url()
    );
    let proxy = Setup::config(config).start().await;
    let answer = Answer::of(bearer(proxy.get("/openai/v1/files"))).await;
    assert_eq!(answer.openai_error().0, 408, "{}", answer.text);
}

#[tokio::test]
async fn the_marked_deployment_comes_before_the_environment_and_any_other_after_it() {
    let upstream = ScriptedUpstream::answering([Scripted::body("ok")]).await;
    let url = upstream.url();
    let deployment = |key: &str, more: &str| {
        format!(
            "  - {{model_name: m, litellm_params: {{model: mistral/m, api_key: {key}, api_base: '{url}/v1'{more}}}}}\n"
        )
    };
    let (plain, marked) =
        (deployment("sk-plain", ""), deployment("sk-marked", ", use_in_pass_through: true"));
    let general = format!("general_settings: {{master_key: {KEY}}}\nmodel_list:\n");
    let setups = [
        (setup(&url, &format!("model_list:\n{plain}{marked}")), "sk-marked"),
        (setup(&url, &format!("model_list:\n{plain}")), "sk-up-mistral"),
        (Setup::config(format!("{general}{plain}")), "sk-plain"),
    ];
    for (setup, key) in setups {
        let proxy = setup.start().await;
        assert_eq!(Answer::of(bearer(proxy.get("/mistral/v1/models"))).await.status, 200);
        let sent = upstream.requests().pop().unwrap();
        assert_eq!(sent.headers["authorization"], format!("Bearer {key}"));
    }
    let bare = Setup::config(format!("general_settings: {{master_key: {KEY}}}\n")).start().await;
    let answer = Answer::of(bearer(bare.get("/openai/v1/files"))).await;
    assert_eq!(answer.openai_error().2, "pass_through_not_configured");
    assert!(answer.message().contains("openai"), "{}", answer.text);
}

#[tokio::test]
async fn bedrocks_requests_are_signed_over_their_whole_body() {
    let upstream = ScriptedUpstream::answering([Scripted::body("ok")]).await;
    let config = format!(
        "general_settings: {{master_key: {KEY}}}\nserver: {{max_body_size: 1KiB}}\nmodel_list:\n  - {{model_name: m, \
         litellm_params: {{model: bedrock/m, aws_access_key_id: AKIDEXAMPLE, aws_secret_access_key: secret, \
         aws_region_name: eu-west-1, aws_bedrock_runtime_endpoint: '{}'}}}}\n",
        upstream.url()
    );
    let proxy = Setup::config(config).start().await;
    let ask = |body: String| {
        bearer(proxy.client.post(format!("{}/bedrock/guardrail/g/version/1/apply", proxy.url))).body(body)
    };
    assert_eq!(Answer::of(ask("{}".into())).await.status, 200);
    let sent = upstream.requests().pop().unwrap();
    let signature = sent.headers["authorization"].to_str().unwrap();
    assert!(
        signature.contains("AKIDEXAMPLE/") && signature.contains("/eu-west-1/bedrock/aws4_request"),
        "{signature}"
    );
    assert_eq!((sent.path.as_str(), &sent.body[..]), ("/guardrail/g/version/1/apply", &b"{}"[..]));
    assert_eq!(Answer::of(ask("a".repeat(1025))).await.status, 413);
}

#[tokio::test]
async fn a_limit_on_requests_holds_for_bodies_that_are_streamed() {
    let upstream = ScriptedUpstream::answering([Scripted::body("ok")]).await;
    let config = format!(
        "general_settings: {{master_key: {KEY}, max_request_size_mb: 1}}\n\
         model_list:\n  - {{model_name: m, litellm_params: {{model: openai/m, api_key: k, api_base: '{}/v1'}}}}\n",
        upstream.url()
    );
    let proxy = Setup::config(config).start().await;
    let ask =
        |body: reqwest::Body| bearer(proxy.client.post(format!("{}/openai/v1/files", proxy.url))).body(body);
    assert_eq!(Answer::of(ask(vec![0; 1 << 20].into())).await.status, 200);
    let answer = Answer::of(ask(vec![0; (1 << 20) + 1].into())).await;
    assert_eq!(answer.openai_error().0, 413);
}

#[tokio::test]
async fn sessions_over_websockets_are_refused_clearly() {
    let proxy = relay("http://127.0.0.1:9").await;
    let request = bearer(proxy.get("/openai/v1/realtime")).header("connection", "upgrade");
    let answer = Answer::of(request.header("upgrade", "websocket")).await;
    assert_eq!(answer.openai_error(), (400, "invalid_request_error".into(), "upgrade_not_supported".into()));
}

#[tokio::test]
async fn answers_that_pass_have_their_price() {
    let upstream = ScriptedUpstream::start().await;
    let budget =
        "router_settings: {provider_budget_config: {openai: {budget_limit: 0.00001, time_period: 1d}}}\n";
    let proxy = setup(&upstream.url(), budget).start().await;
    let usage = json!({"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18});
    let answer = json!({"id": "x", "object": "chat.completion", "model": "gpt-4o-mini", "choices": [], "usage": usage});
    upstream.script([Scripted::json(answer.clone())]);
    let whole = Answer::of(bearer(proxy.post("/openai/v1/chat/completions", &json!({"x": 1})))).await;
    assert_eq!(whole.header("x-litellm-response-cost"), Some("0.00000585"), "{}", whole.text);
    assert_eq!(whole.text, answer.to_string(), "not a byte is changed");

    let gemini = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":100,"totalTokenCount":1100}}"#;
    let json = Scripted::body(gemini).with_header("content-type", "application/json");
    upstream.script([json]);
    let path = "/gemini/v1beta/models/gemini-2.5-flash:generateContent";
    let named = Answer::of(bearer(proxy.post(path, &json!({})))).await;
    assert_eq!(named.header("x-litellm-response-cost"), Some("0.00055"), "the path names the model");

    let events = format!(
        "data: {}\n\ndata: [DONE]\n\n",
        json!({"model": "gpt-4o-mini", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage})
    );
    upstream.script([Scripted::sse([events])]);
    let request = bearer(proxy.post("/openai/v1/chat/completions", &json!({"x": 1})));
    let streamed = Answer::of(request.header("x-litellm-call-id", "priced-stream")).await;
    assert_eq!(streamed.header("x-litellm-response-cost"), None, "it is not known beforehand");
    let log = proxy.wait_for_log("priced-stream").await;
    assert!(
        log.lines().any(|line| line.contains("priced-stream") && line.contains("cost=0.00000585")),
        "{log}"
    );

    let spent = Answer::of(bearer(proxy.post("/openai/v1/chat/completions", &json!({"x": 1})))).await;
    assert_eq!(spent.openai_error().2, "budget_exceeded", "what passed is spent");
}

/// The bytes of a long answer are not held, and so its price is known at its end only.
#[tokio::test]
async fn an_answer_too_long_to_wait_for_passes_as_it_comes() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = relay(&upstream.url()).await;
    let long = json!({
        "object": "list", "model": "text-embedding-3-small", "data": [{"embedding": "a".repeat(3 << 20)}],
        "usage": {"prompt_tokens": 11, "total_tokens": 11},
    });
    let text = long.to_string();
    upstream.script([Scripted::json(long)]);
    let request = bearer(proxy.post("/openai/v1/embeddings", &json!({"x": 1})));
    let answer = Answer::of(request.header("x-litellm-call-id", "long-answer")).await;
    assert!(answer.text == text && answer.header("x-litellm-response-cost").is_none());
    let log = proxy.wait_for_log("long-answer").await;
    assert!(
        log.lines().any(|line| line.contains("long-answer") && line.contains("cost=0.00000022")),
        "{log}"
    );
}

#[tokio::test]
async fn clouds_and_cohere_are_reached_with_their_own_addresses_and_keys() {
    let upstream = ScriptedUpstream::answering([Scripted::body("ok")]).await;
    let url = upstream.url();
    let deployment = |params: &str| format!("  - {{model_name: m, litellm_params: {{{params}}}}}\n");
    let config = format!(
        "general_settings: {{master_key: {KEY}}}\nmodel_list:\n{}{}{}{}",
        deployment(&format!(
            "model: azure/gpt, api_base: '{url}', api_key: sk-azure, api_version: 2024-10-21"
        )),
        deployment(&format!("model: azure_ai/claude-x, api_base: '{url}/models', api_key: sk-foundry")),
        deployment(&format!("model: cohere/command-a, api_base: '{url}', api_key: sk-cohere")),
        deployment(&format!(
            "model: vertex_ai/g, api_base: '{url}', vertex_project: p, vertex_location: eu, extra_headers: {{authorization: Bearer tok}}"
        )),
    );
    let proxy = Setup::config(config).start().await;
    for (path, expected, header, key) in [
        (
            "/azure/openai/deployments/gpt/chat/completions",
            "/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
            "api-key",
            "sk-azure",
        ),
        ("/azure/openai/models?api-version=x", "/openai/models?api-version=x", "api-key", "sk-azure"),
        ("/azure/openai/v1/files", "/openai/v1/files", "api-key", "sk-azure"),
        (
            "/azure_ai/models/chat/completions",
            "/models/chat/completions?api-version=2024-05-01-preview",
            "api-key",
            "sk-foundry",
        ),
        ("/azure_ai/anthropic/v1/messages", "/anthropic/v1/messages", "x-api-key", "sk-foundry"),
        ("/azure_ai/providers/mistral/azure/ocr", "/providers/mistral/azure/ocr", "api-key", "sk-foundry"),
        ("/cohere/v2/chat", "/v2/chat", "authorization", "Bearer sk-cohere"),
        (
            "/vertex_ai/publishers/google/models/g:generateContent",
            "/v1beta1/projects/p/locations/eu/publishers/google/models/g:generateContent",
            "authorization",
            "Bearer tok",
        ),
        (
            "/vertex-ai/v1/projects/q/locations/us/endpoints",
            "/v1/projects/q/locations/us/endpoints",
            "authorization",
            "Bearer tok",
        ),
    ] {
        let answer = Answer::of(bearer(proxy.post(path, &json!({})))).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "ok"), "{path}");
        let sent = upstream.requests().pop().unwrap();
        assert_eq!((sent.path.as_str(), sent.headers[header].to_str().unwrap()), (expected, key), "{path}");
        assert!(!format!("{:?}", sent.headers).contains(KEY), "{path}");
    }
}
