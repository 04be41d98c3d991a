//! Any bytes as a configuration file: it loads or is reported, with places, and loads the same way twice. What variables
//! give is shown only where the configuration holds names.
#![no_main]

use std::io;

use libfuzzer_sys::fuzz_target;
use llmux_config::{Config, Loader};

/// What every variable holds that is set.
const CANARY: &str = "sk-canary";

fuzz_target!(|data: &[u8]| {
    let environment = |name: &str| (name == "KEY").then(|| CANARY.to_owned());
    let loader = Loader::new(environment).with_files(|_| Err(io::ErrorKind::NotFound.into()));
    let load = |data: &[u8]| match loader.load_bytes(data, "config.yaml") {
        Ok(loaded) => {
            let shown = format!("{:?} {:?}", loaded.config, loaded.environment);
            (shown, format!("{:?} {:?}", loaded.warnings, without_names(loaded.config)))
        }
        Err(report) => {
            assert!(!report.problems.is_empty(), "a refusal says why");
            (String::new(), report.to_string())
        }
    };
    let (config, discreet) = load(data);
    assert_eq!((config, discreet.clone()), load(data));
    // Unless the file itself says it.
    let given = data.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
    assert!(given || !discreet.contains(CANARY), "a value of the environment is shown: {discreet}");
});

/// The configuration without the fields that are names and plain words, which `Debug` may show wherever they come from.
/// Any other field shows nothing of a variable's value: it is a secret, a number, a choice or an address without its
/// credentials, or an object whose values are not shown.
fn without_names(mut config: Config) -> Config {
    config.server.host.clear();
    config.server.tls = None;
    config.server.cors = None;
    config.general.completion_model = None;
    config.general.litellm_key_header_name = None;
    for alias in config.router.model_group_alias.values_mut() {
        alias.model.clear();
    }
    for model in &mut config.models {
        model.name.clear();
        model.info.id.clear();
        model.info.mode = None;
        let params = &mut model.params;
        params.model.clear();
        params.provider = None;
        params.litellm_credential_name = None;
        params.api_version = None;
        params.organization = None;
        params.mock_response = None;
        params.additional_drop_params.clear();
        params.allowed_openai_params.clear();
    }
    config
}
