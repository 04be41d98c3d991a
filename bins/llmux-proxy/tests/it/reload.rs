//! A new configuration without a restart.

use llmux_testkit::{Gate, ScriptedUpstream, answers};

use crate::proxy::{Answer, Proxy, Setup, streamed};

fn echo(name: &str) -> String {
    format!("model_list: [{{model_name: {name}, litellm_params: {{model: llmux/echo}}}}]\n")
}

fn at(upstream: &ScriptedUpstream, name: &str) -> String {
    let url = upstream.url();
    format!(
        "model_list: [{{model_name: {name}, litellm_params: {{model: openai/m, api_key: k, api_base: '{url}/v1'}}}}]\n"
    )
}

async fn serves(proxy: &Proxy, model: &str) -> bool {
    proxy.chat(model).await.status == 200
}

/// Changes models while a stream runs; `change` makes the proxy notice.
async fn switch(config: &str, change: impl AsyncFnOnce(&Proxy)) {
    let upstream = ScriptedUpstream::start().await;
    let gate = Gate::new();
    upstream.script([answers::openai_stream(&["before", "after"]).hold_after(2, &gate)]);
    let proxy = Setup::config(format!("{}{config}", at(&upstream, "old"))).start().await;
    let mut running = proxy.post("/v1/chat/completions", &streamed("old")).send().await.unwrap();
    assert!(running.chunk().await.unwrap().is_some());
    proxy.write("config.yaml", format!("{}{config}", echo("new")));
    change(&proxy).await;
    proxy.wait_for_log("configuration reloaded").await;
    assert!(serves(&proxy, "new").await && !serves(&proxy, "old").await);
    gate.open();
    let rest = Answer::read(running).await;
    assert!(rest.said().contains("after") && rest.events().last() == Some(&"[DONE]"), "{}", rest.text);
}

#[tokio::test]
async fn sighup_switches_models_without_dropping_a_running_stream() {
    switch("server: {watch: false}\n", async |proxy| proxy.signal("HUP").await).await;
}

#[tokio::test]
async fn a_changed_file_switches_models_without_dropping_a_running_stream() {
    switch("", async |_| {}).await;
}

#[tokio::test]
async fn pain_32_a_bad_file_is_reported_and_the_old_configuration_goes_on_serving() {
    let proxy = Setup::config(echo("old")).start().await;
    for (bad, complaint) in [
        ("model_list: [\n", "config.yaml:"),
        ("server: {port: many}\n", "server.port"),
        ("model_list: [{model_name: a, litellm_params: {model: opnai/x}}]\n", "model_list[0]"),
        ("", "config.yaml"),
    ] {
        proxy.write("config.yaml", bad);
        let log = proxy.wait_for_log(complaint).await;
        assert!(log.contains("has mistakes and is not used"), "{log}");
        assert!(serves(&proxy, "old").await, "{bad}");
    }
    proxy.write("config.yaml", echo("new"));
    proxy.wait_for_log("configuration reloaded").await;
    assert!(serves(&proxy, "new").await && !serves(&proxy, "old").await);
}

#[tokio::test]
async fn a_file_that_goes_away_for_a_while_changes_nothing() {
    let proxy = Setup::config(echo("old")).start().await;
    std::fs::remove_file(proxy.path("config.yaml")).unwrap();
    proxy.wait_for_log("has mistakes and is not used").await;
    assert!(serves(&proxy, "old").await);
    proxy.write("config.yaml", echo("new"));
    proxy.wait_for_log("configuration reloaded").await;
    assert!(serves(&proxy, "new").await);
}

#[tokio::test]
async fn a_change_of_an_included_file_is_noticed() {
    let proxy = Setup::config("include: [models.yaml]\n").file("models.yaml", echo("old")).start().await;
    assert!(serves(&proxy, "old").await);
    proxy.write("models.yaml", echo("new"));
    proxy.wait_for_log("configuration reloaded").await;
    assert!(serves(&proxy, "new").await);
}

#[tokio::test]
async fn a_file_that_is_included_later_is_watched_too_even_if_it_is_bad_at_first() {
    let proxy = Setup::config(echo("first")).start().await;
    proxy.write("more.yaml", "server: {port: many}\n");
    proxy.write("config.yaml", "include: [more.yaml]\n");
    proxy.wait_for_log("server.port").await;
    assert!(serves(&proxy, "first").await);
    proxy.write("more.yaml", echo("second"));
    proxy.wait_for_log("configuration reloaded").await;
    assert!(serves(&proxy, "second").await);
    proxy.write("more.yaml", echo("third"));
    proxy.wait_for_log_times("configuration reloaded", 2).await;
    assert!(serves(&proxy, "third").await);
}

#[tokio::test]
async fn a_new_master_key_counts_from_the_next_request_on() {
    let config = |key| format!("{}general_settings: {{master_key: {key}}}\n", echo("echo"));
    let proxy = Setup::config(config("sk-old-key")).start().await;
    let status = async |key| Answer::of(proxy.get("/v1/models").bearer_auth(key)).await.status.as_u16();
    assert_eq!((status("sk-old-key").await, status("sk-new-key").await), (200, 401));
    proxy.write("config.yaml", config("sk-new-key"));
    proxy.wait_for_log("configuration reloaded").await;
    assert_eq!((status("sk-old-key").await, status("sk-new-key").await), (401, 200));
}

#[tokio::test]
async fn pain_39_a_reload_does_not_open_the_door_to_other_machines() {
    let closed =
        format!("{}general_settings: {{master_key: sk-my-own}}\nserver: {{host: 0.0.0.0}}\n", echo("echo"));
    let proxy = Setup::config(closed).start().await;
    for host in ["0.0.0.0", "127.0.0.1"] {
        proxy.write("config.yaml", format!("{}server: {{host: {host}}}\n", echo("echo")));
        proxy.signal("HUP").await;
    }
    proxy.wait_for_log_times("has mistakes and is not used", 2).await;
    assert_eq!(proxy.chat("echo").await.status, 401);
}
