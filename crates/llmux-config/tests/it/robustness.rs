//! Whatever the bytes, the loader answers.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{loader, with_files};

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..512)) {
        let _ = loader(&[]).load_bytes(&bytes, "c.yaml");
    }

    #[test]
    fn arbitrary_yaml_like_text_never_panics(pieces in vec(piece(), 0..60)) {
        let text = pieces.concat();
        let files = [("c.yaml", text.as_str()), ("b.yaml", text.as_str())];
        let _ = with_files(&[("A", "true"), ("B", "[x")], &files).load("c.yaml");
    }

    #[test]
    fn any_value_at_any_key_is_accepted_or_explained(key in key(), value in value()) {
        let text = format!("{key}{value}");
        if let Err(report) = loader(&[]).load_str(&text, "c.yaml") {
            prop_assert!(!report.problems.is_empty());
            prop_assert!(!report.to_string().contains("cannot be used"), "{text}\n{report}");
        }
    }
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "model_list:",
        "general_settings:",
        "server:",
        "include:",
        "models:",
        "litellm_params:",
        "model_name:",
        "  ",
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        ": ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "&a ",
        "*a",
        "<<: ",
        "!!str ",
        "!x ",
        "\"",
        "'",
        "|\n",
        ">\n",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "? ",
        "# ",
        "os.environ/A",
        "os.environ/B",
        "true",
        "null",
        "1e9",
        "0x",
        "b.yaml",
        "\t",
        "\u{feff}",
        "é",
        "port:",
        "\r\n",
        "-",
        "\0",
    ])
}

fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "model_list: ",
        "model_list: [{model_name: a, litellm_params: {model: a, timeout: ",
        "credential_list: ",
        "environment_variables: ",
        "general_settings: {master_key: ",
        "router_settings: {model_group_alias: {a: ",
        "server: {max_body_size: ",
        "server: {workers: ",
        "logging: ",
    ])
}

fn value() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "1",
        "-1",
        "0",
        "1.5",
        "1e308",
        "9223372036854775807",
        "18446744073709551616",
        "true",
        "text",
        "''",
        "[]",
        "{}",
        "[[]]",
        "[null]",
        "null",
        "{a: b}",
        "{name: a}",
        "{model: }",
        "'1'",
        ".inf",
        ".nan",
        "0x7f",
        "1_000",
        "9999999999999999999999s",
        "os.environ/X",
    ])
    .prop_flat_map(|value| prop::sample::select(vec!["", "}", "}}", "}}]"]).prop_map(move |end| (value, end)))
    .prop_map(|(value, end)| -> &'static str { Box::leak(format!("{value}{end}").into_boxed_str()) })
}
