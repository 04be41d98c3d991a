//! The workspace as Cargo describes it, and its Rust files.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// One member of the workspace.
pub(crate) struct Member {
    /// The package's name.
    pub(crate) name: String,
    /// The folder of its manifest.
    pub(crate) dir: PathBuf,
    /// Packages it is built with, optional ones included; development and build dependencies are not.
    pub(crate) dependencies: BTreeSet<String>,
    /// The names of its integration-test binaries.
    pub(crate) test_binaries: Vec<String>,
}

impl Member {
    /// Whether it is one of the programs, not a library.
    pub(crate) fn is_binary(&self) -> bool {
        self.dir.parent().is_some_and(|parent| parent.ends_with("bins"))
    }

    /// Whether it is one of the programs that show how the libraries are used.
    pub(crate) fn is_example(&self) -> bool {
        self.dir.parent().is_some_and(|parent| parent.ends_with("examples"))
    }
}

/// The folder that holds the workspace's manifest.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).expect("the test kit lies two folders below the root").to_path_buf()
}

/// Every member, by name.
pub(crate) fn members() -> Vec<Member> {
    let output = cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&output).expect("cargo metadata prints JSON");
    let mut members: Vec<Member> = list(&metadata, "packages").iter().map(member).collect();
    members.sort_by(|a, b| a.name.cmp(&b.name));
    members
}

/// Everything that ends up in a build of `package` on this machine with its default features, itself
/// included. Unlike `cargo metadata`, `cargo tree` does not mix in the features that other members ask for.
pub(crate) fn closure(package: &str) -> BTreeSet<String> {
    let tree =
        cargo(&["tree", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    tree.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// The Rust files under `dir`, sorted; none when there is no such folder.
pub(crate) fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.expect("a folder's entry can be read").path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// `path` as it is written from the workspace's root, for messages.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// What a file says.
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn member(package: &Value) -> Member {
    let manifest = PathBuf::from(text(package, "manifest_path"));
    let normal = |dependency: &&Value| dependency.get("kind").is_none_or(Value::is_null);
    let is_test = |target: &&Value| list(target, "kind").iter().any(|kind| kind == "test");
    Member {
        name: text(package, "name"),
        dir: manifest.parent().expect("a manifest lies in a folder").to_path_buf(),
        dependencies: list(package, "dependencies").iter().filter(normal).map(|d| text(d, "name")).collect(),
        test_binaries: list(package, "targets").iter().filter(is_test).map(|t| text(t, "name")).collect(),
    }
}

fn cargo(arguments: &[&str]) -> String {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program).args(arguments).current_dir(root()).output().expect("cargo runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {}: {complaint}", arguments.join(" "));
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}
