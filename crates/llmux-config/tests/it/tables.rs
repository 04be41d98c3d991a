//! The tables, the typed configuration and the schema describe the same thing.

use serde_json::Value;

use crate::support::{load, loader};

/// A value that fits a property of the schema.
fn sample(schema: &Value, root: &Value) -> Value {
    if let Some(link) = schema["$ref"].as_str() {
        let name = link.rsplit('/').next().unwrap();
        return sample(&root["$defs"][name], root);
    }
    if let Some(first) = schema["anyOf"].get(0) {
        return sample(first, root);
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match schema["type"].as_str().or_else(|| schema["type"][0].as_str()) {
        Some("boolean") => true.into(),
        Some("string") if schema.get("pattern").is_some() => "http://host/v1".into(),
        Some("string") => "word".into(),
        Some("number" | "integer") => 200.into(),
        Some("array") => Value::Array(vec![sample(&schema["items"], root)]),
        Some("object") => object(schema, root),
        _ => "anything".into(),
    }
}

/// An object with every supported key under its canonical name.
fn object(schema: &Value, root: &Value) -> Value {
    if schema["additionalProperties"].get("$ref").is_some() {
        return serde_json::json!({ "name": sample(&schema["additionalProperties"], root) });
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return serde_json::json!({ "name": "word" });
    };
    let described = |property: &Value| property["description"].as_str().unwrap_or_default().to_owned();
    let skip = ["Known but not supported", "The same as", "Always on", "Further files"];
    properties
        .iter()
        .filter(|(name, property)| {
            !skip.iter().any(|skip| described(property).contains(skip)) && *name != "environment_variables"
        })
        .map(|(name, property)| (name.clone(), sample(property, root)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn every_supported_key_has_a_typed_home_and_fits_the_schema() {
    let schema = llmux_config::schema();
    let mut everything = object(&schema, &schema);
    everything["credential_list"][0]["credential_name"] = "word".into();
    let endpoint = &mut everything["general_settings"]["pass_through_endpoints"][0];
    (endpoint["path"], endpoint["methods"]) = ("/word".into(), serde_json::json!(["GET"]));
    let text = everything.to_string();
    assert!(text.contains("drain_timeout") && text.contains("additional_drop_params"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(
        validator.is_valid(&everything),
        "{:?}",
        validator.iter_errors(&everything).map(|e| e.to_string()).collect::<Vec<_>>()
    );
    let loaded = loader(&[]).load_str(&text, "all.yaml").unwrap();
    let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert!(warnings.iter().all(|warning| warning.contains("stands for")), "{warnings:#?}");
}

#[test]
fn the_defaults_that_the_tables_state_are_the_defaults() {
    let text = llmux_config::reference();
    let unset = format!("{:?}", load("server: {}").config);
    let mut checked = 0;
    for section in ["server", "router_settings", "logging", "general_settings", "litellm_settings"] {
        let heading = format!("### `{section}`\n");
        let table = text.split(&heading).nth(1).unwrap().split("\n### ").next().unwrap();
        for row in table.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<_> = row.split(" | ").collect();
            let key = cells[0].trim_start_matches("| ").split(", ").next().unwrap().trim_matches('`');
            let default = cells[2].trim_matches('`');
            if default == "—" || default.contains(' ') {
                continue;
            }
            let set = load(&format!("{section}: {{{key}: {default}}}"));
            let set = format!("{:?}", set.config).replace("Some(0)", "None");
            assert_eq!(set, unset, "{section}.{key}");
            checked += 1;
        }
    }
    assert!(checked > 20, "{checked}");
}
