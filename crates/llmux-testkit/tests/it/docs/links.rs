//! Links between documents, and the paths that they name.

use std::path::Path;

use super::{
    NOT_ABOUT_THIS_TREE,
    markdown::{Document, blocks, documents, prose, spans},
};
use crate::structure::{assert_kept, workspace::root};

/// Where paths begin that documents name.
const FOLDERS: &[&str] =
    &["crates/", "bins/", "examples/", "docs/", "scripts/", "tests/", "schema/", "bench/", ".ci/"];

#[test]
fn every_relative_link_leads_somewhere() {
    let mut broken = Vec::new();
    for document in documents() {
        for (line, target) in links(&document) {
            if let Err(problem) = follow(&document, target) {
                broken.push(format!("{}:{line}: {target}: {problem}", document.name));
            }
        }
    }
    assert_kept("links in Markdown files resolve", &broken);
}

#[test]
fn every_path_that_a_document_names_exists() {
    let mut broken = Vec::new();
    for document in
        documents().iter().filter(|document| !NOT_ABOUT_THIS_TREE.contains(&document.name.as_str()))
    {
        let in_prose =
            prose(&document.text).flat_map(|(line, text)| spans(text).map(move |span| (line, span)));
        let missing =
            in_prose.filter(|(_, span)| is_path(span) && !exists(span) && !is_made_up(document, span));
        broken.extend(missing.map(|(line, path)| format!("{}:{line}: {path}", document.name)));
        for block in
            blocks(&document.text).filter(|block| matches!(block.language.as_str(), "sh" | "console"))
        {
            let paths = block.text.split_whitespace().filter(|word| is_path(word) && !exists(word));
            broken.extend(paths.map(|path| format!("{}:{}: {path}", document.name, block.line)));
        }
    }
    assert_kept("paths in documents exist", &broken);
}

/// The relative links of a document, with their lines.
fn links(document: &Document) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (line, text) in prose(&document.text) {
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        found.extend(targets.filter(|target| !target.contains("://")).map(|target| (line, target)));
    }
    found
}

/// Looks for the file of a link and for the heading behind its `#`.
fn follow(document: &Document, target: &str) -> Result<(), &'static str> {
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() {
        document.path.clone()
    } else {
        document.path.parent().unwrap_or(Path::new("")).join(file)
    };
    if !path.exists() {
        return Err("no such file");
    }
    if heading.is_empty() {
        return Ok(());
    }
    let text = std::fs::read_to_string(&path).map_err(|_| "a heading of something that is no text")?;
    let headings = prose(&text).filter(|(_, line)| line.starts_with('#')).map(|(_, line)| anchor(line));
    if headings.into_iter().any(|anchor| anchor == heading) { Ok(()) } else { Err("no such heading") }
}

/// The name by which a heading is linked to.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Whether a text is a path of this tree, and not a pattern or a placeholder.
fn is_path(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    FOLDERS.iter().any(|folder| text.starts_with(folder)) && text.chars().all(plain)
}

fn exists(path: &str) -> bool {
    root().join(path).exists()
}

/// Whether a guide tells its reader to make this file, or a command writes it.
fn is_made_up(document: &Document, path: &str) -> bool {
    let made_up = ["example.rs", "first.rs"];
    let by_reader =
        document.name.starts_with("docs/adding-") && made_up.iter().any(|name| path.ends_with(name));
    by_reader || path.starts_with("bench/out/")
}

#[test]
fn headings_are_linked_to_as_forges_do_it() {
    assert_eq!(anchor("## Seams, and where a new part goes"), "seams-and-where-a-new-part-goes");
    assert_eq!(anchor("# `llmux config check`"), "llmux-config-check");
}
