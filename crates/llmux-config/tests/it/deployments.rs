//! What concerns deployments as a whole.

use std::time::Duration;

use secrecy::ExposeSecret;

use crate::support::{load, loader, refused};

#[test]
fn credentials_and_defaults_fill_in_what_is_missing() {
    let text = "
credential_list:
  - credential_name: shared
    credential_values: { api_key: sk-shared, api_base: 'https://shared/v1' }
router_settings:
  default_litellm_params: { timeout: 9, temperature: 0.2, seed: 1, extra_headers: { x-team: blue } }
model_list:
  - model_name: a
    litellm_params: { model: openai/a, litellm_credential_name: shared, api_key: sk-own, seed: 7 }
  - model_name: b
    litellm_params: { model: openai/b, credential: shared, timeout: 1m }
";
    let loaded = load(text);
    let [a, b] = loaded.config.models.as_slice() else { panic!("two models") };
    assert_eq!(a.params.api_key.as_ref().unwrap().expose_secret(), "sk-own");
    assert_eq!(a.params.api_base.as_ref().unwrap().as_str(), "https://shared/v1");
    assert_eq!(a.params.timeout, Some(Duration::from_secs(9)));
    assert_eq!((&a.params.defaults["seed"], &a.params.defaults["temperature"]), (&7.into(), &0.2.into()));
    assert_eq!(b.params.api_key.as_ref().unwrap().expose_secret(), "sk-shared");
    assert_eq!(b.params.timeout, Some(Duration::from_secs(60)));
    assert_eq!(b.params.extra_headers["x-team"].expose_secret(), "blue");
    assert!(loaded.warnings.is_empty());
}

#[test]
fn settings_of_one_kind_of_provider_are_gathered_under_their_own_names() {
    let text = "
credential_list:
  - credential_name: cloud
    credential_values: { aws_region_name: eu-west-1, aws_access_key_id: AKIA, aws_secret_access_key: os.environ/S }
router_settings:
  default_litellm_params: { vertex_location: global, tenant_id: t }
model_list:
  - model_name: a
    litellm_params: { model: x/a, credential: cloud, aws_region_name: us-east-1, azure_tenant_id: own }
  - model_name: b
    litellm_params: { model: x/b, vertex_credentials: { type: service_account, private_key: os.environ/S } }
";
    let loaded = loader(&[("S", "secret")]).load_str(text, "c.yaml").unwrap();
    let [a, b] = loaded.config.models.as_slice() else { panic!("two models") };
    assert_eq!(a.params.options["aws_region_name"], "us-east-1");
    assert_eq!(a.params.options["aws_secret_access_key"], "secret");
    assert_eq!(
        (&a.params.options["tenant_id"], &a.params.options["vertex_location"]),
        (&"own".into(), &"global".into())
    );
    assert_eq!(b.params.options["vertex_credentials"]["private_key"], "secret");
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let found =
        refused("model_list: [{model_name: a, litellm_params: {model: x/a, vertex_credentials: [1]}}]");
    assert!(found[0].contains("vertex_credentials: expected text"), "{found:?}");
}

#[test]
fn an_unknown_credential_is_refused_with_the_nearest_one() {
    let found = refused(
        "credential_list: [{credential_name: shared, credential_values: {api_key: k}}]\n\
         model_list: [{model_name: a, litellm_params: {model: openai/a, litellm_credential_name: shard}}]",
    );
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("model_list[0].litellm_params.litellm_credential_name: "), "{found:?}");
    assert!(found[0].ends_with("did you mean `shared`?"), "{found:?}");
}

#[test]
fn ids_are_stable_distinct_and_independent_of_secrets_and_order() {
    let ids = |text: &str| -> Vec<String> {
        load(text).config.models.into_iter().map(|model| model.info.id).collect()
    };
    let first = ids("model_list: [{model_name: a, litellm_params: {model: x/a, rpm: 5, api_key: one}}]");
    let again = ids("models: [{params: {api_key: two, rpm: 5, model: x/a}, name: a}]");
    assert_eq!(first, again);
    let clouds = ["aws_session_token: one", "vertex_credentials: {private_key: one}"];
    for cloud in clouds {
        let file =
            |cloud: &str| format!("model_list: [{{model_name: a, litellm_params: {{model: x/a, {cloud}}}}}]");
        assert_eq!(ids(&file(cloud)), ids(&file(&cloud.replace("one", "two"))), "{cloud}");
    }
    let other = ids("model_list: [{model_name: a, litellm_params: {model: x/a, rpm: 6, api_key: one}}]");
    assert_ne!(first, other);
    let twins = ids("model_list: [{model_name: a, litellm_params: {model: x/a, api_key: one}}, \
         {model_name: a, litellm_params: {model: x/a, api_key: two}}]");
    assert_ne!(twins[0], twins[1]);
    assert!(twins[0].len() == 32 && twins[0].chars().all(|c| c.is_ascii_hexdigit()));
}

#[test]
fn an_id_given_twice_is_refused() {
    let found = refused(
        "model_list:\n  - {model_name: a, litellm_params: {model: x/a}, model_info: {id: one}}\n  \
         - {model_name: b, litellm_params: {model: x/b}, model_info: {id: one}}\n",
    );
    assert_eq!(
        found,
        ["config.yaml:3:68: error: model_list[1].model_info.id: another deployment has this id, on line 2"]
    );
}

#[test]
fn wildcards_of_a_model_need_wildcards_in_its_name() {
    for good in [
        "{model_name: 'x/*', litellm_params: {model: 'x/*'}}",
        "{model_name: '*', litellm_params: {model: '*'}}",
    ] {
        assert!(load(&format!("model_list: [{good}]")).warnings.is_empty());
    }
    let found = refused("model_list: [{model_name: a, litellm_params: {model: 'x/*'}}]");
    assert!(found[0].contains("litellm_params.model: has a `*`, but the model's name has none"), "{found:?}");
    let found = refused("model_list: [{model_name: 'a/*', litellm_params: {model: 'x/*/*'}}]");
    assert!(found[0].contains("has 2 `*`"), "{found:?}");
}

#[test]
fn each_organization_of_a_list_becomes_a_deployment() {
    let models = load("model_list: [{model_name: a, litellm_params: {model: x/a, organization: [o1, o2]}}]")
        .config
        .models;
    let organizations: Vec<_> =
        models.iter().map(|model| model.params.organization.as_deref().unwrap()).collect();
    assert_eq!(organizations, ["o1", "o2"]);
    assert_ne!(models[0].info.id, models[1].info.id);
    let models =
        load("model_list: [{model_name: a, litellm_params: {model: x/a, organization: o1}}]").config.models;
    assert_eq!(models[0].params.organization.as_deref(), Some("o1"));
}

#[test]
fn information_is_kept_whole() {
    let text = "model_list: [{model_name: a, litellm_params: {model: x/a}, \
                model_info: {id: one, mode: chat, supports_vision: true, max_tokens: 8192, note: {a: [1]}}}]";
    let loaded = load(text);
    let info = &loaded.config.models[0].info;
    assert_eq!((info.id.as_str(), info.mode.as_deref()), ("one", Some("chat")));
    assert_eq!(info.extra["supports_vision"], true);
    assert_eq!(info.extra["note"]["a"][0], 1);
    assert_eq!(info.extra["id"], "one");
    assert!(loaded.warnings.is_empty());
}

#[test]
fn the_echo_model_can_be_made_slow_and_faulty() {
    let text = "model_list: [{model_name: e, litellm_params: {model: llmux/echo, \
                echo: {first_byte: 200ms, between: 10ms, status: 429, retry_after: 3, cut_after: 4}}}]";
    let echo = &load(text).config.models[0].params.echo;
    assert_eq!((echo.first_byte, echo.between), (Duration::from_millis(200), Duration::from_millis(10)));
    assert_eq!(
        (echo.status, echo.retry_after, echo.cut_after),
        (Some(429), Some(Duration::from_secs(3)), Some(4))
    );
}

#[test]
fn an_unset_item_of_a_list_is_left_out() {
    let text = "model_list: [{model_name: a, litellm_params: {model: x/a, allowed_openai_params: [x, os.environ/NO, y]}}]";
    let loaded = loader(&[]).load_str(text, "c.yaml").unwrap();
    assert_eq!(loaded.config.models[0].params.allowed_openai_params, ["x", "y"]);
    assert_eq!(loaded.warnings.len(), 1);
}

#[test]
fn a_deployment_that_comes_later_is_checked_and_completed_like_those_of_the_file() {
    let text = "
credential_list: [{ credential_name: shared, credential_values: { api_key: sk-shared } }]
router_settings: { default_litellm_params: { timeout: 9 } }
";
    let defaults = load(text).defaults;
    let none = |_: &str| None;
    let set = |name: &str| (name == "BASE").then(|| "https://later/v1".to_owned());
    let later = r#"{"model_name": "a", "litellm_params": {"model": "openai/a", "litellm_credential_name": "shared",
        "api_base": "os.environ/BASE", "timeuot": 1}, "model_info": {"id": "x", "note": "é\u00e9😀"}}"#;
    let (model, odd) = defaults.model(later, &set).unwrap();
    assert_eq!(model.params.api_key.as_ref().unwrap().expose_secret(), "sk-shared");
    assert_eq!(model.params.api_base.as_ref().unwrap().as_str(), "https://later/v1");
    assert_eq!((model.params.timeout, model.info.id.as_str()), (Some(Duration::from_secs(9)), "x"));
    assert_eq!(model.info.extra["note"], "éé😀");
    assert!(odd.len() == 1 && odd[0].suggestion.as_ref().unwrap().contains("timeout"), "{odd:?}");
    for (wrong, word) in [
        (r#"{"model_name": "a", "litellm_params": {"model": "openai/a"}}"#, "the id is missing"),
        (
            r#"{"model_name": "a", "litellm_params": {"model": "o/*"}, "model_info": {"id": "x"}}"#,
            "has a `*`",
        ),
        ("[]", "expected a mapping"),
        ("{", ""),
        (
            r#"{"model_name": "a", "litellm_params": {"model": "a/b", "organization": ["a", "b"]}, "model_info": {"id": "x"}}"#,
            "one organization",
        ),
    ] {
        let report = defaults.model(wrong, &none).unwrap_err().to_string();
        assert!(report.contains(word) && !report.is_empty(), "{wrong}: {report}");
    }
}
