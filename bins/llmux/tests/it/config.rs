use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::run::llmux;

const VALID: &str = "\
model_list:
  - model_name: small
    litellm_params: { model: llmux/echo }
";

fn write(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

async fn check(text: &str, flags: &[&str]) -> (i32, String) {
    let (_folder, path) = write(text);
    let mut args = vec!["config", "check", path.to_str().unwrap()];
    args.extend(flags);
    let outcome = llmux(&args).await;
    (outcome.code, outcome.out)
}

#[tokio::test]
async fn a_valid_file_is_called_valid() {
    let (code, out) = check(VALID, &[]).await;
    assert_eq!(code, 0, "{out}");
    assert!(out.ends_with("config.yaml: valid, 1 model entry, 0 warnings\n"), "{out}");
}

#[tokio::test]
async fn every_mistake_is_reported_with_its_place() {
    let (code, out) = check("model_list: 5\ngeneral_settings:\n  master_key: \"\"\n", &[]).await;
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("config.yaml:1:") && out.contains("config.yaml:3:"), "{out}");
    assert!(out.contains("not usable, 2 errors"), "{out}");
}

#[tokio::test]
async fn warnings_fail_only_a_strict_check() {
    let text = format!("{VALID}modle_list: []\n");
    let (code, out) = check(&text, &[]).await;
    assert!(code == 0 && out.contains("warning"), "{code}: {out}");
    assert_eq!(check(&text, &["--strict"]).await.0, 1);
}

#[tokio::test]
async fn a_missing_file_is_an_error() {
    let outcome = llmux(&["config", "check", "/nonexistent/config.yaml"]).await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.out.contains("cannot be read"), "{}", outcome.out);
}

#[tokio::test]
async fn the_schema_is_a_json_schema() {
    let outcome = llmux(&["config", "schema"]).await;
    let schema: Value = serde_json::from_str(&outcome.out).unwrap();
    assert!(schema["properties"]["model_list"].is_object(), "{schema}");
}
