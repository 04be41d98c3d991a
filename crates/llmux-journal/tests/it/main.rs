//! The journal from outside: on real files, through restarts, damage and a killed process.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod damage;
mod disk;
mod killed;
mod restart;
mod ship;

use std::path::PathBuf;

use llmux_journal::{Journal, Options, Reader};

/// The segments of a folder that end so, by name.
fn segments(folder: &std::path::Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries.filter(|path| path.extension().is_some_and(|is| is == ending)).collect();
    found.sort();
    found
}

/// Writes these numbers and closes the journal.
fn write(options: &Options, numbers: impl IntoIterator<Item = u64>) {
    let (journal, _reader) = Journal::open(options).unwrap();
    for number in numbers {
        assert!(journal.record(number));
    }
    assert_eq!(journal.close().lost, 0);
}

/// All numbers that can be read now, acknowledged as they come.
fn drain(reader: &mut Reader) -> Vec<u64> {
    let mut all = Vec::new();
    loop {
        let batch = reader.read(7).unwrap();
        if batch.records.is_empty() {
            return all;
        }
        all.extend(batch.records.iter().map(|record| serde_json::from_slice::<u64>(record).unwrap()));
        reader.acknowledge().unwrap();
    }
}
