//! The YAML that files are written in.

use crate::support::{load, loader, refused, warnings};

#[test]
fn a_syntax_error_has_a_place() {
    let found = refused("model_list:\n  - model_name: \"a\n    b: [1\n");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("config.yaml:"), "{found:?}");
    assert!(found[0].contains("error: invalid YAML: "), "{found:?}");
}

#[test]
fn anchors_aliases_and_merge_keys_work() {
    let text = "
model_list:
  - model_name: a
    litellm_params: &base { model: openai/a, rpm: 5, additional_drop_params: &names [x, y] }
  - model_name: b
    litellm_params: { <<: *base, rpm: 7 }
  - model_name: c
    litellm_params: { model: openai/c, additional_drop_params: *names, <<: [{tpm: 1}, {tpm: 2, rpm: 3}] }
";
    let loaded = load(text);
    let models = &loaded.config.models;
    assert_eq!((models[1].params.model.as_str(), models[1].params.rpm), ("openai/a", Some(7)));
    assert_eq!(models[2].params.additional_drop_params, ["x", "y"]);
    assert_eq!((models[2].params.tpm, models[2].params.rpm), (Some(1), Some(3)));
    assert!(loaded.warnings.is_empty());
}

#[test]
fn a_key_given_twice_is_reported_and_the_last_value_counts() {
    let text = "server:\n  port: 1\n  port: 2\n";
    assert_eq!(load(text).config.server.port, 2);
    assert_eq!(warnings(text), ["config.yaml:3:3: warning: port: given twice: the last value counts"]);
}

#[test]
fn an_empty_file_is_refused() {
    for text in ["", "# only a comment\n", "---\n", "null"] {
        assert_eq!(refused(text), ["config.yaml: error: the file is empty"], "{text}");
    }
}

#[test]
fn anything_but_a_mapping_is_refused() {
    assert_eq!(refused("- a\n"), ["config.yaml:1:1: error: expected a mapping of sections, found a list"]);
}

#[test]
fn text_that_is_not_utf_8_names_the_line() {
    let report = loader(&[]).load_bytes(b"server:\n  host: \xff\n", "c.yaml").unwrap_err();
    assert_eq!(report.to_string(), "c.yaml:2:1: error: this line is not UTF-8 text");
}

#[test]
fn a_byte_order_mark_does_no_harm() {
    assert_eq!(load("\u{feff}server: {port: 9}").config.server.port, 9);
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    assert!(refused(&text)[0].contains("aliases written out"));
}

#[test]
fn depth_is_bounded() {
    let text = format!("model_list: {}1{}", "[".repeat(200), "]".repeat(200));
    assert!(refused(&text)[0].contains("nested deeper"));
}

#[test]
fn a_second_document_is_refused() {
    assert!(refused("server: {}\n---\nserver: {}\n")[0].contains("a second YAML document"));
}

#[test]
fn dates_and_numbers_are_text_where_text_is_expected() {
    let text = "model_list: [{model_name: 4, litellm_params: {model: azure/x, api_version: 2024-02-01}}]";
    let config = load(text).config;
    assert_eq!(config.models[0].name, "4");
    assert_eq!(config.models[0].params.api_version.as_deref(), Some("2024-02-01"));
}
