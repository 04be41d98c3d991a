//! Any bytes as a configuration file: it loads or is reported, with places, and loads the same way twice.
#![no_main]

use std::io;

use libfuzzer_sys::fuzz_target;
use llmux_config::Loader;

fuzz_target!(|data: &[u8]| {
    let environment = |name: &str| (name == "KEY").then(|| "sk-canary".to_owned());
    let loader = Loader::new(environment).with_files(|_| Err(io::ErrorKind::NotFound.into()));
    let load = |data: &[u8]| match loader.load_bytes(data, "config.yaml") {
        Ok(loaded) => (format!("{:?}", loaded.config), format!("{:?}", loaded.warnings)),
        Err(report) => {
            assert!(!report.problems.is_empty(), "a refusal says why");
            (String::new(), report.to_string())
        }
    };
    let (config, messages) = load(data);
    assert_eq!((config, messages.clone()), load(data));
    // Messages repeat no values, wherever a variable stands; what a variable gives to a field that is no secret,
    // such as a model's name, is part of the configuration. Unless the file itself says it.
    let given = data.windows(9).any(|window| window == b"sk-canary");
    assert!(given || !messages.contains("sk-canary"), "a message shows a value of the environment");
});
