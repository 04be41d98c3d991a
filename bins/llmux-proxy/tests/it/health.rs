//! Deployments are asked whether they work: when somebody wants to know, or in the background.

use serde_json::{Value, json};

use crate::proxy::{Answer, Proxy, Setup};

/// A model that works and one that does not.
fn config(general: &str) -> String {
    format!(
        "model_list:
  - {{model_name: m, litellm_params: {{model: llmux/echo}}, model_info: {{id: well}}}}
  - {{model_name: m, litellm_params: {{model: llmux/echo, echo: {{status: 503}}}}, model_info: {{id: sick}}}}
  - {{model_name: lost, litellm_params: {{model: llmux/echo, echo: {{status: 500}}}}, model_info: {{id: lost}}}}
  - {{model_name: busy, litellm_params: {{model: llmux/echo, echo: {{status: 429}}}}, model_info: {{id: busy}}}}
  - {{model_name: rare, litellm_params: {{model: llmux/echo}}, model_info: {{id: rare, disable_background_health_check: true}}}}
router_settings: {{num_retries: 0, disable_cooldowns: true}}
general_settings: {{{general}}}
"
    )
}

const BACKGROUND: &str = "background_health_checks: true, health_check_interval: 1s, enable_health_check_routing: true, \
                          health_check_ignore_transient_errors: true, model_list_healthy_only: true";

async fn get(proxy: &Proxy, path: &str) -> Value {
    Answer::of(proxy.get(path)).await.json()
}

fn ids(endpoints: &Value) -> Vec<&str> {
    endpoints.as_array().unwrap().iter().map(|one| one["model_id"].as_str().unwrap()).collect()
}

/// Waits until every deployment that is asked in the background was asked.
async fn all_asked(proxy: &Proxy, count: u64) -> Value {
    loop {
        let latest = get(proxy, "/health/latest").await;
        if latest["total_models"] == count {
            return latest;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn deployments_are_asked_when_somebody_wants_to_know() {
    let proxy = Setup::config(config("")).start().await;
    assert_eq!(get(&proxy, "/health/latest").await["total_models"], 0, "nobody asks by itself");
    let health = get(&proxy, "/health").await;
    assert_eq!(ids(&health["healthy_endpoints"]), ["rare", "well"]);
    assert_eq!(ids(&health["unhealthy_endpoints"]), ["busy", "lost", "sick"]);
    assert_eq!(health["unhealthy_endpoints"][1]["status"], 500);
    assert_eq!(get(&proxy, "/health?model=rare").await["healthy_count"], 1);
    assert_eq!(get(&proxy, "/health?model_id=sick").await["unhealthy_count"], 1);
    let latest = get(&proxy, "/health/latest").await;
    assert_eq!(latest["latest_health_checks"]["sick"]["status"], "unhealthy");
    assert!(latest["latest_health_checks"]["sick"]["error_message"].is_string());
    assert_eq!(latest["total_models"], 5);
}

#[tokio::test]
async fn details_can_be_kept_back_and_what_is_not_asked_in_the_background_left_out() {
    let general = "health_check_details: false, health_check_skip_disabled_background_models: true";
    let proxy = Setup::config(config(general)).start().await;
    let health = get(&proxy, "/health").await;
    assert_eq!(health["healthy_endpoints"], json!([{"model": "llmux/echo"}]));
    assert_eq!(health["unhealthy_count"], 3);
}

#[tokio::test]
async fn the_background_asks_by_itself_and_requests_avoid_what_it_finds_sick() {
    let proxy = Setup::config(config(BACKGROUND)).start().await;
    all_asked(&proxy, 4).await;
    let health = get(&proxy, "/health").await;
    assert_eq!(ids(&health["healthy_endpoints"]), ["well"], "the last answers, without asking anew");
    assert_eq!(ids(&health["unhealthy_endpoints"]), ["busy", "lost", "sick"]);
    for _ in 0..20 {
        assert_eq!(proxy.chat("m").await.header("x-litellm-model-id"), Some("well"));
    }
    assert_eq!(proxy.chat("lost").await.status, 500, "asked all the same when all are sick");
    let models = get(&proxy, "/v1/models").await;
    let names: Vec<_> =
        models["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(names, ["m", "busy", "rare"], "a lack of requests is no sickness");
    proxy.wait_for_log("a deployment does not work").await;
}

#[tokio::test]
async fn a_deployment_that_works_again_is_found_and_single_models_can_be_chosen() {
    let groups = "background_health_checks: true, health_check_interval: 1s, \
                  background_health_check_model_groups: [lost]";
    let proxy = Setup::config(config(groups)).start().await;
    let latest = all_asked(&proxy, 1).await;
    assert_eq!(latest["latest_health_checks"]["lost"]["status"], "unhealthy");
    proxy.write("config.yaml", config(groups).replace("{status: 500}", "{}"));
    proxy.wait_for_log("a deployment works again").await;
    assert_eq!(get(&proxy, "/health").await["healthy_count"], 1);
}

#[tokio::test]
async fn contradictions_are_told_at_the_start() {
    let wrong = format!("{}router_settings: {{health_check_interval: 5}}\n", "model_list: []\n");
    let refused = Setup::config(wrong).run().await;
    assert!(refused.err.contains("belongs to `general_settings`"), "{}", refused.err);
    let odd = config("enable_health_check_routing: true");
    let proxy = Setup::config(odd).start().await;
    proxy.wait_for_log("without `background_health_checks`").await;
}
