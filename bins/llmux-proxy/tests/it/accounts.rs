//! A key from its making to its last cent, with the real binary and its embedded database.

use std::{collections::HashMap, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    sync::mpsc::{UnboundedSender, unbounded_channel},
    time::timeout,
};

use crate::proxy::{Answer, Proxy, Setup};

/// A proxy that keeps what it knows in this folder.
async fn start(folder: &TempDir) -> Proxy {
    let models = "model_list:\n  - model_name: m\n    litellm_params: {model: llmux/echo, input_cost_per_token: 0.001, \
                  output_cost_per_token: 0.001}\n";
    serving(folder, models).await
}

/// The same with these models.
async fn serving(folder: &TempDir, models: &str) -> Proxy {
    let config =
        format!("{models}general_settings: {{master_key: sk-operator, database_url: os.environ/PLACE}}\n");
    let url = format!("sqlite://{}", folder.path().join("llmux.db").display());
    let journal = folder.path().join("journal").display().to_string();
    Setup::config(config).env("PLACE", url).env("LLMUX_JOURNAL_DIR", journal).start().await
}

async fn send(proxy: &Proxy, method: Method, key: &str, path: &str, body: &Value) -> Answer {
    let request = proxy.client.request(method, format!("{}{path}", proxy.url)).bearer_auth(key);
    Answer::of(if body.is_null() { request } else { request.json(body) }).await
}

/// A fresh key with these settings.
async fn make(proxy: &Proxy, settings: Value) -> String {
    let made = send(proxy, Method::POST, "sk-operator", "/key/generate", &settings).await;
    assert_eq!(made.status, 200, "{}", made.text);
    made.json()["key"].as_str().unwrap().to_owned()
}

async fn chat(proxy: &Proxy, key: &str) -> Answer {
    let body = json!({"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]});
    send(proxy, Method::POST, key, "/v1/chat/completions", &body).await
}

/// What a key has spent, as the management API tells.
async fn spent(proxy: &Proxy, key: &str) -> f64 {
    let path = format!("/key/info?key={key}");
    let info = send(proxy, Method::GET, "sk-operator", &path, &Value::Null).await;
    assert_eq!(info.status, 200, "{}", info.text);
    info.json()["info"]["spend"].as_f64().unwrap()
}

/// Waits until a key has spent something.
async fn wait_for_spend(proxy: &Proxy, key: &str) -> f64 {
    let look = async {
        loop {
            let spent = spent(proxy, key).await;
            if spent > 0.0 {
                return spent;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), look).await.expect("the spend is recorded")
}

#[tokio::test]
async fn a_key_is_used_past_each_of_its_limits() {
    let folder = TempDir::new().unwrap();
    let proxy = start(&folder).await;
    let limited = make(&proxy, json!({"rpm_limit": 1})).await;
    assert_eq!(chat(&proxy, &limited).await.status, 200);
    assert_eq!(chat(&proxy, &limited).await.status, 429);
    let poor = make(&proxy, json!({"max_budget": 0.06})).await;
    let first = chat(&proxy, &poor).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let mut last = first;
    for _ in 0..60 {
        if last.status != 200 {
            break;
        }
        last = chat(&proxy, &poor).await;
    }
    assert_eq!(last.openai_error(), (422, "budget_exceeded".into(), "422".into()));
    assert!(wait_for_spend(&proxy, &poor).await <= 0.06);
    let blocked = make(&proxy, json!({})).await;
    assert_eq!(chat(&proxy, &blocked).await.status, 200);
    let body = json!({"key": blocked});
    assert_eq!(send(&proxy, Method::POST, "sk-operator", "/key/block", &body).await.status, 200);
    assert_eq!(chat(&proxy, &blocked).await.status, 401, "at once");
}

#[tokio::test]
async fn tags_of_a_key_and_its_team_say_which_deployments_answer() {
    let folder = TempDir::new().unwrap();
    let models = "model_list:
  - {model_name: m, litellm_params: {model: llmux/echo, tags: [default]}, model_info: {id: plain}}
  - {model_name: m, litellm_params: {model: llmux/echo, tags: [paid]}, model_info: {id: paid}}
router_settings: {enable_tag_filtering: true}
";
    let proxy = serving(&folder, models).await;
    let team = json!({"team_id": "red", "tags": ["paid"]});
    assert_eq!(send(&proxy, Method::POST, "sk-operator", "/team/new", &team).await.status, 200);
    for (settings, id) in [
        (json!({}), "plain"),
        (json!({"tags": ["paid"]}), "paid"),
        (json!({"metadata": {"tags": ["paid"]}}), "paid"),
        (json!({"team_id": "red"}), "paid"),
    ] {
        let key = make(&proxy, settings.clone()).await;
        assert_eq!(chat(&proxy, &key).await.header("x-litellm-model-id"), Some(id), "{settings}");
    }
}

#[tokio::test]
async fn spend_survives_a_kill_and_is_counted_once() {
    let folder = TempDir::new().unwrap();
    let proxy = start(&folder).await;
    let key = make(&proxy, json!({})).await;
    assert_eq!(chat(&proxy, &key).await.status, 200);
    let one = wait_for_spend(&proxy, &key).await;
    proxy.signal("KILL").await;
    proxy.ended().await;
    let proxy = start(&folder).await;
    assert_eq!(chat(&proxy, &key).await.status, 200);
    let look = async {
        while spent(&proxy, &key).await < one * 1.5 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), look).await.expect("the spend is recorded");
    let both = spent(&proxy, &key).await;
    assert!(
        (both - 2.0 * one).abs() < 1e-9,
        "what came again from the journal counts once: {both} of twice {one}"
    );
}

#[tokio::test]
async fn what_is_kept_for_one_key_is_not_there_for_another() {
    let folder = TempDir::new().unwrap();
    let proxy = start(&folder).await;
    let team = send(&proxy, Method::POST, "sk-operator", "/team/new", &json!({"team_id": "red"})).await;
    assert_eq!(team.status, 200, "{}", team.text);
    let (mine, ours) =
        (make(&proxy, json!({"team_id": "red"})).await, make(&proxy, json!({"team_id": "red"})).await);
    let theirs = make(&proxy, json!({})).await;
    let asked =
        send(&proxy, Method::POST, &mine, "/v1/responses", &json!({"model": "m", "input": "Hi"})).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let id = asked.json()["id"].as_str().unwrap().to_owned();
    let made = send(&proxy, Method::POST, &mine, "/v1/conversations", &json!({})).await;
    let conversation = made.json()["id"].as_str().unwrap().to_owned();
    let (response, talk) = (format!("/v1/responses/{id}"), format!("/v1/conversations/{conversation}"));
    for (key, status) in [(&mine, 200), (&ours, 200), (&theirs, 404)] {
        for path in [&response, &talk] {
            let read = send(&proxy, Method::GET, key, path, &Value::Null).await;
            assert_eq!(read.status, status, "{path}: {}", read.text);
        }
        let more = json!({"model": "m", "input": "More", "previous_response_id": id, "store": false});
        let continued = send(&proxy, Method::POST, key, "/v1/responses", &more).await;
        assert_eq!(continued.status == 200, status == 200, "{}", continued.text);
    }
    assert_eq!(send(&proxy, Method::DELETE, &theirs, &response, &Value::Null).await.status, 404);
    assert_eq!(send(&proxy, Method::DELETE, &ours, &response, &Value::Null).await.status, 200);
}

/// Asks, whole and streamed in turn, until nobody answers any more, and tells which requests were answered to the end.
async fn ask_on(client: reqwest::Client, url: String, key: String, answered: UnboundedSender<String>) {
    for number in 0_usize.. {
        let body =
            json!({"model": "m", "stream": number % 2 == 1, "messages": [{"role": "user", "content": "Hi"}]});
        let asked = client.post(format!("{url}/v1/chat/completions")).bearer_auth(&key).json(&body);
        let Ok(answer) = asked.send().await else { return };
        assert_eq!(answer.status(), 200);
        let id = answer.headers()["x-litellm-call-id"].to_str().unwrap().to_owned();
        if answer.text().await.is_err() {
            return;
        }
        answered.send(id).unwrap();
    }
}

#[tokio::test]
async fn pain_09_what_was_answered_is_billed_once_however_often_the_process_is_killed() {
    let folder = TempDir::new().unwrap();
    let mut proxy = start(&folder).await;
    let key = make(&proxy, json!({})).await;
    let mut answered = Vec::new();
    for answers in [1, 17, 60] {
        let (told, mut hear) = unbounded_channel();
        let client = || ask_on(proxy.client.clone(), proxy.url.clone(), key.clone(), told.clone());
        let clients: Vec<_> = (0..4).map(|_| tokio::spawn(client())).collect();
        drop(told);
        for _ in 0..answers {
            answered.push(hear.recv().await.unwrap());
        }
        proxy.signal("KILL").await;
        proxy.ended().await;
        while let Some(id) = hear.recv().await {
            answered.push(id);
        }
        for client in clients {
            client.await.unwrap();
        }
        proxy = start(&folder).await;
    }
    let look = async {
        loop {
            let path = format!("/spend/logs?api_key={key}&page_size=1000");
            let logs = send(&proxy, Method::GET, "sk-operator", &path, &Value::Null).await.json();
            let mut rows = HashMap::<String, usize>::new();
            for row in logs.as_array().unwrap() {
                *rows.entry(row["request_id"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            assert!(rows.values().all(|times| *times == 1), "billed twice: {rows:?}");
            let sum: f64 = logs.as_array().unwrap().iter().map(|row| row["spend"].as_f64().unwrap()).sum();
            // The rest of what the journal holds may be on its way.
            let agree = (spent(&proxy, &key).await - sum).abs() < 1e-6;
            if agree && answered.iter().all(|id| rows.contains_key(id)) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), look)
        .await
        .expect("all that was answered is billed, and the totals agree");
}
