//! What `router_settings` say is what requests get.

use llmux_testkit::{ScriptedUpstream, answers};
use serde_json::json;

use crate::proxy::{Answer, Proxy, Setup, chat};

/// Groups `good` and `bad`, whose provider always fails, and further settings.
async fn with_settings(settings: &str) -> Proxy {
    let config = format!(
        "model_list:
  - {{model_name: good, litellm_params: {{model: llmux/echo}}, model_info: {{id: good-1}}}}
  - {{model_name: bad, litellm_params: {{model: llmux/echo, echo: {{status: 503}}}}, model_info: {{id: bad-1}}}}
{settings}
"
    );
    Setup::config(config).start().await
}

#[tokio::test]
async fn fallbacks_are_followed_and_told_in_headers() {
    let proxy = with_settings("router_settings: {num_retries: 0, fallbacks: [{bad: [good]}]}").await;
    let answer = proxy.chat("bad").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-litellm-attempted-fallbacks"), Some("1"));
    assert_eq!(answer.header("x-litellm-model-group"), Some("bad"));
    assert_eq!(answer.header("x-litellm-model-id"), Some("good-1"));
    let answer = proxy.chat("good").await;
    assert_eq!(answer.header("x-litellm-attempted-fallbacks"), Some("0"));
    assert_eq!(answer.header("x-litellm-max-retries"), Some("0"));
}

#[tokio::test]
async fn a_request_brings_its_own_fallbacks_refuses_them_or_pretends_a_failure() {
    let proxy = with_settings("router_settings: {num_retries: 0}").await;
    let ask = async |fields: serde_json::Value| {
        let mut body = chat(fields["model"].as_str().unwrap_or("bad"));
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        Answer::of(proxy.post("/v1/chat/completions", &body)).await
    };
    assert_eq!(ask(json!({"fallbacks": ["good"]})).await.status, 200);
    assert_eq!(ask(json!({"fallbacks": [{"model": "good", "user": "u"}]})).await.status, 200);
    assert_eq!(ask(json!({"fallbacks": ["good"], "disable_fallbacks": true})).await.status, 503);
    assert_eq!(ask(json!({"fallbacks": "good"})).await.json()["error"]["param"], "fallbacks");
    let mock = ask(json!({"model": "good", "mock_testing_rate_limit_error": true})).await;
    assert_eq!(mock.status, 429);
    let mock = ask(json!({"model": "good", "mock_testing_fallbacks": true, "fallbacks": ["good"]})).await;
    assert_eq!(mock.status, 500, "no model is asked twice");
}

#[tokio::test]
async fn errors_name_the_models_that_were_tried_unless_that_is_switched_off() {
    let lists = "router_settings: {num_retries: 0, fallbacks: [{bad: [worse]}]}";
    let message = with_settings(lists).await.chat("bad").await.message();
    assert!(message.contains("Received Model Group=bad") && message.contains("['worse']"), "{message}");
    let quiet = format!("{lists}\nlitellm_settings: {{expose_router_debug_in_errors: false}}");
    let message = with_settings(&quiet).await.chat("bad").await.message();
    assert!(!message.contains("worse"), "{message}");
}

#[tokio::test]
async fn every_strategy_of_the_configuration_serves() {
    for strategy in [
        "simple-shuffle",
        "round-robin",
        "least-busy",
        "latency-based-routing",
        "latency-ewma",
        "power-of-two-choices",
        "usage-based-routing",
        "usage-based-routing-v2",
        "cost-based-routing",
        "provider-budget-routing",
    ] {
        let proxy = with_settings(&format!("router_settings: {{routing_strategy: {strategy}}}")).await;
        assert_eq!(proxy.chat("good").await.status, 200, "{strategy}");
    }
    let wrong = "model_list: []\nrouter_settings: {routing_strategy: latency-based-routing, \
                 routing_strategy_args: {ttft_percentile: 7}}";
    let refused = Setup::config(wrong).run().await;
    assert!(refused.err.contains("ttft_percentile"), "{}", refused.err);
}

#[tokio::test]
async fn the_order_of_deployments_stands_among_their_parameters_or_their_facts() {
    let config = "model_list:
  - {model_name: m, litellm_params: {model: llmux/echo, order: 3}, model_info: {id: third, order: 1}}
  - {model_name: m, litellm_params: {model: llmux/echo}, model_info: {id: second, order: 2}}
";
    let proxy = Setup::config(config).start().await;
    for _ in 0..5 {
        assert_eq!(proxy.chat("m").await.header("x-litellm-model-id"), Some("second"));
    }
}

#[tokio::test]
async fn tags_choose_deployments_by_header_field_and_metadata() {
    let config = "model_list:
  - {model_name: m, litellm_params: {model: llmux/echo, tags: [free, default]}, model_info: {id: free}}
  - {model_name: m, litellm_params: {model: llmux/echo, tags: [paid]}, model_info: {id: paid}}
router_settings: {enable_tag_filtering: true}
";
    let proxy = Setup::config(config).start().await;
    let by = async |body: &serde_json::Value, header: Option<&str>| {
        let request = proxy.post("/v1/chat/completions", body);
        let request = match header {
            Some(tags) => request.header("x-litellm-tags", tags),
            None => request,
        };
        Answer::of(request).await.header("x-litellm-model-id").map(str::to_owned)
    };
    let mut in_metadata = chat("m");
    in_metadata["metadata"] = json!({"tags": ["paid"]});
    let mut in_field = chat("m");
    in_field["tags"] = json!(["paid"]);
    assert_eq!(by(&chat("m"), None).await.as_deref(), Some("free"));
    assert_eq!(by(&chat("m"), Some("other, paid")).await.as_deref(), Some("paid"));
    assert_eq!(by(&in_metadata, None).await.as_deref(), Some("paid"));
    assert_eq!(by(&in_field, None).await.as_deref(), Some("paid"));
}

#[tokio::test]
async fn a_choice_is_explained_on_request_and_in_a_header() {
    let config = "model_list:
  - {model_name: m, litellm_params: {model: llmux/echo, order: 1}, model_info: {id: first}}
  - {model_name: m, litellm_params: {model: llmux/echo, order: 2}, model_info: {id: second}}
  - {model_name: m, litellm_params: {model: llmux/echo}, model_info: {id: asleep, blocked: true}}
general_settings: {master_key: sk-explain-me}
";
    let proxy = Setup::config(config).start().await;
    let request = proxy.post("/router/explain", &chat("m")).bearer_auth("sk-explain-me");
    let explanation = Answer::of(request).await.json();
    assert_eq!(explanation["chosen"], "first");
    let why = |at: usize| explanation["deployments"][at]["excluded"].clone();
    assert_eq!((why(0), why(1), why(2)), (json!(null), json!("order"), json!("paused")));
    assert_eq!(Answer::of(proxy.post("/router/explain", &chat("m"))).await.status, 401);
    assert_eq!(proxy.get("/router/explain").send().await.unwrap().status(), 405);
    let request = proxy.post("/v1/chat/completions", &chat("m")).bearer_auth("sk-explain-me");
    let answer = Answer::of(request.header("x-llmux-explain", "true")).await;
    assert_eq!(answer.header("x-llmux-route"), Some("group=m; chosen=first; second=order; asleep=paused"));
}

#[tokio::test]
async fn a_cooldown_outlives_a_reload_and_a_removed_deployment_does_not() {
    let upstream = ScriptedUpstream::answering([answers::openai_error(401, "x", "no")]).await;
    let url = upstream.url();
    let config = |retries: u32| {
        format!(
            "model_list:
  - model_name: m
    litellm_params: {{model: openai/x, api_key: k, api_base: '{url}/v1', cooldown_time: 1h}}
    model_info: {{id: one}}
router_settings: {{num_retries: {retries}}}
"
        )
    };
    let proxy = Setup::config(config(0)).start().await;
    assert_eq!(proxy.chat("m").await.status, 401);
    assert_eq!(proxy.chat("m").await.openai_error().1, "all_deployments_in_cooldown");
    proxy.write("config.yaml", config(1));
    proxy.wait_for_log("configuration reloaded").await;
    let answer = proxy.chat("m").await;
    assert_eq!(answer.openai_error().0, 429, "{}", answer.text);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn health_asks_every_deployment_or_those_that_are_named() {
    let proxy = with_settings("general_settings: {master_key: sk-how-are-you}").await;
    let health = async |query: &str| {
        Answer::of(proxy.get(&format!("/health{query}")).bearer_auth("sk-how-are-you")).await.json()
    };
    let all = health("").await;
    assert_eq!((&all["healthy_count"], &all["unhealthy_count"]), (&json!(1), &json!(1)));
    assert_eq!(all["healthy_endpoints"][0]["model_id"], "good-1");
    assert_eq!(all["unhealthy_endpoints"][0]["status"], 503);
    let one = health("?model=good").await;
    assert_eq!((&one["healthy_count"], &one["unhealthy_count"]), (&json!(1), &json!(0)));
    assert_eq!(health("?model_id=bad-1").await["unhealthy_count"], 1);
    assert_eq!(Answer::of(proxy.get("/health")).await.status, 401);
}

#[tokio::test]
async fn contradictions_are_refused_at_the_start_by_name() {
    let models = "model_list:
  - {model_name: m, litellm_params: {model: llmux/echo PARAMS}, model_info: {id: one}}
";
    for (params, settings, word) in [
        ("", "routing_strategy: fastest", "routing_strategy"),
        ("", "routing_strategy: usage-based-routing-v3", "usage-based-routing-v2"),
        ("", "model_group_alias: {a: b, b: a}", "stands for itself"),
        ("", "routing_groups: [{group_name: g, models: []}]", "`g` has no models"),
        (
            "",
            "routing_groups: [{group_name: g, models: [m]}, {group_name: h, models: [m]}]",
            "more than one routing group",
        ),
        ("", "routing_groups: [{group_name: g, models: [m], routing_strategy: luck}]", "luck"),
        ("", "allowed_fails: -1", "allowed_fails"),
        ("", "num_retries: -1", "num_retries"),
        ("", "default_priority: 300", "default_priority"),
        ("", "model_group_affinity_config: {m: [luck]}", "model_group_affinity_config.m"),
        ("", "hedge_percentile: 3", "hedge_percentile"),
        ("", "fallbacks: [m]", "fallbacks"),
        ("", "model_group_max_parallel_requests: {m: -2}", "model_group_max_parallel_requests"),
        (", rpm: -1", "num_retries: 1", "rpm"),
        (", itpm: -1", "num_retries: 1", "itpm"),
        (", timeout_by_service_tier: {flex: 0}", "num_retries: 1", "timeout_by_service_tier"),
    ] {
        let config = format!("{}router_settings: {{{settings}}}\n", models.replace(" PARAMS", params));
        let refused = Setup::config(config).arg("--validate-config").run().await;
        // A list of models alone is a list for every model.
        let accepted = settings == "fallbacks: [m]";
        assert_eq!(refused.status.success(), accepted, "{params} {settings}: {}", refused.err);
        assert!(accepted || refused.err.contains(word), "{params} {settings}: {}", refused.err);
    }
}

#[tokio::test]
async fn a_priority_is_for_the_gateway_and_a_class_of_service_has_its_own_time() {
    let upstream = ScriptedUpstream::start().await;
    upstream.script([answers::openai_chat("hello"), llmux_testkit::Answer::never()]);
    let config = format!(
        "model_list:
  - model_name: m
    litellm_params: {{model: openai/up, api_key: k, api_base: '{}/v1', timeout_by_service_tier: {{flex: 0.2}}}}
router_settings: {{num_retries: 0}}
",
        upstream.url()
    );
    let proxy = Setup::config(config).start().await;
    let mut body = chat("m");
    body["priority"] = json!(7);
    assert_eq!(Answer::of(proxy.post("/v1/chat/completions", &body)).await.status, 200);
    assert!(upstream.requests()[0].json().get("priority").is_none());
    body["priority"] = json!("soon");
    let refused = Answer::of(proxy.post("/v1/chat/completions", &body)).await;
    assert_eq!(refused.json()["error"]["param"], "priority");
    body["priority"] = json!(1_000_000);
    body["service_tier"] = json!("flex");
    assert_eq!(Answer::of(proxy.post("/v1/chat/completions", &body)).await.status, 408);
}
