//! What is told of models, and where it comes from.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use llmux_testkit::{Answer as Scripted, ScriptedUpstream};
use serde_json::{Value, json};

use crate::proxy::{Answer, Proxy, Setup, message};

const MODELS: &str = "model_list:
  - model_name: model
    litellm_params: {model: openai/gpt-4o, api_key: sk-planted-secret, api_base: 'https://user:sk-planted-secret@host/v1?key=sk-planted-secret', rpm: 10, input_cost_per_token: 1e-06, extra_headers: {x-secret: sk-planted-secret}, organization: org}
    model_info: {id: first, supports_vision: false, note: mine}
  - model_name: model
    litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: sk-planted-secret, rpm: 5}
  - model_name: own
    litellm_params: {model: openai_like/my-own, api_key: sk-planted-secret, api_base: 'http://127.0.0.1:9/v1'}
    model_info: {base_model: gpt-4o-mini, max_input_tokens: 77}
  - model_name: model-only
    litellm_params: {model: openai/gpt-4o, api_key: sk-planted-secret}
  - model_name: wild/*
    litellm_params: {model: 'openai/*', api_key: sk-planted-secret}
router_settings: {model_group_alias: {other: own}}
";

async fn get(proxy: &Proxy, path: &str) -> Answer {
    Answer::of(proxy.get(path)).await
}

async fn asked(proxy: &Proxy, path: &str, body: Value) -> Answer {
    Answer::of(proxy.post(path, &body)).await
}

#[tokio::test]
async fn deployments_are_told_with_prices_and_without_secrets() {
    let proxy = Setup::config(MODELS).start().await;
    for path in ["/model/info", "/v1/model/info"] {
        let answer = get(&proxy, path).await;
        assert!(!answer.text.contains("planted-secret"), "{}", answer.text);
        let data = &answer.json()["data"];
        assert_eq!(data.as_array().unwrap().len(), 5);
        let first = &data[0];
        assert_eq!(first["model_name"], "model");
        assert_eq!(first["litellm_params"]["model"], "openai/gpt-4o");
        assert_eq!(first["litellm_params"]["api_base"], "https://host/v1");
        assert_eq!(first["litellm_params"]["input_cost_per_token"], 1e-6);
        let info = &first["model_info"];
        assert_eq!(
            (&info["id"], &info["note"], &info["db_model"]),
            (&"first".into(), &"mine".into(), &false.into())
        );
        assert_eq!(info["input_cost_per_token"], 1e-6);
        assert_eq!(info["output_cost_per_token"], 1e-5);
        assert!(info.get("cache_read_input_token_cost").is_none());
        assert_eq!((&info["max_input_tokens"], &info["mode"]), (&128_000.into(), &"chat".into()));
        assert_eq!(
            (&info["supports_vision"], &info["supports_function_calling"]),
            (&false.into(), &true.into())
        );
        assert_eq!(data[2]["model_info"]["input_cost_per_token"], 1.5e-7);
        assert_eq!(data[2]["model_info"]["max_input_tokens"], 77);
        assert!(data[4]["model_info"]["input_cost_per_token"].is_null());
    }
    let one = get(&proxy, "/v1/model/info?litellm_model_id=first").await.json();
    assert_eq!(one["data"].as_array().unwrap().len(), 1);
    assert_eq!(get(&proxy, "/v1/model/info?litellm_model_id=none").await.status, 404);
}

#[tokio::test]
async fn groups_are_told_by_the_most_that_their_deployments_can_do() {
    let public =
        "litellm_settings: {public_model_groups: [own]}\ngeneral_settings: {master_key: sk-master-key}\n";
    let proxy = Setup::config(format!("{MODELS}{public}")).start().await;
    let key = ("authorization", "Bearer sk-master-key");
    let info = Answer::of(proxy.get("/model_group/info?model_group=model").header(key.0, key.1)).await.json();
    let group = &info["data"][0];
    assert_eq!((&group["model_group"], &group["rpm"]), (&"model".into(), &15.into()));
    assert_eq!(group["providers"], json!(["openai", "anthropic"]));
    assert_eq!(group["max_input_tokens"], 200_000);
    assert_eq!(group["input_cost_per_token"], 3e-6);
    assert_eq!((&group["supports_vision"], &group["is_public_model_group"]), (&true.into(), &false.into()));
    let hub = get(&proxy, "/public/model_hub").await;
    assert_eq!(hub.json().as_array().unwrap().len(), 1, "{}", hub.text);
    assert_eq!(hub.json()[0]["model_group"], "own");
    for path in ["/model/info", "/model_group/info"] {
        assert_eq!(get(&proxy, path).await.status, 401, "{path}");
    }
    for path in ["/utils/token_counter", "/utils/transform_request", "/cost/estimate"] {
        assert_eq!(asked(&proxy, path, json!({"model": "own"})).await.status, 401, "{path}");
        assert_eq!(Answer::of(proxy.get(path)).await.status, 405, "{path}");
    }
}

#[tokio::test]
async fn a_cost_is_estimated_for_one_request_and_for_many() {
    let margin = "litellm_settings: {cost_margin_config: {anthropic: 0.1}}\n";
    let proxy = Setup::config(format!("{MODELS}{margin}")).start().await;
    let question =
        json!({"model": "other", "input_tokens": 1000, "output_tokens": 100, "num_requests_per_day": 10});
    let estimate = asked(&proxy, "/cost/estimate", question).await.json();
    assert_eq!(estimate["cost_per_request"], 0.00021);
    assert_eq!(estimate["input_cost_per_request"], 0.00015);
    assert_eq!(estimate["daily_cost"], 0.0021);
    assert!(estimate["monthly_cost"].is_null());
    assert_eq!(estimate["input_cost_per_token"], 1.5e-7);
    assert_eq!(estimate["provider"], "openai_like");
    let wild =
        asked(&proxy, "/cost/estimate", json!({"model": "wild/gpt-4o", "input_tokens": 1})).await.json();
    assert_eq!(wild["cost_per_request"], 2.5e-6);
    for (body, status, param) in [
        (json!({"input_tokens": 1}), 400, "model"),
        (json!({"model": "none"}), 404, "model"),
        (json!({"model": "own", "input_tokens": -1}), 400, "input_tokens"),
        (json!({"model": "wild/none"}), 400, "model"),
    ] {
        let refused = asked(&proxy, "/cost/estimate", body).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["error"]["param"]), (status, &param.into()));
    }
}

#[tokio::test]
async fn a_request_is_shown_as_the_provider_would_get_it() {
    let proxy = Setup::config(MODELS).start().await;
    let request = json!({"model": "own", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5});
    let shown = asked(
        &proxy,
        "/utils/transform_request",
        json!({"call_type": "acompletion", "request_body": request}),
    )
    .await;
    assert!(!shown.text.contains("planted-secret"), "{}", shown.text);
    let shown = shown.json();
    assert_eq!(shown["raw_request_api_base"], "http://127.0.0.1:9/v1/chat/completions");
    assert_eq!(shown["raw_request_body"]["model"], "my-own");
    assert_eq!(shown["raw_request_headers"]["authorization"], "****");
    assert_eq!(shown["raw_request_headers"]["content-type"], "application/json");
    let wrong =
        asked(&proxy, "/utils/transform_request", json!({"call_type": "dance", "request_body": {}})).await;
    assert_eq!(wrong.json()["error"]["param"], "call_type");
}

#[tokio::test]
async fn tokens_are_counted_in_every_form_of_a_question() {
    let proxy = Setup::config(MODELS).start().await;
    let messages = json!([{"role": "user", "content": "Hello there, how are you?"}]);
    let contents = json!([{"role": "user", "parts": [{"text": "Hello there, how are you?"}]}]);
    for (field, value) in
        [("messages", messages), ("contents", contents), ("prompt", "Hello there, how are you?".into())]
    {
        let mut question = json!({"model": "own"});
        question[field] = value;
        let answer = asked(&proxy, "/utils/token_counter", question).await.json();
        let total = answer["total_tokens"].as_u64().unwrap();
        assert!((5..20).contains(&total), "{answer}");
        assert_eq!((&answer["request_model"], &answer["model_used"]), (&"own".into(), &"my-own".into()));
        assert_eq!(answer["tokenizer_type"], "estimate");
    }
    let question = json!({"model": "model", "prompt": ["Hello there,", " how are you?"]});
    let answer = asked(&proxy, "/utils/token_counter", question).await.json();
    assert_eq!((&answer["total_tokens"], &answer["tokenizer_type"]), (&7.into(), &"o200k_base".into()));
    // An Anthropic client at a provider that has no way to ask: the model's tokenizer, and three for the message.
    let mut count = message("model-only");
    count["messages"] = json!([{"role": "user", "content": "Hello there, how are you?"}]);
    let counted = asked(&proxy, "/v1/messages/count_tokens", count).await;
    assert_eq!(counted.json()["input_tokens"], 10, "{}", counted.text);
    let empty = asked(&proxy, "/utils/token_counter", json!({"model": "own"})).await;
    assert_eq!((empty.status.as_u16(), &empty.json()["error"]["param"]), (400, &"messages".into()));
}

#[tokio::test]
async fn the_provider_counts_when_asked() {
    let upstream = ScriptedUpstream::answering([Scripted::json(json!({"input_tokens": 4711}))]).await;
    let config = format!(
        "model_list: [{{model_name: c, litellm_params: {{model: anthropic/claude-sonnet-4-5, api_key: k, api_base: '{}'}}}}]",
        upstream.url()
    );
    let proxy = Setup::config(config).start().await;
    let answer = asked(&proxy, "/utils/token_counter?call_endpoint=true", message("c")).await.json();
    assert_eq!((&answer["total_tokens"], &answer["tokenizer_type"]), (&4711.into(), &"provider_api".into()));
}

/// The price of an input token of the first deployment.
async fn price(proxy: &Proxy) -> f64 {
    get(proxy, "/model/info").await.json()["data"][0]["model_info"]["input_cost_per_token"].as_f64().unwrap()
}

const ONE: &str = "model_list: [{model_name: m, litellm_params: {model: openai/gpt-4o, api_key: k}}]\n";

#[tokio::test]
async fn a_file_is_put_over_what_is_built_in_and_followed() {
    let config = format!("{ONE}catalogue: {{file: prices.json}}\n");
    let prices = |price: f64| json!({"gpt-4o": {"input_cost_per_token": price}}).to_string();
    let proxy = Setup::config(config.clone()).file("prices.json", prices(5e-6)).start().await;
    assert_eq!(price(&proxy).await, 5e-6);
    proxy.write("prices.json", prices(6e-6));
    proxy.wait_for_log("configuration reloaded").await;
    assert_eq!(price(&proxy).await, 6e-6);
    let wrong = Setup::config(config).file("prices.json", prices(-1.0)).run().await;
    assert!(wrong.err.contains("catalogue.file") && wrong.err.contains("gpt-4o"), "{wrong:?}");
}

/// A key, and what is served at the address of the price map.
struct Publisher {
    pair: Ed25519KeyPair,
    map: Arc<Mutex<(String, String)>>,
}

impl Publisher {
    async fn at(upstream: &ScriptedUpstream) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        let publisher = Self { pair, map: Arc::default() };
        let map = Arc::clone(&publisher.map);
        upstream.answer_with(move |asked| {
            let (text, signature) = map.lock().unwrap().clone();
            let body = if asked.path.ends_with(".sig") { signature } else { text };
            Scripted::body(body)
        });
        publisher
    }

    fn publish(&self, price: f64, genuine: bool) {
        let text = json!({"gpt-4o": {"input_cost_per_token": price}}).to_string();
        let signed = if genuine { text.clone() } else { format!("{text} ") };
        *self.map.lock().unwrap() = (text, STANDARD.encode(self.pair.sign(signed.as_bytes())));
    }

    fn config(&self, base: &str, copy: &Path) -> String {
        let key = STANDARD.encode(self.pair.public_key().as_ref());
        let copy = copy.display();
        format!(
            "{ONE}catalogue: {{url: '{base}/prices.json', public_key: '{key}', refresh: 50ms, copy: '{copy}'}}\n"
        )
    }
}

#[tokio::test]
async fn pain_20_a_price_map_from_an_address_is_opt_in_signed_and_outlives_the_address() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.json");
    let upstream = ScriptedUpstream::start().await;
    let publisher = Publisher::at(&upstream).await;
    publisher.publish(5e-6, true);
    let config = publisher.config(&upstream.url(), &copy);
    let proxy = Setup::config(config.clone()).start().await;
    proxy.wait_for_log("there is a new price map").await;
    proxy.wait_for_log("configuration reloaded").await;
    assert_eq!(price(&proxy).await, 5e-6);
    // What is not signed changes nothing.
    publisher.publish(9e-6, false);
    proxy.wait_for_log("the signature is not one of").await;
    assert_eq!(price(&proxy).await, 5e-6);
    drop(proxy);
    // Without the address the last good map is used from the first request on.
    drop(upstream);
    let again = Setup::config(config.clone()).start().await;
    assert_eq!(price(&again).await, 5e-6);
    drop(again);
    // A copy that somebody changed is not.
    std::fs::write(&copy, json!({"gpt-4o": {"input_cost_per_token": 1}}).to_string()).unwrap();
    let changed = Setup::config(config).start().await;
    assert_eq!(price(&changed).await, 2.5e-6);
}

#[tokio::test]
async fn an_address_without_a_key_to_check_it_by_is_refused() {
    for (key, problem) in [("", "needs `catalogue.public_key`"), (", public_key: abc", "not an Ed25519 key")]
    {
        let config = format!("{ONE}catalogue: {{url: 'http://127.0.0.1:9/p.json'{key}}}\n");
        let outcome = Setup::config(config).run().await;
        assert!(!outcome.status.success() && outcome.err.contains(problem), "{outcome:?}");
    }
}
