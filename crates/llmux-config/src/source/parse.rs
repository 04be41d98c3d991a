//! Parser events to a tree: anchors and merge keys resolved, depth and size bounded.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::{Entry, Node, Position, Scalar, Style, Value};
use crate::problem::Problems;

/// Nesting beyond which a file is refused.
const MAX_DEPTH: usize = 64;
/// Values beyond which a file is refused, aliases written out.
const MAX_NODES: usize = 500_000;

/// Parses one YAML document. Gives nothing when the text is not YAML or holds nothing; says why in `problems`.
pub(crate) fn parse(text: &str, file: &Arc<Path>, problems: &mut Problems) -> Option<Node> {
    let mut builder = Builder {
        file,
        problems,
        stack: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        documents: 0,
        root: None,
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let at = builder.position(error.marker());
                builder.problems.error(&at, "", format!("invalid YAML: {}", error.info()));
                return None;
            }
        };
        let at = builder.position(&span.start);
        builder.event(event, at)?;
    }
    match builder.root {
        Some(Node { value: Value::Null, .. }) | None => {
            problems.error(&Position::of_file(file), "", "the file is empty");
            None
        }
        root => root,
    }
}

struct Builder<'a> {
    file: &'a Arc<Path>,
    problems: &'a mut Problems,
    stack: Vec<Frame>,
    /// Finished anchored nodes with their size.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    documents: usize,
    root: Option<Node>,
}

/// A collection that is still open.
struct Frame {
    at: Position,
    anchor: usize,
    /// `nodes` when it was opened, for its size.
    opened: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, seen: HashSet<String>, key: Option<PendingKey>, merged: Vec<Node> },
}

struct PendingKey {
    text: String,
    at: Position,
    merges: bool,
}

impl Builder<'_> {
    fn position(&self, marker: &Marker) -> Position {
        Position { file: Arc::clone(self.file), line: marker.line().max(1), column: marker.col() + 1 }
    }

    /// Takes one event; `None` stops reading.
    fn event(&mut self, event: Event<'_>, at: Position) -> Option<()> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.problems.error(&at, "", "a second YAML document: only one is read");
                    return None;
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = self.scalar(&text, style, tag.as_deref(), &at);
                self.count(1, &at)?;
                self.finish(Node { at, value }, anchor, 1);
            }
            Event::SequenceStart(anchor, _) => self.open(at, anchor, Content::List(Vec::new()))?,
            Event::MappingStart(anchor, _) => {
                let content =
                    Content::Map { entries: Vec::new(), seen: HashSet::new(), key: None, merged: Vec::new() };
                self.open(at, anchor, content)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    self.problems.error(&at, "", "this alias refers to a value that contains it");
                    return None;
                };
                self.count(size, &at)?;
                self.finish(node, 0, size);
            }
            _ => {}
        }
        Some(())
    }

    fn count(&mut self, nodes: usize, at: &Position) -> Option<()> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            self.problems.error(at, "", format!("more than {MAX_NODES} values, aliases written out"));
            return None;
        }
        Some(())
    }

    fn open(&mut self, at: Position, anchor: usize, content: Content) -> Option<()> {
        if self.stack.len() >= MAX_DEPTH {
            self.problems.error(&at, "", format!("nested deeper than {MAX_DEPTH} levels"));
            return None;
        }
        let opened = self.nodes;
        self.count(1, &at)?;
        self.stack.push(Frame { at, anchor, opened, content });
        Some(())
    }

    fn close(&mut self) {
        let Some(frame) = self.stack.pop() else { return };
        let size = self.nodes - frame.opened;
        let value = match frame.content {
            Content::List(items) => Value::List(items),
            Content::Map { mut entries, mut seen, merged, .. } => {
                for node in merged {
                    self.merge(node, &mut entries, &mut seen);
                }
                Value::Map(entries)
            }
        };
        self.finish(Node { at: frame.at, value }, frame.anchor, size);
    }

    /// Hands a finished node to whatever surrounds it.
    fn finish(&mut self, node: Node, anchor: usize, size: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut frame.content {
            Content::List(items) => items.push(node),
            Content::Map { entries, seen, key, merged } => match key.take() {
                None => *key = Some(pending_key(node, self.problems)),
                Some(key) if key.merges => merged.push(node),
                Some(PendingKey { text, at, .. }) => {
                    if !seen.insert(text.clone()) {
                        self.problems.warn(&at, &text, "given twice: the last value counts");
                        entries.retain(|entry| entry.key != text);
                    }
                    entries.push(Entry { key: text, at, value: node });
                }
            },
        }
    }

    /// Adds the keys of a `<<` value that the mapping itself does not have.
    fn merge(&mut self, node: Node, entries: &mut Vec<Entry>, seen: &mut HashSet<String>) {
        let sources = match node.value {
            Value::List(items) => items,
            _ => vec![node],
        };
        for source in sources {
            match source.value {
                Value::Map(inherited) => {
                    for entry in inherited {
                        if seen.insert(entry.key.clone()) {
                            entries.push(entry);
                        }
                    }
                }
                _ => self.problems.error(&source.at, "<<", "expected a mapping or a list of mappings"),
            }
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, at: &Position) -> Value {
        let suffix = tag.map(|tag| (tag.is_yaml_core_schema(), tag.suffix.as_str()));
        let style = match (suffix, style) {
            (Some((true, "str")), _) => Style::Quoted,
            (Some((true, "int" | "float" | "bool" | "null")), _) | (None, ScalarStyle::Plain) => Style::Plain,
            (None, _) => Style::Quoted,
            (Some(_), _) => {
                self.problems.error(at, "", "this YAML tag is not known here");
                Style::Quoted
            }
        };
        if style == Style::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
            return Value::Null;
        }
        Value::Scalar(Scalar { text: text.to_owned(), style })
    }
}

fn pending_key(node: Node, problems: &mut Problems) -> PendingKey {
    let at = node.at;
    match node.value {
        Value::Scalar(Scalar { text, style }) => {
            let merges = style == Style::Plain && text == "<<";
            PendingKey { text, at, merges }
        }
        Value::Null => PendingKey { text: "null".to_owned(), at, merges: false },
        _ => {
            problems.error(&at, "", "a key must be text");
            PendingKey { text: String::new(), at, merges: false }
        }
    }
}
