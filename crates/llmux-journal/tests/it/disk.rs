//! What happens when nothing can be written.

use std::fs;

use llmux_journal::{Journal, Options};

use crate::drain;

/// Takes the folder away under the journal, which is what a full or broken disk looks like: no segment can be made.
fn away(folder: &std::path::Path) -> std::path::PathBuf {
    let elsewhere = folder.with_extension("elsewhere");
    fs::rename(folder, &elsewhere).unwrap();
    elsewhere
}

#[tokio::test]
async fn events_wait_in_memory_while_the_disk_is_full_and_are_written_when_it_is_not() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("journal");
    let (journal, mut reader) = Journal::open(&Options::new(&folder)).unwrap();
    let elsewhere = away(&folder);
    for number in 0_u64..10 {
        assert!(journal.record(number), "traffic goes on");
    }
    while !journal.status().stalled {
        tokio::task::yield_now().await;
    }
    assert_eq!(journal.status().held, 10);
    fs::rename(elsewhere, &folder).unwrap();
    assert!(journal.record_durably(10).await);
    assert_eq!(drain(&mut reader), (0..=10).collect::<Vec<_>>());
    let status = journal.close();
    assert_eq!((status.written, status.held, status.lost, status.stalled), (11, 0, 0, false));
}

#[test]
fn beyond_the_bound_events_are_refused_and_counted() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("journal");
    let (journal, _reader) = Journal::open(&Options::new(&folder).with_held(5)).unwrap();
    away(&folder);
    let taken = (0_u64..8).filter(|number| journal.record(*number)).count();
    assert_eq!((taken, journal.status().lost), (5, 3));
    // Nobody waits for ever for a disk that does not come back; what is lost is said.
    let status = journal.close();
    assert_eq!((status.written, status.lost, status.held), (0, 8, 0));
}
