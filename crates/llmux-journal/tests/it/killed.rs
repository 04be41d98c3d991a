//! A process that is killed while it writes loses nothing that was confirmed.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use llmux_journal::{Journal, Options};

use crate::drain;

const FOLDER: &str = "LLMUX_TEST_JOURNAL";

/// What the killed process runs: it says each number when it is confirmed, and never ends.
#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let (journal, _reader) = Journal::open(&Options::new(folder).with_segment(2_000)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut out = std::io::stdout();
    let first = u64::from(std::process::id()) * 1_000_000;
    for number in first.. {
        // Others are on their way at any time.
        journal.record(number + 500_000);
        if runtime.block_on(journal.record_durably(number)) {
            writeln!(out, "confirmed {number}").unwrap();
        }
    }
}

#[test]
fn every_confirmed_event_of_killed_processes_is_found_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut confirmed = Vec::new();
    for after in [1, 40, 333] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::child", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let number = |line: String| line.split("confirmed ").nth(1)?.trim().parse::<u64>().ok();
        confirmed.extend(lines.by_ref().filter_map(number).take(after));
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it died.
        confirmed.extend(lines.filter_map(number));
    }
    assert!(confirmed.len() >= 374);
    let (_journal, mut reader) = Journal::<u64>::open(&Options::new(folder.path())).unwrap();
    let mut found = BTreeMap::<u64, usize>::new();
    for number in drain(&mut reader) {
        *found.entry(number).or_default() += 1;
    }
    assert!(found.values().all(|count| *count == 1), "nothing is found twice");
    let missing: Vec<_> = confirmed.iter().filter(|number| !found.contains_key(number)).collect();
    assert!(missing.is_empty(), "confirmed and lost: {missing:?}");
}
