//! Files of the repository that follow from the tables, or must agree with them.
//!
//! `LLMUX_BLESS=1` rewrites what is generated.

use std::fs;
use std::path::{Path, PathBuf};

use llmux_config::Loader;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compares a generated text with a file, or rewrites the file when asked to.
fn agree(path: &Path, generated: &str) {
    if std::env::var_os("LLMUX_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, generated).unwrap();
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(committed == generated, "{} is out of date: run the tests with LLMUX_BLESS=1", path.display());
}

#[test]
fn the_schema_in_the_repository_is_current() {
    let schema = serde_json::to_string_pretty(&llmux_config::schema()).unwrap() + "\n";
    agree(&repository().join("schema/llmux-config.schema.json"), &schema);
}

#[test]
fn the_reference_in_the_guide_is_current() {
    const BEGIN: &str = "<!-- keys: begin -->\n";
    const END: &str = "\n<!-- keys: end -->";
    let path = repository().join("docs/configuration.md");
    let guide = fs::read_to_string(&path).unwrap();
    let (before, rest) = guide.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    agree(&path, &format!("{before}{BEGIN}{}{END}{after}", llmux_config::reference()));
}

#[test]
fn the_examples_of_the_guide_load() {
    let guide = fs::read_to_string(repository().join("docs/configuration.md")).unwrap();
    let mut loaded = 0;
    for block in guide.split("```yaml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let loader = Loader::new(|_| Some("1".to_owned())).with_files(|_| Ok(b"server: {}".to_vec()));
        let result = loader.load_str(text, "guide.yaml");
        assert!(result.is_ok_and(|loaded| loaded.warnings.is_empty()), "{text}");
        loaded += 1;
    }
    assert!(loaded > 3);
}

#[test]
fn the_example_files_load_without_a_problem_and_fit_the_schema() {
    let validator = jsonschema::validator_for(&llmux_config::schema()).unwrap();
    let mut count = 0;
    for file in fs::read_dir(repository().join("examples/configs")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let loader = Loader::new(|name| Some(format!("value-of-{name}")));
        let loaded = loader.load(&path).unwrap_or_else(|report| panic!("{report}"));
        assert!(loaded.warnings.is_empty(), "{}: {:?}", path.display(), loaded.warnings);
        assert!(!loaded.config.models.is_empty(), "{}", path.display());
        let text = fs::read_to_string(&path).unwrap();
        let mut document: yaml_serde::Value = yaml_serde::from_str(&text).unwrap();
        document.apply_merge().unwrap();
        let document = serde_json::to_value(document).unwrap();
        let errors: Vec<_> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        count += 1;
    }
    assert!(count >= 5);
}
