//! Models that are added, changed and removed while the proxy serves.

use llmux_testkit::{Gate, ScriptedUpstream, answers};
use serde_json::{Value, json};

use crate::proxy::{Answer, Proxy, Setup, chat, streamed};

const KEY: &str = "sk-operator";

const CONFIG: &str = "model_list:
  - {model_name: fixed, litellm_params: {model: llmux/echo}, model_info: {id: fixed-1}}
credential_list:
  - {credential_name: up, credential_values: {api_key: sk-shared}}
general_settings: {master_key: sk-operator}
router_settings: {num_retries: 0}
";

async fn start() -> Proxy {
    Setup::config(CONFIG).env("PROVIDER_KEY", "sk-from-environment").start().await
}

async fn manage(proxy: &Proxy, path: &str, body: Value) -> Answer {
    Answer::of(proxy.post(path, &body).bearer_auth(KEY)).await
}

async fn patch(proxy: &Proxy, id: &str, body: Value) -> Answer {
    let url = format!("{}/model/{id}/update", proxy.url);
    Answer::of(proxy.client.patch(url).bearer_auth(KEY).json(&body)).await
}

async fn ask(proxy: &Proxy, model: &str) -> Answer {
    Answer::of(proxy.post("/v1/chat/completions", &chat(model)).bearer_auth(KEY)).await
}

async fn info(proxy: &Proxy, query: &str) -> Value {
    Answer::of(proxy.get(&format!("/model/info{query}")).bearer_auth(KEY)).await.json()
}

fn echo(name: &str, id: &str, says: &str) -> Value {
    json!({
        "model_name": name,
        "litellm_params": {"model": "llmux/echo", "mock_response": says},
        "model_info": {"id": id},
    })
}

fn said(answer: &Answer) -> String {
    answer.json()["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_model_is_added_changed_and_removed_while_others_serve() {
    let proxy = start().await;
    assert_eq!(ask(&proxy, "new").await.status, 404);
    let added = manage(&proxy, "/model/new", echo("new", "new-1", "one")).await;
    assert_eq!(added.status, 200, "{}", added.text);
    let row = added.json();
    assert_eq!((&row["model_id"], &row["model_name"]), (&json!("new-1"), &json!("new")));
    assert_eq!(row["model_info"]["db_model"], true);
    assert!(row["created_at"].is_string() && row["created_by"] == "default_user_id", "{row}");
    assert_eq!(said(&ask(&proxy, "new").await), "one");

    let change = json!({"litellm_params": {"mock_response": "two"}, "model_info": {"id": "new-1"}});
    assert_eq!(manage(&proxy, "/model/update", change).await.status, 200);
    assert_eq!(said(&ask(&proxy, "new").await), "two");
    let patched = patch(&proxy, "new-1", json!({"model_name": "newer"})).await;
    assert_eq!(patched.json()["model_name"], "newer", "{}", patched.text);
    assert_eq!(
        (ask(&proxy, "new").await.status, said(&ask(&proxy, "newer").await)),
        (404.try_into().unwrap(), "two".into())
    );

    let deleted = manage(&proxy, "/model/delete", json!({"id": "new-1"})).await;
    assert_eq!(deleted.json()["message"], "Model: new-1 deleted successfully");
    assert_eq!(ask(&proxy, "newer").await.status, 404);
    assert_eq!(ask(&proxy, "fixed").await.status, 200);
}

#[tokio::test]
async fn only_the_master_key_changes_models_and_without_one_nobody_does() {
    let proxy = start().await;
    let refused = Answer::of(proxy.post("/model/new", &echo("a", "a", "a"))).await;
    assert_eq!(refused.openai_error().0, 401);
    let open = Setup::config("model_list: []").start().await;
    let refused = Answer::of(open.post("/model/new", &echo("a", "a", "a"))).await;
    assert_eq!(refused.status, 403);
    assert!(refused.message().contains("master_key"));
    let wrong = Answer::of(proxy.get("/model/new").bearer_auth(KEY)).await;
    assert_eq!((wrong.status, wrong.header("allow")), (405.try_into().unwrap(), Some("POST")));
}

#[tokio::test]
async fn what_is_wrong_is_told_by_name_and_what_runs_goes_on() {
    let proxy = start().await;
    manage(&proxy, "/model/new", echo("kept", "kept-1", "kept")).await;
    let params = |params: Value| json!({"model_name": "m", "litellm_params": params});
    for (path, body, status, word) in [
        ("/model/new", json!([]), 400, "JSON object"),
        ("/model/new", json!({"litellm_params": {"model": "llmux/echo"}}), 400, "model_name"),
        ("/model/new", json!({"model_name": "m"}), 400, "litellm_params"),
        ("/model/new", params(json!({})), 400, "model"),
        ("/model/new", params(json!({"model": "opnai/x", "api_key": "sk-hidden-secret"})), 400, "openai"),
        ("/model/new", params(json!({"model": "llmux/echo", "rpm": -1})), 400, "litellm_params.rpm"),
        ("/model/new", params(json!({"model": "llmux/echo", "weight": -1})), 400, "litellm_params.weight"),
        ("/model/new", params(json!({"model": "llmux/echo", "tag_regex": ["("]})), 400, "tag_regex"),
        ("/model/new", params(json!({"model": "openai/*"})), 400, "litellm_params.model"),
        (
            "/model/new",
            params(json!({"model": "openai/x", "litellm_credential_name": "pu"})),
            400,
            "did you mean `up`",
        ),
        ("/model/new", echo("m", "fixed-1", ""), 409, "fixed-1"),
        ("/model/new", echo("m", "kept-1", ""), 409, "kept-1"),
        ("/model/update", json!({"litellm_params": {}}), 400, "model_info.id"),
        ("/model/update", json!({"model_info": {"id": "none"}}), 404, "none"),
        ("/model/update", json!({"model_info": {"id": "fixed-1"}}), 400, "Can't edit model"),
        (
            "/model/update",
            json!({"model_info": {"id": "kept-1"}, "litellm_params": {"timeout": "soon"}}),
            400,
            "timeout",
        ),
        ("/model/delete", json!({"id": "none"}), 404, "none"),
        ("/model/delete", json!({"id": "fixed-1"}), 400, "in config"),
        ("/model/delete", json!({}), 400, "id"),
        ("/model/block", json!({"model_id": "none"}), 404, "none"),
    ] {
        let refused = manage(&proxy, path, body.clone()).await;
        assert_eq!(refused.status, status, "{path} {body}: {}", refused.text);
        assert!(refused.message().contains(word), "{path} {body}: {}", refused.text);
        assert!(!refused.text.contains("hidden"), "{}", refused.text);
    }
    assert_eq!(patch(&proxy, "kept-1", json!({"model_info": {"id": "other"}})).await.status, 400);
    assert_eq!(said(&ask(&proxy, "kept").await), "kept");
    assert_eq!(info(&proxy, "").await["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_reload_keeps_what_was_added_and_the_file_wins_over_it() {
    let proxy = start().await;
    manage(&proxy, "/model/new", echo("new", "new-1", "added")).await;
    proxy.write("config.yaml", format!("{CONFIG}server: {{drain_delay: 0s}}\n"));
    proxy.wait_for_log("configuration reloaded").await;
    assert_eq!(said(&ask(&proxy, "new").await), "added");
    let own = "  - {model_name: new, litellm_params: {model: llmux/echo, mock_response: written}, model_info: {id: new-1}}\ncredential_list:";
    proxy.write("config.yaml", CONFIG.replace("credential_list:", own));
    proxy.wait_for_log("gives way to the configuration").await;
    assert_eq!(said(&ask(&proxy, "new").await), "written");
}

#[tokio::test]
async fn requests_that_run_end_well_and_counters_survive_a_change() {
    let upstream = ScriptedUpstream::start().await;
    let gate = Gate::new();
    upstream.script([answers::openai_stream(&["before", "after"]).hold_after(2, &gate)]);
    let proxy = start().await;
    let base = format!("{}/v1", upstream.url());
    let params =
        json!({"model": "openai/up", "api_key": "os.environ/PROVIDER_KEY", "api_base": base, "rpm": 1});
    let body = json!({"model_name": "new", "litellm_params": params, "model_info": {"id": "new-1"}});
    let added = manage(&proxy, "/model/new", body).await;
    assert!(added.status == 200 && !added.text.contains("sk-from-environment"), "{}", added.text);
    let request = proxy.post("/v1/chat/completions", &streamed("new")).bearer_auth(KEY);
    let mut running = request.send().await.unwrap();
    assert!(running.chunk().await.unwrap().is_some());

    let change = json!({"litellm_params": {"tpm": 1_000}, "model_info": {"id": "new-1"}});
    assert_eq!(manage(&proxy, "/model/update", change).await.status, 200);
    let explain = proxy.post("/router/explain", &chat("new")).bearer_auth(KEY);
    let explained = Answer::of(explain).await.json();
    assert_eq!(explained["deployments"][0]["in_flight"], 1, "{explained}");
    assert_eq!(manage(&proxy, "/model/delete", json!({"id": "new-1"})).await.status, 200);
    assert_eq!(ask(&proxy, "new").await.status, 404);
    gate.open();
    let rest = Answer::read(running).await;
    assert!(rest.said().contains("after") && rest.events().last() == Some(&"[DONE]"), "{}", rest.text);
    let sent = upstream.requests();
    assert_eq!(sent[0].header("authorization"), Some("Bearer sk-from-environment"));
}

#[tokio::test]
async fn any_model_can_be_paused_and_goes_on_where_it_was() {
    let proxy = start().await;
    manage(&proxy, "/model/new", echo("new", "new-1", "here")).await;
    for (name, id) in [("new", "new-1"), ("fixed", "fixed-1")] {
        let blocked = manage(&proxy, "/model/block", json!({"model_id": id})).await;
        assert_eq!(blocked.json()["blocked"], true, "{}", blocked.text);
        assert_eq!(ask(&proxy, name).await.status, 503);
        let told = info(&proxy, &format!("?litellm_model_id={id}")).await;
        assert_eq!(told["data"][0]["model_info"]["blocked"], true, "{told}");
        assert_eq!(manage(&proxy, "/model/unblock", json!({"model_id": id})).await.json()["blocked"], false);
        assert_eq!(ask(&proxy, name).await.status, 200);
    }
}

#[tokio::test]
async fn models_are_listed_by_pages_and_found_by_name_and_id() {
    let proxy = start().await;
    for number in 0..5 {
        manage(&proxy, "/model/new", echo(&format!("Extra-{number}"), &format!("x-{number}"), "")).await;
    }
    let page = async |query: &str| {
        Answer::of(proxy.get(&format!("/v2/model/info?{query}")).bearer_auth(KEY)).await.json()
    };
    let all = page("size=4&page=2").await;
    assert_eq!(
        (&all["total_count"], &all["total_pages"], &all["current_page"]),
        (&json!(6), &json!(2), &json!(2))
    );
    assert_eq!(all["data"].as_array().unwrap().len(), 2);
    let found = page("search=extra&sortBy=model_name&sortOrder=desc&size=1").await;
    assert_eq!((&found["total_count"], &found["data"][0]["model_name"]), (&json!(5), &json!("Extra-4")));
    assert_eq!(page("modelId=x-3").await["data"][0]["model_name"], "Extra-3");
    assert_eq!(page("model=fixed").await["total_count"], 1);
    for wrong in ["page=0", "size=many", "sortBy=luck", "sortOrder=up"] {
        assert_eq!(
            Answer::of(proxy.get(&format!("/v2/model/info?{wrong}")).bearer_auth(KEY)).await.status,
            400
        );
    }
}
