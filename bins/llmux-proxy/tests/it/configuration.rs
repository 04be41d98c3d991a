//! Mistakes in the configuration.

use crate::proxy::Setup;

/// Four mistakes and something that only warns.
const WRONG: &str = "model_list:
  - model_name: a
    litellm_params: {model: openai/a, api_base: nowhere, timeout: soon}
router_settings:
  num_retries: many
server:
  port: 99999
general_settings:
  master_kee: sk-canary-in-the-wrong-place
";

#[tokio::test]
async fn all_mistakes_are_reported_in_one_run_with_their_place() {
    let refused = Setup::config(WRONG).run().await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.out.is_empty(), "{}", refused.out);
    for place in ["config.yaml:3:", "config.yaml:5:", "config.yaml:7:", "config.yaml:9:"] {
        assert!(refused.err.contains(place), "{place} in {}", refused.err);
    }
    for word in ["api_base", "timeout", "num_retries", "port", "did you mean `master_key`?"] {
        assert!(refused.err.contains(word), "{word} in {}", refused.err);
    }
    assert!(!refused.err.contains("canary"), "{}", refused.err);
}

#[tokio::test]
async fn mistakes_that_only_show_when_parts_are_built_are_reported_together_too() {
    let config = "model_list:
  - model_name: a
    litellm_params: {model: opnai/a}
  - model_name: b
    litellm_params: {model: openai/b, extra_headers: {'not a name': x}}
";
    let refused = Setup::config(config).run().await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.err.contains("model_list[0]") && refused.err.contains("openai"), "{}", refused.err);
    assert!(
        refused.err.contains("model_list[1]") && refused.err.contains("extra_headers"),
        "{}",
        refused.err
    );
}

#[tokio::test]
async fn a_configuration_can_be_checked_without_serving() {
    for flag in ["--validate_config", "--validate-config"] {
        let valid = Setup::config("model_list: []\n").arg(flag).run().await;
        assert!(valid.status.success() && valid.out.contains("valid"), "{valid:?}");
        let wrong = Setup::config(WRONG).arg(flag).run().await;
        assert_eq!(wrong.status.code(), Some(1));
        assert!(wrong.err.contains("config.yaml:5:"), "{}", wrong.err);
    }
}

#[tokio::test]
async fn a_missing_file_is_named() {
    let refused = Setup::default().arg("--config").arg("nothing-here.yaml").run().await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.err.contains("nothing-here.yaml"), "{}", refused.err);
}

#[tokio::test]
async fn what_has_no_effect_yet_is_said_and_served_without() {
    let config = "model_list:
  - model_name: echo
    litellm_params: {model: llmux/echo, keepalive_seconds: 3}
  - model_name: later
    litellm_params: {model: petals/some-model}
router_settings: {client_ttl: 3, unheard_of: 1}
";
    let proxy = Setup::config(config).start().await;
    let log = proxy.wait_for_log("unheard_of").await;
    proxy.wait_for_log("is left out").await;
    assert!(log.contains("keepalive_seconds") && log.contains("client_ttl"), "{log}");
    assert_eq!(proxy.chat("echo").await.status, 200);
    assert_eq!(proxy.chat("later").await.status, 404);
}
