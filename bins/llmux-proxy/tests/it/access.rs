//! Who may call.

use llmux_testkit::{ScriptedUpstream, answers};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::proxy::{Answer, Proxy, Setup, chat, message, openai_config};

const KEY: &str = "sk-master-canary";

async fn guarded() -> Proxy {
    Setup::config("general_settings: {litellm_key_header_name: X-My-Key}\n")
        .env("LLMUX_MASTER_KEY", KEY)
        .start()
        .await
}

#[tokio::test]
async fn the_master_key_may_come_from_the_environment_under_either_name() {
    for name in ["LLMUX_MASTER_KEY", "LITELLM_MASTER_KEY"] {
        let proxy = Setup::default().env(name, KEY).start().await;
        assert!(proxy.greeting().await.contains("callers need the master key"));
        assert_eq!(proxy.chat("llmux/echo").await.status, 401);
        let request = proxy.post("/v1/chat/completions", &chat("llmux/echo")).bearer_auth(KEY);
        assert_eq!(Answer::of(request).await.status, 200);
    }
}

#[tokio::test]
async fn the_key_is_found_in_every_header_that_an_sdk_uses() {
    let proxy = guarded().await;
    for (name, value) in [
        ("authorization", format!("Bearer {KEY}")),
        ("authorization", format!("bearer {KEY}")),
        ("authorization", KEY.to_owned()),
        ("x-api-key", KEY.to_owned()),
        ("api-key", KEY.to_owned()),
        ("x-litellm-api-key", KEY.to_owned()),
        ("x-litellm-api-key", format!("Bearer {KEY}")),
        ("x-goog-api-key", KEY.to_owned()),
        ("ocp-apim-subscription-key", KEY.to_owned()),
        ("x-my-key", KEY.to_owned()),
    ] {
        let answer = Answer::of(proxy.get("/v1/models").header(name, value)).await;
        assert_eq!(answer.status, 200, "{name}");
    }
    assert_eq!(Answer::of(proxy.get(&format!("/v1/models?key={KEY}"))).await.status, 200);
}

#[tokio::test]
async fn a_request_without_a_key_is_refused_in_its_own_dialect() {
    let proxy = guarded().await;
    let openai = proxy.chat("llmux/echo").await;
    assert_eq!(openai.openai_error(), (401, "authentication_error".into(), "invalid_api_key".into()));
    let anthropic = Answer::of(proxy.post("/v1/messages", &message("llmux/echo"))).await;
    assert_eq!(anthropic.anthropic_error(), (401, "authentication_error".into()));
    let listed = Answer::of(proxy.get("/v1/models").header("anthropic-version", "2023-06-01")).await;
    assert_eq!(listed.anthropic_error(), (401, "authentication_error".into()));
    for answer in [openai, anthropic] {
        assert!(answer.header("x-litellm-call-id").is_some());
    }
}

#[tokio::test]
async fn a_wrong_key_is_neither_repeated_nor_logged() {
    let proxy = Setup::default().env("LLMUX_MASTER_KEY", KEY).arg("--debug").start().await;
    for (name, value) in [("authorization", "Bearer sk-wrong-canary"), ("x-api-key", "sk-wrong-canary")] {
        let request = proxy.post("/v1/chat/completions", &chat("llmux/echo")).header(name, value);
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, 401);
        assert!(!format!("{answer:?}").contains("canary"), "{answer:?}");
    }
    assert_eq!(Answer::of(proxy.get("/v1/models?key=sk-wrong-canary")).await.status, 401);
    proxy.signal("TERM").await;
    let ended = proxy.ended().await;
    assert!(!ended.err.contains("canary") && !ended.out.contains("canary"), "{ended:?}");
}

#[tokio::test]
async fn the_key_is_looked_at_before_the_body() {
    let proxy = guarded().await;
    let answer = proxy.post_text("/v1/chat/completions", "this is no JSON").await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn the_gateways_key_never_reaches_a_provider() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("hi")]).await;
    let proxy = Setup::config(openai_config(&upstream.url())).env("LLMUX_MASTER_KEY", KEY).start().await;
    let request =
        proxy.post("/v1/chat/completions", &chat("model")).bearer_auth(KEY).header("x-api-key", KEY);
    assert_eq!(Answer::of(request).await.status, 200);
    let asked = &upstream.requests()[0];
    assert_eq!(asked.header("authorization"), Some("Bearer sk-up"));
    assert!(!format!("{asked:?}").contains("canary"), "{asked:?}");
}

#[tokio::test]
async fn health_and_the_front_page_need_no_key_and_tell_no_models() {
    let proxy =
        Setup::config("model_list: [{model_name: secret-model, litellm_params: {model: llmux/echo}}]\n")
            .env("LLMUX_MASTER_KEY", KEY)
            .start()
            .await;
    for path in ["/", "/health/liveliness", "/health/readiness"] {
        let answer = Answer::of(proxy.get(path)).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.text.contains("secret-model"), "{path}");
    }
}

/// Sends a request head as it stands and gives the status of the answer.
async fn raw(proxy: &Proxy, target: &str, headers: &str) -> u16 {
    let mut stream = TcpStream::connect(proxy.authority()).await.unwrap();
    let head = format!("GET {target} HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(!answer.contains("\"id\""), "{target} gave models: {answer}");
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Access depends on the route that was found, never on the text of the URL or the Host header.
#[tokio::test]
async fn pain_39_no_trick_with_host_or_path_gets_around_the_key() {
    let proxy = guarded().await;
    for (target, headers) in [
        ("/v1/models", "host: localhost\r\n"),
        ("/v1/models", "host: health/liveliness\r\n"),
        ("/v1/models", "host: a\r\nx-forwarded-host: /health/liveliness\r\n"),
        ("/v1/models", "host: a\r\nx-original-url: /health/liveliness\r\nx-rewrite-url: /\r\n"),
        ("http://localhost/v1/models", "host: localhost\r\n"),
        ("http://localhost/health/liveliness/../../v1/models", "host: localhost\r\n"),
        ("//v1/models", "host: a\r\n"),
        ("/v1//models", "host: a\r\n"),
        ("/v1/models/", "host: a\r\n"),
        ("/v1/models//", "host: a\r\n"),
        ("/V1/MODELS", "host: a\r\n"),
        ("/v1%2fmodels", "host: a\r\n"),
        ("/%76%31/models", "host: a\r\n"),
        ("/health/liveliness/../../v1/models", "host: a\r\n"),
        ("/health/liveliness/%2e%2e/%2e%2e/v1/models", "host: a\r\n"),
        ("/health/liveliness;/v1/models", "host: a\r\n"),
        ("/v1/models?/health/liveliness", "host: a\r\n"),
        ("/v1/models?key=", "host: a\r\n"),
        ("/v1/models/llmux%2Fecho", "host: a\r\n"),
    ] {
        let status = raw(&proxy, target, headers).await;
        assert!([400, 401, 404].contains(&status), "{target} with {headers}: {status}");
    }
}

#[tokio::test]
async fn pain_39_a_key_that_is_empty_or_almost_right_is_wrong() {
    let proxy = guarded().await;
    for key in ["", "Bearer", "Bearer ", "null", "sk-master-canar", "sk-master-canary0", "SK-MASTER-CANARY"] {
        let answer = Answer::of(proxy.get("/v1/models").header("authorization", key)).await;
        assert_eq!(answer.status, 401, "{key}");
    }
}

#[tokio::test]
async fn pain_39_a_model_cannot_be_hidden_behind_an_escaped_name() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("hi")]).await;
    let proxy = Proxy::openai(&upstream.url()).await;
    for body in [
        r#"{"model":"model","mod\u0065l":"other","messages":[]}"#,
        r#"{"model":"model","api\u005fbase":"http://elsewhere","messages":[]}"#,
    ] {
        let answer = proxy.post_text("/v1/chat/completions", body).await;
        assert_eq!(answer.openai_error().0, 400, "{body}");
    }
    let twice = r#"{"model":"nothing","model":"model","messages":[]}"#;
    assert_eq!(proxy.post_text("/v1/chat/completions", twice).await.status, 200);
    assert!(!upstream.requests()[0].body.windows(7).any(|part| part == b"nothing"));
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_key_of_the_configuration_beats_the_environment() {
    let config = "general_settings: {master_key: sk-of-the-file}\n";
    let proxy = Setup::config(config).env("LLMUX_MASTER_KEY", KEY).start().await;
    let status = async |key| Answer::of(proxy.get("/v1/models").bearer_auth(key)).await.status.as_u16();
    assert_eq!((status("sk-of-the-file").await, status(KEY).await), (200, 401));
    assert_eq!(proxy.chat("x").await.json()["error"]["param"], json!(null));
}
