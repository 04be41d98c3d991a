//! Several files as one.

use std::path::PathBuf;

use crate::support::{lines, with_files};

#[test]
fn lists_are_joined_and_anything_else_is_replaced() {
    let loader = with_files(
        &[],
        &[
            (
                "etc/main.yaml",
                "include: [more/models.yaml]\nmodel_list: [{model_name: a, litellm_params: {model: x/a}}]\n\
                 litellm_settings: {drop_params: true, num_retries: 9}\n",
            ),
            (
                "etc/more/models.yaml",
                "models: [{name: b, params: {model: x/b}}]\nlitellm_settings: {json_logs: true}\n\
                 include: [deep.yaml]\n",
            ),
            ("etc/more/deep.yaml", "model_list: [{model_name: c, litellm_params: {model: x/c}}]\n"),
        ],
    );
    let loaded = loader.load("etc/main.yaml").unwrap();
    let names: Vec<_> = loaded.config.models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert!(!loaded.config.litellm.drop_params);
    assert_eq!(loaded.config.litellm.num_retries, None);
    assert!(loaded.config.litellm.json_logs);
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let files = ["etc/main.yaml", "etc/more/models.yaml", "etc/more/deep.yaml"].map(PathBuf::from);
    assert_eq!(loaded.files, files);
}

#[test]
fn a_file_that_was_read_already_is_skipped() {
    let loader = with_files(
        &[],
        &[
            ("a.yaml", "include: [b.yaml, ./b.yaml]\nmodel_list: []\n"),
            (
                "b.yaml",
                "include: [x/../a.yaml]\nmodel_list: [{model_name: b, litellm_params: {model: x/b}}]\n",
            ),
        ],
    );
    assert_eq!(loader.load("a.yaml").unwrap().config.models.len(), 1);
}

#[test]
fn problems_name_the_file_in_which_they_stand() {
    let loader = with_files(
        &[],
        &[
            ("a.yaml", "model_list: [{model_name: a, litellm_params: {model: x/a}}]\ninclude: [b.yaml]\n"),
            ("b.yaml", "model_list:\n  - model_name: b\n    litellm_params: {model: x/b, rpm: many}\n"),
        ],
    );
    assert_eq!(
        lines(&loader.load("a.yaml").unwrap_err()),
        ["b.yaml:3:39: error: model_list[0].litellm_params.rpm: expected a whole number from 0, found text"]
    );
}

#[test]
fn a_missing_file_is_an_error() {
    let loader = with_files(&[], &[("a.yaml", "server: {}\ninclude:\n  - gone.yaml\n")]);
    let found = lines(&loader.load("a.yaml").unwrap_err());
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("a.yaml:3:5: error: include: `gone.yaml` cannot be read: "), "{found:?}");
    let found = lines(&loader.load("nowhere.yaml").unwrap_err());
    assert!(found[0].starts_with("nowhere.yaml: error: cannot be read: "), "{found:?}");
}

#[test]
fn the_folder_of_the_first_file_is_the_second_place_to_look() {
    let loader = with_files(
        &[],
        &[
            ("etc/a.yaml", "include: [sub/b.yaml]"),
            ("etc/sub/b.yaml", "include: [c.yaml]"),
            ("etc/c.yaml", "server: {port: 5}"),
        ],
    );
    let loaded = loader.load("etc/a.yaml").unwrap();
    assert_eq!(loaded.config.server.port, 5);
    assert_eq!(loaded.warnings.len(), 1);
}

#[test]
fn real_files_are_read_from_disk() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), "include: [b.yaml]").unwrap();
    std::fs::write(folder.path().join("b.yaml"), "server: {port: 6}").unwrap();
    let loaded = llmux_config::Loader::new(|_| None).load(folder.path().join("a.yaml")).unwrap();
    assert_eq!(loaded.config.server.port, 6);
    assert_eq!(loaded.files.len(), 2);
}

#[test]
fn an_include_that_is_no_list_of_paths_is_refused() {
    let loader = with_files(&[], &[("a.yaml", "include: b.yaml"), ("c.yaml", "include: [[b]]")]);
    assert!(lines(&loader.load("a.yaml").unwrap_err())[0].contains("expected a list of paths, found text"));
    assert!(
        lines(&loader.load("c.yaml").unwrap_err())[0].contains("include[0]: expected a path, found a list")
    );
}
