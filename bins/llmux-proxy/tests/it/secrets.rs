//! Secrets are planted everywhere and must turn up nowhere.

use llmux_testkit::{Answer as Scripted, ScriptedUpstream, answers};

use crate::proxy::{Answer, Setup, chat, message, streamed};

const MASTER: &str = "sk-canary-master-0123456789";
const PROVIDER: &str = "sk-canary-provider-0123456789";

fn config(upstream: &ScriptedUpstream) -> String {
    let url = upstream.url();
    format!(
        "model_list:
  - model_name: model
    litellm_params:
      model: openai/m
      api_key: {PROVIDER}
      api_base: '{url}/v1'
      extra_headers: {{x-tenant: sk-canary-header-0123456789}}
  - model_name: claude
    litellm_params: {{model: anthropic/c, api_key: {PROVIDER}, api_base: '{url}'}}
general_settings: {{master_key: {MASTER}}}
router_settings: {{num_retries: 0, disable_cooldowns: true}}
"
    )
}

/// A provider that repeats what it was sent in its error, as some do.
fn indiscreet(status: u16) -> Scripted {
    answers::openai_error(status, "authentication_error", &format!("Incorrect API key provided: {PROVIDER}."))
}

/// The same in the middle of a stream.
fn begun_then_indiscreet() -> Scripted {
    let begun = answers::openai_stream(&["begun"]);
    let begun = String::from_utf8(begun.bytes().to_vec()).unwrap();
    let frames = begun.split_inclusive("\n\n").take(2).map(str::to_owned);
    let error = format!("data: {{\"error\":{{\"message\":\"bad key {PROVIDER}\",\"code\":500}}}}\n\n");
    Scripted::sse(frames.chain([error]))
}

#[tokio::test]
async fn pain_40_planted_secrets_turn_up_in_no_output_answer_or_header() {
    let upstream = ScriptedUpstream::start().await;
    let proxy = Setup::config(config(&upstream)).arg("--debug").start().await;
    let mut seen = Vec::new();
    for scripted in [
        answers::openai_chat("hi"),
        answers::openai_stream(&["a"]),
        answers::openai_error(401, "authentication_error", "no"),
        indiscreet(401),
        indiscreet(500),
        begun_then_indiscreet(),
        indiscreet(429).with_header("x-refused-key", PROVIDER),
        Scripted::html_error(502),
        Scripted::garbage(),
        Scripted::reset(),
    ] {
        for (path, body) in [
            ("/v1/chat/completions", chat("model")),
            ("/v1/chat/completions", streamed("model")),
            ("/v1/messages", message("model")),
            ("/v1/messages", message("claude")),
            ("/v1/chat/completions", chat("nothing")),
        ] {
            upstream.script([scripted.clone()]);
            let request =
                proxy.post(path, &body).bearer_auth(MASTER).header("cookie", "sk-canary-cookie-0123456789");
            seen.push(Answer::of(request).await);
        }
    }
    for path in ["/v1/models", "/", "/health/readiness", "/nothing"] {
        seen.push(Answer::of(proxy.get(&format!("{path}?key={MASTER}")).header("x-api-key", MASTER)).await);
        seen.push(Answer::of(proxy.get(path).bearer_auth("sk-canary-wrong-0123456789")).await);
    }
    seen.push(proxy.post_text(&format!("/v1/chat/completions?key={MASTER}"), "{\"model\": }").await);
    for answer in &seen {
        assert!(!format!("{answer:?}").contains("canary"), "{answer:?}");
    }
    assert!(seen.iter().any(|answer| answer.text.contains("begun") && answer.text.contains("bad key ***")));
    assert!(seen.iter().any(|answer| answer.status == 401) && seen.iter().any(|answer| answer.status == 200));
    proxy.write(
        "config.yaml",
        format!("{}server: {{port: {PROVIDER}, num_retrys: {PROVIDER}}}\n", config(&upstream)),
    );
    proxy.wait_for_log("num_retrys").await;
    proxy.signal("TERM").await;
    let ended = proxy.ended().await;
    assert!(ended.err.contains("request answered") && ended.err.contains("attempt failed"), "{}", ended.err);
    for line in ended.err.lines().chain(ended.out.lines()) {
        assert!(!line.contains("canary"), "{line}");
    }
}

#[tokio::test]
async fn pain_40_json_logs_are_as_discreet() {
    let upstream = ScriptedUpstream::answering([indiscreet(401)]).await;
    let config = format!("{}logging: {{format: json, level: trace}}\n", config(&upstream));
    let proxy = Setup::config(config).start().await;
    let request = proxy.post("/v1/chat/completions", &chat("model")).bearer_auth(MASTER);
    assert_eq!(Answer::of(request).await.status, 401);
    proxy.signal("TERM").await;
    let ended = proxy.ended().await;
    assert!(ended.err.contains("request not completed"));
    for line in ended.err.lines() {
        assert!(!line.contains("canary"), "{line}");
    }
}
