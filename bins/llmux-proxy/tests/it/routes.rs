//! What is served where.

use llmux_testkit::{ScriptedUpstream, answers};
use reqwest::Method;
use serde_json::{Value, json};

use crate::proxy::{Answer, Proxy, Setup, chat, message};

const MODELS: &str = "model_list:
  - {model_name: echo, litellm_params: {model: llmux/echo}}
  - {model_name: org/echo, litellm_params: {model: llmux/echo}}
router_settings: {model_group_alias: {other: echo}}
";

async fn echo() -> Proxy {
    Setup::config(MODELS).start().await
}

#[tokio::test]
async fn every_operation_is_served_with_and_without_the_version() {
    let proxy = echo().await;
    let embed = json!({"model": "echo", "input": "a"});
    let complete = json!({"model": "echo", "prompt": "a"});
    for (path, body, object) in [
        ("/chat/completions", chat("echo"), ("object", "chat.completion")),
        ("/completions", complete, ("object", "text_completion")),
        ("/embeddings", embed, ("object", "list")),
        ("/messages", message("echo"), ("type", "message")),
    ] {
        for prefix in ["", "/v1"] {
            let answer = Answer::of(proxy.post(&format!("{prefix}{path}"), &body)).await;
            assert_eq!(answer.status, 200, "{prefix}{path}: {}", answer.text);
            assert_eq!(answer.json()[object.0], object.1);
            assert_eq!(answer.header("content-type"), Some("application/json"));
        }
    }
    for path in ["/v1/messages/count_tokens", "/messages/count_tokens"] {
        let answer = Answer::of(proxy.post(path, &message("echo"))).await;
        assert!(answer.json()["input_tokens"].is_u64(), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_model_in_the_path_is_enough_and_beats_the_body() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("hi")]).await;
    let proxy = Proxy::openai(&upstream.url()).await;
    let mut nameless = chat("model");
    nameless.as_object_mut().unwrap().remove("model");
    let paths = ["/engines/model", "/openai/deployments/model", "/v1/engines/model"];
    for (count, prefix) in paths.into_iter().enumerate() {
        for body in [&nameless, &chat("something-else")] {
            let path = format!("{prefix}/chat/completions?api-version=2025-01-01");
            let answer = Answer::of(proxy.post(&path, body)).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        }
        let asked = upstream.requests();
        assert!(asked.iter().skip(count * 2).all(|asked| asked.json()["model"] == "gpt-up"));
    }
    let proxy = echo().await;
    for path in ["/engines/org/echo/chat/completions", "/openai/deployments/org%2Fecho/chat/completions"] {
        assert_eq!(Answer::of(proxy.post(path, &nameless)).await.status, 200, "{path}");
    }
    let embed = json!({"input": "a"});
    assert_eq!(Answer::of(proxy.post("/openai/deployments/echo/embeddings", &embed)).await.status, 200);
}

#[tokio::test]
async fn googles_clients_get_the_models_in_googles_shape_under_either_version() {
    let proxy = Setup::default().start().await;
    let list = Answer::of(proxy.get("/v1beta/models?pageSize=50")).await.json();
    assert_eq!(list["models"][0]["name"], "models/llmux/echo");
    let by_header = proxy.get("/v1/models").header("x-goog-api-client", "google-genai-sdk");
    assert_eq!(Answer::of(by_header).await.json(), list);
    let one = Answer::of(proxy.get("/v1beta/models/llmux/echo")).await.json();
    assert_eq!(one, list["models"][0]);
}

#[tokio::test]
async fn models_are_listed_in_both_dialects() {
    let proxy = echo().await;
    for path in ["/v1/models", "/models"] {
        let list = Answer::of(proxy.get(path)).await.json();
        let names: Vec<_> =
            list["data"].as_array().unwrap().iter().map(|model| model["id"].clone()).collect();
        assert_eq!(list["object"], "list");
        assert_eq!(names, ["echo", "org/echo", "other"]);
        assert!(list["data"][0]["created"].is_u64() && list["data"][0]["object"] == "model");
        let list = Answer::of(proxy.get(path).header("anthropic-version", "2023-06-01")).await.json();
        assert_eq!((&list["first_id"], &list["has_more"]), (&json!("echo"), &json!(false)));
        assert_eq!(list["data"][1]["type"], "model");
    }
}

#[tokio::test]
async fn one_model_is_shown_by_a_name_that_may_hold_slashes() {
    let proxy = echo().await;
    for (path, id) in
        [("/v1/models/echo", "echo"), ("/models/org/echo", "org/echo"), ("/v1/models/org%2Fecho", "org/echo")]
    {
        assert_eq!(Answer::of(proxy.get(path)).await.json()["id"], id);
    }
    let missing = Answer::of(proxy.get("/v1/models/ecko")).await;
    assert_eq!(missing.openai_error(), (404, "not_found_error".into(), "model_not_found".into()));
    assert!(missing.message().contains("echo"), "{}", missing.text);
}

#[tokio::test]
async fn health_endpoints_and_the_front_page_answer() {
    let proxy = echo().await;
    for path in ["/health/liveliness", "/health/liveness"] {
        assert_eq!(Answer::of(proxy.get(path)).await.json(), json!("I'm alive!"));
    }
    assert_eq!(Answer::of(proxy.get("/health/readiness")).await.json()["status"], "healthy");
    let page = Answer::of(proxy.get("/")).await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text.contains("LLMux") && page.text.contains("/v1/messages"), "{}", page.text);
}

#[tokio::test]
async fn an_unknown_path_and_a_wrong_method_say_so_in_both_dialects() {
    let proxy = echo().await;
    let unknown = Answer::of(proxy.get("/v1/nothing")).await;
    assert_eq!(unknown.openai_error(), (404, "not_found_error".into(), "unknown_url".into()));
    let wrong = Answer::of(proxy.get("/v1/chat/completions")).await;
    assert_eq!(wrong.openai_error(), (405, "invalid_request_error".into(), "405".into()));
    assert_eq!(wrong.header("allow"), Some("POST"));
    let wrong = Answer::of(proxy.client.delete(format!("{}/v1/models", proxy.url))).await;
    assert_eq!((wrong.status.as_u16(), wrong.header("allow")), (405, Some("GET")));
    let version = ("anthropic-version", "2023-06-01");
    let unknown = Answer::of(proxy.get("/v1/nothing").header(version.0, version.1)).await;
    assert_eq!(unknown.anthropic_error(), (404, "not_found_error".into()));
    let wrong = Answer::of(proxy.get("/v1/messages").header(version.0, version.1)).await;
    assert_eq!(wrong.anthropic_error(), (405, "invalid_request_error".into()));
}

#[tokio::test]
async fn head_gives_the_headers_of_get_without_a_body() {
    let proxy = echo().await;
    for path in ["/", "/v1/models", "/health/readiness"] {
        let get = Answer::of(proxy.get(path)).await;
        let head = Answer::of(proxy.client.head(format!("{}{path}", proxy.url))).await;
        assert_eq!((head.status, head.text.as_str()), (get.status, ""));
        assert_eq!(head.header("content-length"), get.header("content-length"));
        assert_eq!(head.header("content-type"), get.header("content-type"));
    }
}

fn preflight(proxy: &Proxy, origin: &str) -> reqwest::RequestBuilder {
    proxy
        .client
        .request(Method::OPTIONS, format!("{}/v1/chat/completions", proxy.url))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type")
}

#[tokio::test]
async fn pages_may_call_when_they_need_a_key_and_not_otherwise() {
    let guarded = Setup::default().env("LLMUX_MASTER_KEY", "sk-master").start().await;
    let allowed = Answer::of(preflight(&guarded, "https://app.example")).await;
    assert_eq!(allowed.status, 204);
    assert_eq!(allowed.header("access-control-allow-origin"), Some("*"));
    assert!(allowed.header("access-control-allow-methods").unwrap().contains("POST"));
    assert_eq!(allowed.header("access-control-allow-headers"), Some("authorization,content-type"));
    let refused = Answer::of(guarded.get("/v1/models").header("origin", "https://app.example")).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"), "scripts must see why");

    let open = echo().await;
    let refused = Answer::of(preflight(&open, "https://app.example")).await;
    assert_eq!(refused.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn listed_origins_may_call_and_caches_are_told_that_it_depends() {
    let cors =
        "server: {cors: {allow_origins: ['https://app.example/'], allow_credentials: true, max_age: 10m}}\n";
    let proxy = Setup::config(format!("{MODELS}{cors}")).start().await;
    let allowed = Answer::of(preflight(&proxy, "https://app.example")).await;
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(allowed.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(allowed.header("access-control-max-age"), Some("600"));
    let refused = Answer::of(preflight(&proxy, "https://evil.example")).await;
    assert_eq!(refused.header("access-control-allow-origin"), None);
    let answer = Answer::of(proxy.get("/v1/models").header("origin", "https://app.example")).await;
    assert!(answer.header("access-control-expose-headers").unwrap().contains("x-litellm-call-id"));
    let answer = Answer::of(proxy.get("/v1/models")).await;
    assert_eq!(answer.header("vary"), Some("origin"), "without an origin too");
}

#[tokio::test]
async fn a_deployment_is_reached_by_its_own_id() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("hi")]).await;
    let proxy = Proxy::openai(&upstream.url()).await;
    assert_eq!(proxy.chat("first").await.json()["choices"][0]["message"]["content"], "hi");
    let body: Value = upstream.requests()[0].json();
    assert_eq!(body["model"], "gpt-up");
}

#[tokio::test]
async fn a_google_client_chats_counts_and_streams_in_both_framings() {
    let proxy = echo().await;
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "hello there"}]}]});
    for prefix in ["/v1beta", "/v1", ""] {
        let answer =
            Answer::of(proxy.post(&format!("{prefix}/models/org/echo:generateContent"), &body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let candidate = &answer.json()["candidates"][0];
        assert!(candidate["content"]["parts"][0]["text"].as_str().unwrap().contains("hello there"));
        assert_eq!(candidate["finishReason"], "STOP");
    }
    let count = Answer::of(proxy.post("/v1beta/models/echo:countTokens", &body)).await;
    assert!(count.json()["totalTokens"].is_u64(), "{}", count.text);

    let events = Answer::of(proxy.post("/v1beta/models/echo:streamGenerateContent?alt=sse", &body)).await;
    assert_eq!(events.header("content-type"), Some("text/event-stream"));
    let items: Vec<Value> = events
        .text
        .lines()
        .filter_map(|line| Some(serde_json::from_str(line.strip_prefix("data: ")?).unwrap()))
        .collect();
    assert_eq!(items.last().unwrap()["candidates"][0]["finishReason"], "STOP");
    let array = Answer::of(proxy.post("/v1beta/models/echo:streamGenerateContent", &body)).await;
    assert_eq!(array.header("content-type"), Some("application/json"));
    assert_eq!(array.json().as_array().unwrap().len(), items.len());

    let refused = Answer::of(proxy.post("/v1beta/models/nobody:generateContent", &body)).await;
    assert_eq!(refused.status, 404);
    assert_eq!(refused.json()["error"]["status"], "NOT_FOUND");
}
