//! What every member's manifest must say.

use super::assert_kept;
use super::workspace::{members, read, shown};

#[test]
fn every_member_inherits_the_lints_of_the_workspace() {
    let mut broken = Vec::new();
    for member in members() {
        let path = member.dir.join("Cargo.toml");
        let lints: Vec<String> = section(&read(&path), "lints").collect();
        if lints != ["workspace = true"] {
            broken.push(shown(&path));
        }
    }
    assert_kept("each manifest has `[lints]` with `workspace = true` and no lints of its own", &broken);
}

#[test]
fn versions_of_dependencies_are_chosen_once_for_the_whole_workspace() {
    let mut broken = Vec::new();
    for member in members() {
        let path = member.dir.join("Cargo.toml");
        let manifest = read(&path);
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let own = section(&manifest, table).filter(|line| !inherits(line));
            broken.extend(own.map(|line| format!("{}: [{table}] {line}", shown(&path))));
        }
    }
    assert_kept("write `name.workspace = true` and the version in the root's manifest", &broken);
}

#[test]
fn each_member_has_one_integration_test_binary_at_most() {
    let members = members();
    let broken = members.iter().filter(|member| {
        let names: Vec<&str> = member.test_binaries.iter().map(String::as_str).collect();
        !names.is_empty() && names != ["it"]
    });
    let broken: Vec<String> =
        broken.map(|member| format!("{}: {:?}", member.name, member.test_binaries)).collect();
    assert_kept(
        "integration tests are modules of tests/it/main.rs: every further binary links again",
        &broken,
    );
}

/// The lines of one table of a manifest, comments and blank lines left out.
fn section(manifest: &str, name: &str) -> impl Iterator<Item = String> {
    let header = format!("[{name}]");
    let lines: Vec<String> = manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != header)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    lines.into_iter()
}

fn inherits(line: &str) -> bool {
    line.contains(".workspace = true") || line.contains("workspace = true")
}

#[test]
fn a_section_ends_where_the_next_one_begins() {
    let manifest = "[a]\nx = 1\n\n# why\ny.workspace = true\n[b]\nz = 2\n";
    assert_eq!(section(manifest, "a").collect::<Vec<_>>(), ["x = 1", "y.workspace = true"]);
    assert_eq!(section(manifest, "b").collect::<Vec<_>>(), ["z = 2"]);
    assert_eq!(section(manifest, "c").count(), 0);
}
