//! The built-in facts follow from a table of facts.
//!
//! `LLMUX_BLESS=1` writes them anew from the table, where it is there.

use std::{collections::BTreeMap, fs, path::Path};

use llmux_catalog::{Catalogue, Facts, write};
use serde_json::{Value, json};

/// The table, beside the repository.
const TABLE: &str = "../../../shared/facts/model-facts.csv";
const TEXT: &str = "data/models.txt";
const HEAD: &str =
    "# Models and what is known of them; docs/catalogue.md says how to read and how to renew this.\n";

/// Columns of the table and LiteLLM's keys for them.
const KEYS: &[(&str, &str)] = &[
    ("price_input", "input_cost_per_token"),
    ("price_output", "output_cost_per_token"),
    ("price_cache_read", "cache_read_input_token_cost"),
    ("price_cache_write", "cache_creation_input_token_cost"),
    ("price_cache_write_1h", "cache_creation_input_token_cost_above_1hr"),
    ("price_reasoning_output", "output_cost_per_reasoning_token"),
    ("price_audio_input", "input_cost_per_audio_token"),
    ("price_audio_output", "output_cost_per_audio_token"),
    ("price_cache_read_audio", "cache_read_input_audio_token_cost"),
    ("price_image_input_token", "input_cost_per_image_token"),
    ("price_image_output_token", "output_cost_per_image_token"),
    ("price_image_input_each", "input_cost_per_image"),
    ("price_image_output_each", "output_cost_per_image"),
    ("price_input_pixel", "input_cost_per_pixel"),
    ("price_output_pixel", "output_cost_per_pixel"),
    ("price_input_char", "input_cost_per_character"),
    ("price_output_char", "output_cost_per_character"),
    ("price_input_second", "input_cost_per_second"),
    ("price_output_second", "output_cost_per_second"),
    ("price_input_query", "input_cost_per_query"),
    ("price_batch_input", "input_cost_per_token_batches"),
    ("price_batch_output", "output_cost_per_token_batches"),
    ("price_batch_cache_read", "cache_read_input_token_cost_batches"),
    ("price_priority_input", "input_cost_per_token_priority"),
    ("price_priority_output", "output_cost_per_token_priority"),
    ("price_flex_input", "input_cost_per_token_flex"),
    ("price_flex_output", "output_cost_per_token_flex"),
    ("price_search_low", "search_context_size_low"),
    ("price_search_medium", "search_context_size_medium"),
    ("price_search_high", "search_context_size_high"),
    ("function_calling", "supports_function_calling"),
    ("parallel_function_calling", "supports_parallel_function_calling"),
    ("tool_choice", "supports_tool_choice"),
    ("response_schema", "supports_response_schema"),
    ("system_messages", "supports_system_messages"),
    ("vision", "supports_vision"),
    ("pdf_input", "supports_pdf_input"),
    ("audio_input", "supports_audio_input"),
    ("audio_output", "supports_audio_output"),
    ("video_input", "supports_video_input"),
    ("prompt_caching", "supports_prompt_caching"),
    ("reasoning", "supports_reasoning"),
    ("web_search", "supports_web_search"),
    ("assistant_prefill", "supports_assistant_prefill"),
    ("computer_use", "supports_computer_use"),
    ("native_streaming", "supports_native_streaming"),
    ("url_context", "supports_url_context"),
    ("embedding_image_input", "supports_embedding_image_input"),
    ("mode", "mode"),
    ("max_input_tokens", "max_input_tokens"),
    ("max_output_tokens", "max_output_tokens"),
    ("output_vector_size", "output_vector_size"),
    ("deprecation_date", "deprecation_date"),
];

/// LiteLLM's key for a column, also for those of longer prompts: `price_input_above_200k`.
fn key(column: &str) -> Option<String> {
    let (base, ending) = match column.split_once("_above_") {
        Some((base, above)) => (base, format!("_above_{above}_tokens")),
        None => (column, String::new()),
    };
    let (_, key) = KEYS.iter().find(|(known, _)| *known == base)?;
    Some(format!("{key}{ending}"))
}

fn facts(row: &BTreeMap<&str, &str>) -> Facts {
    let mut facts = Facts::default();
    facts.name = row["model"].to_owned().into();
    facts.provider = row["provider"].to_owned().into();
    facts.label = row["provider_label"].to_owned().into();
    facts.endpoints = row["endpoints"].split_whitespace().map(|path| path.to_owned().into()).collect();
    for (column, value) in row.iter().filter(|(_, value)| !value.is_empty()) {
        let Some(key) = key(column) else { continue };
        let value = match *value {
            "0" | "1" if key.starts_with("supports_") => json!(*value == "1"),
            text => Value::from(text),
        };
        assert!(facts.set(&key, &value).unwrap(), "{key}");
    }
    // The old field counts only where there is no better one.
    if let (None, None, Ok(old)) =
        (facts.max_input_tokens, facts.max_output_tokens, row["max_tokens_legacy"].parse())
    {
        facts.max_input_tokens = Some(old);
    }
    facts
}

fn generate(table: &str) -> String {
    let mut lines = table.lines();
    let columns: Vec<_> = lines.next().unwrap().split(',').collect();
    let unknown = ["provider", "provider_label", "model", "endpoints", "max_tokens_legacy"];
    for column in &columns {
        assert!(key(column).is_some() || unknown.contains(column), "the column {column} is not known");
    }
    let rows = lines.map(|line| {
        assert!(!line.contains('"'), "{line}");
        columns.iter().copied().zip(line.split(',')).collect::<BTreeMap<_, _>>()
    });
    let mut lines: Vec<_> = rows.map(|row| (row["model"].to_owned(), write(&facts(&row)))).collect();
    lines.sort();
    lines.iter().fold(HEAD.to_owned(), |text, (_, line)| text + line + "\n")
}

#[test]
fn the_built_in_facts_are_those_of_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Ok(table) = fs::read_to_string(root.join(TABLE)) else { return };
    let (path, generated) = (root.join(TEXT), generate(&table));
    if std::env::var_os("LLMUX_BLESS").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap();
    assert!(committed == generated, "{TEXT} is out of date: run this test with LLMUX_BLESS=1");
}

#[test]
fn all_of_the_built_in_facts_can_be_listed() {
    let all = Catalogue::builtin().all();
    assert!(all.len() > 2000);
    assert!(all.iter().filter(|facts| !facts.rates.is_empty()).count() > 2000);
}
