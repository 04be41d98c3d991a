//! What the documents say and a program can check: links, paths, configurations and tables.
//!
//! `LLMUX_BLESS=1` rewrites the tables that follow from the code.

#![expect(clippy::expect_used, clippy::panic, reason = "a document that cannot be checked is a failed test")]

mod crates;
mod errors;
mod links;
mod markdown;
mod rules;

use llmux_config::Loader;

use crate::structure::assert_kept;
use markdown::{blocks, documents};

/// Documents that name paths and configurations which are not meant to exist here.
const NOT_ABOUT_THIS_TREE: &[&str] = &["CHANGELOG.md"];

#[test]
fn configurations_in_the_documents_load_without_a_word() {
    let mut broken = Vec::new();
    let mut count = 0;
    for document in documents() {
        for block in blocks(&document.text).filter(|block| block.language == "yaml") {
            count += 1;
            let place = format!("{}:{}", document.name, block.line);
            let loader = Loader::new(|_| Some("1".to_owned())).with_files(|_| Ok(b"server: {}".to_vec()));
            match loader.load_str(&block.text, &place) {
                Ok(loaded) => broken.extend(loaded.warnings.iter().map(ToString::to_string)),
                Err(report) => broken.push(report.to_string()),
            }
        }
    }
    assert!(count > 5, "the documents show configurations");
    assert_kept("a block marked `yaml` is a whole configuration; mark other YAML `yml`", &broken);
}
