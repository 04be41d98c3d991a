//! The table of `docs/routing.md` that names a test for each rule.

use crate::structure::{
    assert_kept,
    workspace::{read, root},
};

/// Where files without a folder are.
const FOLDER: &str = "crates/llmux-router/tests/it";

#[test]
fn every_rule_of_routing_is_proved_by_tests_that_exist() {
    let text = read(&root().join("docs/routing.md"));
    let table = text.split("<!-- rules: begin -->").nth(1);
    let table = table.and_then(|rest| rest.split("<!-- rules: end -->").next());
    let rows =
        table.expect("docs/routing.md has a table of rules").lines().filter(|line| line.starts_with("| "));
    let (mut broken, mut count) = (Vec::new(), 0);
    for row in rows.skip(2) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, rule, file, tests, _] = cells.as_slice() else {
            broken.push(format!("no row of three cells: {row}"));
            continue;
        };
        let file = file.trim_matches('`');
        let path = if file.contains('/') { file.to_owned() } else { format!("{FOLDER}/{file}") };
        let source = std::fs::read_to_string(root().join(&path)).unwrap_or_default();
        for test in tests.split('`').skip(1).step_by(2) {
            count += 1;
            if !source.contains(&format!("fn {test}(")) {
                broken.push(format!("{rule}: {path} has no test `{test}`"));
            }
        }
    }
    assert!(count > 80, "the table names tests: {count}");
    assert_kept("docs/routing.md names tests that exist", &broken);
}
