//! The table of crates in `ARCHITECTURE.md`.

use std::collections::BTreeMap;

use crate::structure::{
    assert_kept,
    workspace::{members, read, root},
};

#[test]
fn the_table_of_crates_is_the_workspace() {
    let text = read(&root().join("ARCHITECTURE.md"));
    let table = text
        .split("<!-- crates: begin -->")
        .nth(1)
        .and_then(|rest| rest.split("<!-- crates: end -->").next());
    let rows =
        table.expect("ARCHITECTURE.md has a table of crates").lines().filter(|line| line.starts_with("| `"));
    let told: BTreeMap<String, Vec<String>> = rows.filter_map(row).collect();

    let mut broken = Vec::new();
    let members = members();
    let members: Vec<_> = members.iter().filter(|member| !member.is_example()).collect();
    for member in &members {
        let ours = member.dependencies.iter().filter(|name| *name == "llmux" || name.starts_with("llmux-"));
        let mut real: Vec<String> = ours.map(|name| short(name)).collect();
        real.sort();
        match told.get(&member.name) {
            Some(told) if *told == real => {}
            Some(told) => broken.push(format!("{} depends on {real:?}, not on {told:?}", member.name)),
            None => broken.push(format!("{} is missing", member.name)),
        }
    }
    let gone = told.keys().filter(|name| !members.iter().any(|member| member.name == **name));
    broken.extend(gone.map(|name| format!("{name} is no member")));
    assert_kept("the table of crates in ARCHITECTURE.md is the real one", &broken);
}

/// The crate of a row, and what the row says it depends on.
fn row(line: &str) -> Option<(String, Vec<String>)> {
    let mut cells = line.split('|').skip(1).map(str::trim);
    let name = cells.next()?.trim_matches('`').to_owned();
    let mut dependencies: Vec<String> =
        cells.nth(1)?.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    dependencies.sort();
    Some((name, dependencies))
}

fn short(name: &str) -> String {
    name.strip_prefix("llmux-").unwrap_or(name).to_owned()
}
