//! What every Rust file must keep to.

use std::path::{Path, PathBuf};

use super::assert_kept;
use super::workspace::{members, read, root, rust_files, shown};

/// The longest a file may be, its test module aside.
const FILE_LINES: usize = 500;
/// The longest a function may be, blank lines and comments aside.
const FUNCTION_LINES: usize = 70;
/// Names that say nothing of what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "misc", "mod"];

#[test]
fn files_stay_short_enough_to_read_in_one_go() {
    let lengths = library_files().into_iter().map(|path| {
        let lines = without_tests(&read(&path)).count();
        (path, lines)
    });
    let long = lengths.filter(|(_, lines)| *lines > FILE_LINES);
    let broken: Vec<String> = long.map(|(path, lines)| format!("{}: {lines} lines", shown(&path))).collect();
    assert_kept(&format!("a file has at most {FILE_LINES} lines besides its tests: split it"), &broken);
}

#[test]
fn functions_stay_short_enough_to_see_at_once() {
    let mut broken = Vec::new();
    for path in all_files() {
        let text = read(&path);
        let long = functions(&text).into_iter().filter(|function| function.lines > FUNCTION_LINES);
        broken.extend(long.map(|f| format!("{}:{}: fn {}: {} lines", shown(&path), f.at, f.name, f.lines)));
    }
    assert_kept(&format!("a function has at most {FUNCTION_LINES} lines of code: split it"), &broken);
}

#[test]
fn modules_are_named_after_what_they_hold() {
    let empty = |path: &PathBuf| {
        path.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| EMPTY_NAMES.contains(&stem))
    };
    let broken: Vec<String> = all_files().iter().filter(|path| empty(path)).map(|path| shown(path)).collect();
    assert_kept("no module is called utils, helpers, common or misc; write foo.rs, not foo/mod.rs", &broken);
}

#[test]
fn only_programs_read_the_environment() {
    let needles = ["env::var(", "env::var_os(", "env::vars(", "env::vars_os("];
    let broken = found_in_libraries(&["llmux-testkit"], &needles);
    assert_kept("libraries are handed values: only bins/ and tests read environment variables", &broken);
}

#[test]
fn only_the_transport_connects_to_providers() {
    let needles = ["hyper_util::client", "hyper::client", "TcpStream::connect"];
    let broken = found_in_libraries(&["llmux-http", "llmux-testkit"], &needles);
    assert_kept("llmux-http is the only way out: give it the request", &broken);
}

/// Places in the libraries' own code, tests aside, that hold one of `needles`.
fn found_in_libraries(except: &[&str], needles: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let libraries = members().into_iter().filter(|member| !member.is_binary() && !member.is_example());
    for member in libraries.filter(|member| !except.contains(&member.name.as_str())) {
        for path in rust_files(&member.dir.join("src")).iter().filter(|path| !is_test_file(path)) {
            let text = read(path);
            let code = without_tests(&text).filter(|(_, line)| !is_comment(line));
            let hits = code.filter(|(_, line)| needles.iter().any(|needle| line.contains(needle)));
            found.extend(hits.map(|(number, line)| format!("{}:{number}: {}", shown(path), line.trim())));
        }
    }
    found
}

fn library_files() -> Vec<PathBuf> {
    let sources = members().into_iter().flat_map(|member| rust_files(&member.dir.join("src")));
    sources.filter(|path| !is_test_file(path)).collect()
}

fn all_files() -> Vec<PathBuf> {
    ["crates", "bins", "examples"].iter().flat_map(|folder| rust_files(&root().join(folder))).collect()
}

/// A module of tests in a file of its own: `foo/tests.rs`, or anything below `tests/`.
fn is_test_file(path: &Path) -> bool {
    path.iter().any(|part| part == "tests" || part == "tests.rs")
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// The numbered lines of a file that do not belong to a `#[cfg(test)] mod name { … }`.
fn without_tests(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut kept = Vec::new();
    let mut in_tests = false;
    for (index, line) in lines.iter().enumerate() {
        let next = lines.get(index + 1).copied().unwrap_or_default();
        if *line == "#[cfg(test)]" && next.starts_with("mod ") && next.ends_with('{') {
            in_tests = true;
        }
        if !in_tests {
            kept.push((index + 1, *line));
        }
        // rustfmt puts the closing brace of a module at the margin, and nothing else of it.
        if *line == "}" {
            in_tests = false;
        }
    }
    kept.into_iter()
}

struct Function<'a> {
    name: &'a str,
    at: usize,
    lines: usize,
}

/// The functions of a file laid out by rustfmt: one ends at the first brace that closes at its own indent.
fn functions(text: &str) -> Vec<Function<'_>> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        let ends = |line: &&&str| line.len() == indent + 1 && line.ends_with('}');
        let opened = lines.iter().skip(index).find(|line| line.ends_with(['{', ';', '}']));
        if !opened.is_some_and(|line| line.ends_with('{')) {
            continue;
        }
        let body = lines.iter().skip(index + 1).take_while(|line| !ends(line));
        let code = body.filter(|line| !line.trim().is_empty() && !is_comment(line));
        found.push(Function { name, at: index + 1, lines: code.count() });
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let qualifiers = before.split_whitespace().all(|word| {
        word.starts_with("pub") || ["in", "const", "async", "unsafe", "extern", "\"C\""].contains(&word)
    });
    let end = after.find(['(', '<'])?;
    if qualifiers { after.get(..end) } else { None }
}

#[test]
fn test_modules_do_not_count_as_source() {
    let text = "use a;\n#[cfg(test)]\nmod tests {\n    fn t() {\n    }\n}\nfn f() {}\n";
    assert_eq!(without_tests(text).map(|(number, _)| number).collect::<Vec<_>>(), [1, 7]);
}

#[test]
fn functions_are_measured_to_their_own_closing_brace() {
    let text = "pub(crate) async fn a<T>(\n    x: T,\n) {\n    if x {\n    }\n\n    // why\n    y();\n}\nfn b() {}\n";
    let measured: Vec<_> = functions(text).into_iter().map(|f| (f.name, f.at, f.lines)).collect();
    assert_eq!(measured, [("a", 1, 5)]);
}
