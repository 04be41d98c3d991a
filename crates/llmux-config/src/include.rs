//! One tree from a file and the files it includes.

use std::collections::HashSet;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::keys::ROOT;
use crate::problem::Problems;
use crate::source::{Entry, Node, Position, Value, parse};

/// Reads a file.
pub(crate) type ReadFile = dyn Fn(&Path) -> io::Result<Vec<u8>> + Send + Sync;

/// Includes within includes beyond which a file is refused.
const MAX_DEPTH: usize = 32;

/// Gathers the files of a configuration.
pub(crate) struct Includer<'a> {
    read: &'a ReadFile,
    problems: &'a mut Problems,
    root_folder: PathBuf,
    seen: HashSet<PathBuf>,
    files: Vec<PathBuf>,
}

impl<'a> Includer<'a> {
    /// An includer that reads with `read` and complains to `problems`.
    pub(crate) fn new(read: &'a ReadFile, problems: &'a mut Problems) -> Self {
        Self { read, problems, root_folder: PathBuf::new(), seen: HashSet::new(), files: Vec::new() }
    }

    /// The entries of the file with all includes merged in, and all files read, this one first.
    pub(crate) fn gather(mut self, bytes: &[u8], path: &Path) -> (Vec<Entry>, Vec<PathBuf>) {
        self.root_folder = folder(path);
        self.seen.insert(plain(path));
        self.files.push(path.to_path_buf());
        let entries = self.file(bytes, path, 0).unwrap_or_default();
        (entries, self.files)
    }

    fn file(&mut self, bytes: &[u8], path: &Path, depth: usize) -> Option<Vec<Entry>> {
        let file: Arc<Path> = Arc::from(path);
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
                let at = Position { file, line, column: 1 };
                self.problems.error(&at, "", "this line is not UTF-8 text");
                return None;
            }
        };
        let root = parse(text, &file, self.problems)?;
        let Value::Map(mut entries) = root.value else {
            let message = format!("expected a mapping of sections, found {}", root.kind());
            self.problems.error(&root.at, "", message);
            return None;
        };
        let includes: Vec<Entry> = entries.extract_if(.., |entry| entry.key == "include").collect();
        let paths: Vec<_> = includes.iter().flat_map(|include| self.paths(&include.value)).collect();
        for included in paths {
            if let Some(more) = self.include(&included, path, depth) {
                merge(&mut entries, more);
            }
        }
        Some(entries)
    }

    /// The paths of an `include` list, each with its place.
    fn paths(&mut self, list: &Node) -> Vec<(String, Position)> {
        let Some(items) = list.items() else {
            if !list.is_idle() {
                self.problems.error(
                    &list.at,
                    "include",
                    format!("expected a list of paths, found {}", list.kind()),
                );
            }
            return Vec::new();
        };
        let mut paths = Vec::new();
        for (index, item) in items {
            match &item.value {
                Value::Scalar(scalar) => paths.push((scalar.text.clone(), item.at.clone())),
                _ => {
                    let message = format!("expected a path, found {}", item.kind());
                    self.problems.error(&item.at, &format!("include[{index}]"), message);
                }
            }
        }
        paths
    }

    fn include(&mut self, (name, at): &(String, Position), from: &Path, depth: usize) -> Option<Vec<Entry>> {
        if depth >= MAX_DEPTH {
            self.problems.error(at, "include", format!("nested deeper than {MAX_DEPTH} includes"));
            return None;
        }
        let here = folder(from).join(name);
        if self.seen.contains(&plain(&here)) {
            return None;
        }
        let (path, bytes) = match (self.read)(&here) {
            Ok(bytes) => (here, bytes),
            Err(error) => {
                let fallback = self.root_folder.join(name);
                if self.seen.contains(&plain(&fallback)) {
                    return None;
                }
                let Ok(bytes) = (self.read)(&fallback) else {
                    let message = format!("`{}` cannot be read: {error}", here.display());
                    self.problems.error(at, "include", message);
                    return None;
                };
                let message =
                    format!("found in the folder of the first file, not in that of `{}`", from.display());
                self.problems.warn(at, "include", message);
                (fallback, bytes)
            }
        };
        self.seen.insert(plain(&path));
        self.files.push(path.clone());
        self.file(&bytes, &path, depth + 1)
    }
}

/// Merges an included file: lists are joined, anything else replaces what was there.
fn merge(base: &mut Vec<Entry>, more: Vec<Entry>) {
    for entry in more {
        let name = ROOT.canonical(&entry.key);
        match base.iter_mut().find(|known| ROOT.canonical(&known.key) == name) {
            None => base.push(entry),
            Some(known) => match (&mut known.value.value, entry.value.value) {
                (Value::List(items), Value::List(more)) => items.extend(more),
                (_, value) => {
                    *known =
                        Entry { value: Node { at: entry.value.at, value }, key: entry.key, at: entry.at };
                }
            },
        }
    }
}

fn folder(path: &Path) -> PathBuf {
    path.parent().map(Path::to_path_buf).unwrap_or_default()
}

/// The path without `.` and `..`, to recognise a file that was read before.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            component => out.push(component),
        }
    }
    out
}
