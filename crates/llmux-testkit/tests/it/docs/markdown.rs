//! The Markdown files of the repository, as far as the checks read them.

use std::{env, fs, path::PathBuf};

use crate::structure::workspace::{read, root};

/// One Markdown file.
pub(super) struct Document {
    /// Its path from the root.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// The files that users and contributors read: those of the root, and everything below `docs`.
pub(super) fn documents() -> Vec<Document> {
    let mut files = Vec::new();
    for folder in ["", "docs", "docs/decisions"] {
        let entries = fs::read_dir(root().join(folder)).expect("the folder exists");
        let names = entries.map(|entry| entry.expect("an entry can be read").file_name());
        let names = names.filter_map(|name| name.into_string().ok()).filter(|name| name.ends_with(".md"));
        files.extend(names.map(|name| format!("{folder}/{name}").trim_start_matches('/').to_owned()));
    }
    files.sort();
    let document = |name: String| {
        let path = root().join(&name);
        Document { text: read(&path), name, path }
    };
    files.into_iter().map(document).collect()
}

/// A fenced block.
pub(super) struct Block {
    /// The word after the fence.
    pub(super) language: String,
    /// The line of its fence, from 1.
    pub(super) line: usize,
    pub(super) text: String,
}

/// The fenced blocks of a document.
pub(super) fn blocks(text: &str) -> impl Iterator<Item = Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in (1..).zip(text.lines()) {
        match (line.strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                open = Some(Block { language: language.to_owned(), line: number, text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fenced block is not closed");
    blocks.into_iter()
}

/// The numbered lines outside fenced blocks.
pub(super) fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let fence = line.starts_with("```");
        inside ^= fence;
        !inside && !fence
    })
}

/// The pieces of a line between backticks.
pub(super) fn spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Compares what stands between two marks of a document with what follows from the code, or rewrites it.
pub(super) fn agree(name: &str, mark: &str, generated: &str) {
    let path = root().join(name);
    let text = read(&path);
    let (begin, end) = (format!("<!-- {mark}: begin -->\n"), format!("<!-- {mark}: end -->"));
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{name} has no mark `{mark}`"));
    let (there, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{name}: `{mark}` has no end"));
    if there == generated {
        return;
    }
    if env::var_os("LLMUX_BLESS").is_some() {
        fs::write(&path, format!("{before}{begin}{generated}{end}{after}")).expect("the document is written");
        return;
    }
    panic!("{name}: the table `{mark}` is out of date: run the tests with LLMUX_BLESS=1\n{generated}");
}

#[test]
fn blocks_and_prose_are_told_apart() {
    let text = "a `b` c\n```yaml\nk: v\n```\nend\n";
    let found: Vec<_> = blocks(text).map(|block| (block.language, block.line, block.text)).collect();
    assert_eq!(found, [("yaml".to_owned(), 2, "k: v\n".to_owned())]);
    assert_eq!(prose(text).collect::<Vec<_>>(), [(1, "a `b` c"), (5, "end")]);
    assert_eq!(spans("a `b` c `d`").collect::<Vec<_>>(), ["b", "d"]);
}
