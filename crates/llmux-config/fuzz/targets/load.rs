//! Any bytes as a configuration file: it loads or is reported, with places, and loads the same way twice.
#![no_main]

use std::io;

use libfuzzer_sys::fuzz_target;
use llmux_config::Loader;

fuzz_target!(|data: &[u8]| {
    let environment = |name: &str| (name == "KEY").then(|| "sk-canary".to_owned());
    let loader = Loader::new(environment).with_files(|_| Err(io::ErrorKind::NotFound.into()));
    let told = |data: &[u8]| match loader.load_bytes(data, "config.yaml") {
        Ok(loaded) => format!("{:?} {:?}", loaded.config, loaded.warnings),
        Err(report) => {
            assert!(!report.problems.is_empty(), "a refusal says why");
            report.to_string()
        }
    };
    let first = told(data);
    assert_eq!(first, told(data));
    // Unless the file itself says it.
    let given = data.windows(9).any(|window| window == b"sk-canary");
    assert!(given || !first.contains("sk-canary"), "a secret of the environment is shown");
});
