//! References to the environment, and starting from it alone.

use llmux_config::WellKnown;
use secrecy::ExposeSecret;

use crate::support::{lines, loader};

#[test]
fn references_take_the_type_that_is_expected() {
    let text = "
model_list: [{model_name: a, litellm_params: {model: os.environ/MODEL, rpm: os.environ/RPM, temperature: os.environ/T}}]
server: {watch: os.environ/WATCH, idle_timeout: 'os.environ/IDLE'}
";
    let variables = [("MODEL", "openai/a"), ("RPM", "12"), ("T", "0.5"), ("WATCH", "False"), ("IDLE", "3s")];
    let loaded = loader(&variables).load_str(text, "c.yaml").unwrap();
    let params = &loaded.config.models[0].params;
    assert_eq!((params.model.as_str(), params.rpm), ("openai/a", Some(12)));
    assert_eq!(params.defaults["temperature"], 0.5);
    assert!(!loaded.config.server.watch);
    assert_eq!(loaded.config.server.idle_timeout.as_secs(), 3);
    assert!(loaded.warnings.is_empty());
}

#[test]
fn an_unset_variable_counts_as_no_value_and_is_named() {
    let text =
        "model_list: [{model_name: a, litellm_params: {model: openai/a, api_key: os.environ/NO_SUCH}}]";
    let loaded = loader(&[]).load_str(text, "c.yaml").unwrap();
    assert!(loaded.config.models[0].params.api_key.is_none());
    let warning = loaded.warnings[0].to_string();
    assert!(warning.contains("api_key: the environment variable `NO_SUCH` is not set"), "{warning}");
}

#[test]
fn an_unset_master_key_or_model_is_an_error() {
    let found = lines(&loader(&[]).load_str("general: {master_key: os.environ/NO}", "c.yaml").unwrap_err());
    assert_eq!(
        found,
        ["c.yaml:1:23: error: general.master_key: the environment variable `NO` is not set, \
          so anybody could call"]
    );
    let text = "model_list: [{model_name: a, litellm_params: {model: os.environ/NO}}]";
    let report = loader(&[]).load_str(text, "c.yaml").unwrap_err();
    assert!(lines(&report).iter().any(|line| line.contains("`model` has no value")), "{report}");
}

#[test]
fn environment_variables_of_the_file_come_first_and_may_refer_to_others() {
    let text = "
environment_variables: {KEY: own, DERIVED: os.environ/OUTSIDE, NUMBER: 5, FLAG: true}
model_list: [{model_name: a, litellm_params: {model: openai/a, api_key: os.environ/KEY}}]
general_settings: {master_key: os.environ/DERIVED}
server: {watch: os.environ/FLAG, port: os.environ/NUMBER}
";
    let loaded = loader(&[("KEY", "outer"), ("OUTSIDE", "sk-far")]).load_str(text, "c.yaml").unwrap();
    assert_eq!(loaded.config.models[0].params.api_key.as_ref().unwrap().expose_secret(), "own");
    assert_eq!(loaded.config.general.master_key.as_ref().unwrap().expose_secret(), "sk-far");
    assert_eq!(loaded.config.server.port, 5);
    assert_eq!(loaded.environment.get("DERIVED"), Some("sk-far"));
    assert_eq!(loaded.environment.get("NUMBER"), Some("5"));
    assert_eq!(loaded.environment.get("OUTSIDE"), None);
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

#[test]
fn without_a_file_each_provider_with_a_key_is_served_and_always_echo() {
    const KNOWN: &[WellKnown] = &[
        WellKnown { provider: "openai", env_key: "OPENAI_API_KEY", env_base: Some("OPENAI_BASE_URL") },
        WellKnown { provider: "anthropic", env_key: "ANTHROPIC_API_KEY", env_base: None },
        WellKnown { provider: "groq", env_key: "GROQ_API_KEY", env_base: Some("GROQ_BASE") },
    ];
    let variables = [
        ("OPENAI_API_KEY", "sk-o"),
        ("OPENAI_BASE_URL", "http://localhost:1/v1"),
        ("ANTHROPIC_API_KEY", " "),
        ("GROQ_API_KEY", "g"),
        ("GROQ_BASE", "nonsense"),
        ("LLMUX_MASTER_KEY", "sk-m"),
    ];
    let loaded = loader(&variables).from_environment(KNOWN);
    let models = &loaded.config.models;
    let names: Vec<_> = models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["openai/*", "groq/*", "llmux/echo"]);
    assert_eq!(models[0].params.api_key.as_ref().unwrap().expose_secret(), "sk-o");
    assert_eq!(models[0].params.api_base.as_ref().unwrap().as_str(), "http://localhost:1/v1");
    assert_eq!(models[2].params.model, "llmux/echo");
    assert!(models.iter().all(|model| model.info.id.len() == 32));
    assert!(loaded.config.general.master_key.is_some());
    assert_eq!(loaded.warnings.len(), 1);
    assert!(loaded.files.is_empty());
    assert_eq!(loader(&[]).from_environment(KNOWN).config.models.len(), 1);
}
