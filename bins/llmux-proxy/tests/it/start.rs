//! Starting without a configuration, and refusing to start.

use std::{io::ErrorKind, net::TcpListener};

use llmux_testkit::{ScriptedUpstream, answers};
use tokio::process::Command;

use crate::proxy::{Answer, Setup, chat, message, streamed};

#[tokio::test]
async fn without_configuration_the_echo_model_answers_a_streamed_chat_on_loopback() {
    let proxy = Setup::default().start().await;
    assert!(proxy.url.starts_with("http://127.0.0.1:"), "{}", proxy.url);
    let answer = Answer::of(proxy.post("/v1/chat/completions", &streamed("llmux/echo"))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.events().last(), Some(&"[DONE]"));
    assert!(answer.said().contains("Hello"), "{}", answer.text);
    let answer = Answer::of(proxy.post("/v1/messages", &message("llmux/echo"))).await;
    assert_eq!(answer.json()["type"], "message");
}

/// Readiness waits for no database and no provider, and neither does a request: the providers hear nothing at all, and
/// the database, which never says a word, not before there is spend to be handed over.
#[tokio::test]
async fn pain_03_the_first_request_is_answered_before_anything_outside_was_spoken_to() {
    let (provider, database) = (outside(), outside());
    let config = format!(
        "model_list:
  - model_name: model
    litellm_params: {{model: openai/m, api_key: k, api_base: 'http://{0}/v1'}}
  - model_name: claude
    litellm_params: {{model: anthropic/c, api_key: k, api_base: 'http://{0}'}}
  - model_name: here
    litellm_params: {{model: llmux/echo}}
general_settings: {{database_url: 'postgres://user:password@{1}/db', master_key: sk-of-my-own}}
",
        provider.local_addr().unwrap(),
        database.local_addr().unwrap(),
    );
    let proxy = Setup::config(config).start().await;
    let get = async |path: &str| Answer::of(proxy.get(path).bearer_auth("sk-of-my-own")).await;
    assert_eq!(get("/health/readiness").await.status, 200);
    assert_eq!(get("/v1/models").await.status, 200);
    assert!(nobody_called(&database));
    let chat = proxy.post("/v1/chat/completions", &chat("here")).bearer_auth("sk-of-my-own");
    assert_eq!(Answer::of(chat).await.status, 200);
    assert!(nobody_called(&provider));
}

/// Somebody outside who listens and never answers.
fn outside() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

fn nobody_called(listener: &TcpListener) -> bool {
    listener.accept().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

#[tokio::test]
async fn a_providers_key_in_the_environment_gives_all_its_models() {
    let upstream = ScriptedUpstream::answering([answers::openai_chat("from above")]).await;
    let proxy = Setup::default()
        .env("OPENAI_API_KEY", "sk-from-env")
        .env("OPENAI_BASE_URL", format!("{}/v1", upstream.url()))
        .start()
        .await;
    assert!(proxy.greeting().await.contains("openai/*"));
    let answer = proxy.chat("openai/gpt-any").await;
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "from above");
    let asked = &upstream.requests()[0];
    assert_eq!(asked.path, "/v1/chat/completions");
    assert_eq!(asked.json()["model"], "gpt-any");
    assert_eq!(asked.header("authorization"), Some("Bearer sk-from-env"));
}

#[tokio::test]
async fn the_line_of_the_greeting_works_as_it_is_printed() {
    if Command::new("curl").arg("--version").output().await.is_err() {
        return;
    }
    let proxy = Setup::default().start().await;
    let greeting = proxy.greeting().await;
    let line = greeting.split("try it:\n").nth(1).unwrap();
    let output = Command::new("sh").args(["-c", line]).output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("data: ") && said.ends_with("data: [DONE]\n\n"), "{said}");
}

#[tokio::test]
async fn other_machines_are_not_served_without_a_key() {
    let refused = Setup::default().arg("--host").arg("0.0.0.0").run().await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.err.contains("master_key") && refused.err.contains("0.0.0.0"), "{}", refused.err);
    assert!(refused.out.is_empty(), "{}", refused.out);
}

#[tokio::test]
async fn other_machines_are_not_served_with_the_key_of_every_example() {
    let config = "general_settings: {master_key: sk-1234}\n";
    let refused = Setup::config(config).arg("--host").arg("0.0.0.0").run().await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.err.contains("example") && !refused.err.contains("sk-1234"), "{}", refused.err);
}

#[tokio::test]
async fn other_machines_are_served_without_a_key_when_that_is_wanted() {
    for setup in [
        Setup::default().arg("--host").arg("0.0.0.0").arg("--allow-unauthenticated"),
        Setup::default().env("HOST", "0.0.0.0").env("LLMUX_ALLOW_UNAUTHENTICATED", "true"),
        Setup::config(
            "model_list: [{model_name: a, litellm_params: {model: llmux/echo}}]\ngeneral_settings: {allow_unauthenticated: true}\nserver: {host: 0.0.0.0}\n",
        ),
    ] {
        let proxy = setup.start().await;
        assert!(proxy.url.starts_with("http://0.0.0.0:"), "{}", proxy.url);
        assert!(proxy.greeting().await.contains("no key is asked for"));
    }
}

#[tokio::test]
async fn a_port_in_use_ends_the_start_with_the_reason() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let refused = Setup::default().port(port).run().await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.err.contains(&port.to_string()) && refused.err.contains("in use"), "{}", refused.err);
}

#[tokio::test]
async fn flags_of_litellm_that_mean_nothing_here_are_accepted() {
    let proxy = Setup::default().arg("--num_workers").arg("1").arg("--telemetry").arg("False").start().await;
    proxy.wait_for_log("mean nothing here").await;
}
