//! Pain point 40: nothing that could be a secret is ever shown.

use crate::support::{lines, loader};

const CANARY: &str = "canary-7f3a91";

#[test]
fn pain_point_40_a_usable_configuration_shows_no_secret() {
    let text = format!(
        "
environment_variables: {{SOME_KEY: {CANARY}-env}}
credential_list: [{{credential_name: c, credential_values: {{api_key: {CANARY}-cred}}}}]
general_settings: {{master_key: {CANARY}-master, database_url: 'postgres://u:{CANARY}@h/d'}}
model_list:
  - model_name: a
    litellm_params:
      model: openai/a
      api_key: {CANARY}-key
      api_base: 'https://user:{CANARY}@host/v1?key={CANARY}'
      extra_headers: {{authorization: Bearer {CANARY}}}
      extra_body: {{password: {CANARY}}}
      user: {CANARY}
      aws_secret_access_key: {CANARY}
      vertex_credentials: {{private_key: {CANARY}}}
      unknown_token: {CANARY}
    model_info: {{token: {CANARY}}}
  - model_name: b
    litellm_params: {{model: openai/b, api_key: os.environ/OUTSIDE, credential: c}}
"
    );
    let loaded = loader(&[("OUTSIDE", CANARY)]).load_str(&text, "c.yaml").unwrap();
    assert!(!format!("{loaded:?}").contains(CANARY), "{loaded:?}");
    assert!(!format!("{loaded:#?}").contains(CANARY));
    assert!(loaded.warnings.iter().all(|warning| !warning.to_string().contains(CANARY)));
    assert!(format!("{loaded:?}").contains("https://host/v1"));
}

#[test]
fn pain_point_40_a_secret_in_the_wrong_place_is_not_repeated() {
    let keys = [
        "general_settings: {master_key: {nested: SECRET}, max_request_size_mb: SECRET}",
        "general_settings: SECRET",
        "model_list: [SECRET]",
        "model_list: SECRET",
        "server: {port: SECRET, watch: SECRET, cors: SECRET, max_body_size: SECRET, idle_timeout: 'SECRET'}",
        "model_list: [{model_name: a, litellm_params: SECRET}]",
        "model_list: [{model_name: a, litellm_params: {model: x, api_base: SECRET, extra_headers: [SECRET]}}]",
        "model_list: [{model_name: a, litellm_params: {model: x, litellm_credential_name: SECRET}}]",
        "model_list: [{model_name: a, litellm_params: {model: x, rpm: os.environ/OUTSIDE}}]",
        "router_settings: {routing_strategy: SECRET, model_group_alias: SECRET}",
        "logging: {level: SECRET, format: os.environ/OUTSIDE}",
    ];
    for text in keys {
        let text = text.replace("SECRET", CANARY);
        let report = loader(&[("OUTSIDE", CANARY)]).load_str(&text, "c.yaml").unwrap_err();
        assert!(!lines(&report).concat().contains(CANARY), "{report}");
        assert!(!format!("{report:?}").contains(CANARY), "{report}");
    }
}
