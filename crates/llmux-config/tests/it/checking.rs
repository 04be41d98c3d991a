//! Every mistake is found, placed and explained.

use std::time::Duration;

use llmux_config::{Format, Level};

use crate::support::{load, loader, refused, warnings};

#[test]
fn all_mistakes_are_reported_in_one_run_with_their_place() {
    let text = "\
model_list:
  - model_name: a
    litellm_params:
      model: openai/a
      rpm: lots
      timeot: 5
  - model_name: b
general_settings:
  masterkey: x
server:
  port: 70000
  watch: \"false\"
router_settings:
  client_ttl: 3600
";
    assert_eq!(
        refused(text),
        [
            "config.yaml:5:12: error: model_list[0].litellm_params.rpm: expected a whole number from 0, found text",
            "config.yaml:6:7: warning: model_list[0].litellm_params.timeot: unknown key; did you mean `timeout`?",
            "config.yaml:7:5: error: model_list[1]: `litellm_params` is missing",
            "config.yaml:9:3: warning: general_settings.masterkey: unknown key; did you mean `master_key`?",
            "config.yaml:11:9: error: server.port: expected a whole number from 0 to 65535, found 70000",
            "config.yaml:12:10: error: server.watch: expected `true` or `false`, found text in quotes; \
             remove the quotes",
            "config.yaml:14:3: warning: router_settings.client_ttl: `client_ttl` is known but not supported yet: \
             it has no effect",
        ]
    );
}

#[test]
fn paths_use_the_names_that_the_file_uses() {
    let problems = refused("models: [{name: a, params: {model: openai/a, weight: -1}}]");
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].contains("models[0].params.weight: expected a number from 0, found -1"),
        "{problems:?}"
    );
}

#[test]
fn clearer_names_mean_the_same_as_those_of_litellm() {
    let ours = load(
        "models: [{name: a, params: {model: a, provider: openai, base_url: 'http://h/v1'}, info: {id: x}}]\n\
         general: {allow_unauthenticated: true}\nrouter: {num_retries: 1}\nsettings: {drop_params: true}",
    );
    let theirs = load(
        "model_list: [{model_name: a, litellm_params: {model: a, custom_llm_provider: openai, api_base: \
         'http://h/v1'}, model_info: {id: x}}]\ngeneral_settings: {dangerously_permit_weak_or_unset_master_key: \
         true}\nrouter_settings: {num_retries: 1}\nlitellm_settings: {drop_params: true}",
    );
    assert_eq!(format!("{:?}", ours.config), format!("{:?}", theirs.config));
    assert!(ours.config.general.allow_unauthenticated);
    assert!(ours.config.litellm.drop_params);
}

#[test]
fn two_names_of_one_setting_contradict_each_other() {
    let problems = refused("general: {}\ngeneral_settings: {}\n");
    assert_eq!(
        problems,
        [
            "config.yaml:2:1: error: general_settings: the same setting as `general` on line 1; keep one of them"
        ]
    );
}

#[test]
fn a_key_in_the_wrong_section_is_sent_to_the_right_one() {
    assert_eq!(
        warnings("litellm_settings: {completion_model: a}"),
        ["config.yaml:1:20: warning: litellm_settings.completion_model: unknown key; \
          it belongs in `general_settings`"]
    );
}

#[test]
fn idle_values_of_unsupported_keys_are_no_concern() {
    assert!(
        warnings("litellm_settings: {cache: false, callbacks: [], cache_params: {}, success_callback: }")
            .is_empty()
    );
    assert_eq!(warnings("litellm_settings: {cache: true}").len(), 1);
}

#[test]
fn prices_are_recognised_by_their_pattern() {
    let with =
        |params: &str| format!("model_list: [{{model_name: a, litellm_params: {{model: a, {params}}}}}]");
    let long = "input_cost_per_token_above_200k_tokens_priority: 3e-06";
    assert!(warnings(&with(long)).is_empty());
    let config = load(&with(long)).config;
    let price = &config.models[0].params.pricing["input_cost_per_token_above_200k_tokens_priority"];
    assert_eq!(price, "3e-06");
    assert!(refused(&with("input_cost_per_token: -1"))[0].contains("a price in US dollars"));
    let found = warnings(&with("citation_cost_per_token: 1"));
    assert!(found[0].contains("known but not supported yet"), "{found:?}");
}

#[test]
fn truth_values_are_strict_about_quotes_but_not_about_yaml_versions() {
    assert!(!load("server: {watch: off}").config.server.watch);
    assert!(!load("server: {watch: False}").config.server.watch);
    assert!(refused("server: {watch: 'true'}")[0].contains("remove the quotes"));
    assert!(refused("server: {watch: 1}")[0].contains("expected `true` or `false`, found 1"));
}

#[test]
fn numbers_in_quotes_are_read_with_a_warning() {
    let loaded = load("router_settings: {num_retries: '4'}");
    assert_eq!(loaded.config.router.num_retries, 4);
    assert!(loaded.warnings[0].to_string().contains("a number in quotes; remove the quotes"));
}

#[test]
fn times_and_sizes_have_units() {
    let loaded =
        load("server: {header_timeout: 500ms, idle_timeout: 2m, body_timeout: 7, max_body_size: 10 MiB}");
    let server = loaded.config.server;
    assert_eq!(server.header_timeout, Duration::from_millis(500));
    assert_eq!(server.idle_timeout, Duration::from_secs(120));
    assert_eq!(server.body_timeout, Duration::from_secs(7));
    assert_eq!(server.max_body_size, 10 << 20);
    assert!(refused("server: {idle_timeout: 0}")[0].contains("seconds above 0"));
}

#[test]
fn a_strategy_that_is_not_built_yet_warns_and_an_unknown_one_is_refused() {
    let found = warnings("router_settings: {routing_strategy: lar1}");
    assert!(found[0].contains("`lar1` is known but not supported yet: the default is used"), "{found:?}");
    let found = refused("router_settings: {routing_strategy: simple-shufle}");
    assert!(
        found[0].contains("expected one of `simple-shuffle`, ")
            && found[0].ends_with("found text; did you mean `simple-shuffle`?"),
        "{found:?}"
    );
}

#[test]
fn aliases_of_models_are_texts_or_mappings_and_must_lead_somewhere() {
    let text = "
model_list: [{model_name: gpt-4o, litellm_params: {model: openai/gpt-4o}}]
router_settings: {model_group_alias: {fast: gpt-4o, old: {model: gpt-4o, hidden: true}, odd: gpt-4}}
";
    let loaded = load(text);
    let aliases = &loaded.config.router.model_group_alias;
    assert_eq!((aliases["fast"].model.as_str(), aliases["fast"].hidden), ("gpt-4o", false));
    assert!(aliases["old"].hidden);
    assert_eq!(loaded.warnings.len(), 1);
    let warning = loaded.warnings[0].to_string();
    assert!(warning.contains("router_settings.model_group_alias.odd"), "{warning}");
    assert!(warning.ends_with("did you mean `gpt-4o`?"), "{warning}");
}

#[test]
fn credentials_for_any_origin_are_refused() {
    let found = refused("server: {cors: {allow_origins: ['*'], allow_credentials: true}}");
    assert!(found[0].contains("server.cors: browsers refuse"), "{found:?}");
}

#[test]
fn what_litellm_settings_say_about_routing_and_logs_arrives_there() {
    let config =
        load("litellm_settings: {num_retries: 7, request_timeout: 9, json_logs: true, set_verbose: true}")
            .config;
    assert_eq!(config.router.num_retries, 7);
    assert_eq!(config.router.timeout, Duration::from_secs(9));
    assert_eq!(config.logging.format, Format::Json);
    assert_eq!(config.logging.level, Level::Debug);
    let config = load("litellm_settings: {num_retries: 7}\nrouter_settings: {num_retries: 1}").config;
    assert_eq!(config.router.num_retries, 1);
}

#[test]
fn a_master_key_may_come_from_the_environment_but_not_be_empty() {
    use secrecy::ExposeSecret as _;
    let key = |text: &str, name: &str| {
        let loaded = loader(&[(name, "sk-env")]).load_str(text, "c.yaml").unwrap();
        loaded.config.general.master_key.map(|key| key.expose_secret().to_owned())
    };
    assert_eq!(key("server: {}", "LITELLM_MASTER_KEY").as_deref(), Some("sk-env"));
    assert_eq!(key("server: {}", "LLMUX_MASTER_KEY").as_deref(), Some("sk-env"));
    assert_eq!(key("general: {master_key: own}", "LLMUX_MASTER_KEY").as_deref(), Some("own"));
    assert_eq!(key("server: {}", "OTHER"), None);
    assert!(refused("general_settings: {master_key: ''}")[0].contains("anybody"));
    assert!(warnings("general_settings: {master_key: sk-1234}")[0].contains("example of every tutorial"));
}
