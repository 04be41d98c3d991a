//! What is found again.

use llmux_journal::{Flush, Journal, Options};

use crate::{drain, segments, write};

#[test]
fn what_was_not_acknowledged_is_found_after_a_restart_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path()).with_segment(200);
    write(&options, 0..100);
    write(&options, 100..150);
    let (journal, mut reader) = Journal::<u64>::open(&options).unwrap();
    assert_eq!(drain(&mut reader), (0..150).collect::<Vec<_>>());
    assert!(segments(folder.path(), "journal").is_empty(), "what was acknowledged is removed");
    drop(journal);
    let (_journal, mut reader) = Journal::<u64>::open(&options).unwrap();
    assert_eq!(drain(&mut reader), Vec::<u64>::new());
}

#[test]
fn the_same_records_come_again_until_they_are_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path());
    write(&options, 0..5);
    let (_journal, mut reader) = Journal::<u64>::open(&options).unwrap();
    let first = reader.read(2).unwrap();
    assert_eq!(first.records.len(), 2);
    assert_eq!(reader.read(2).unwrap(), first);
    reader.acknowledge().unwrap();
    assert_eq!(drain(&mut reader), [2, 3, 4]);
}

#[tokio::test]
async fn a_reader_follows_the_writer_and_clears_away_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    for flush in [Flush::Never, Flush::Always, Flush::Every(std::time::Duration::from_millis(1))] {
        let options = Options::new(folder.path()).with_segment(100).with_flush(flush);
        let (journal, mut reader) = Journal::open(&options).unwrap();
        for number in 0_u64..40 {
            assert!(journal.record_durably(number).await);
            assert!(reader.wait().await);
            assert_eq!(drain(&mut reader), [number]);
        }
        assert!(segments(folder.path(), "journal").len() <= 1, "only what is written now remains");
        assert_eq!(journal.close().written, 40);
        assert!(!reader.wait().await, "nothing more can come");
        assert_eq!(drain(&mut reader), Vec::<u64>::new());
        assert!(segments(folder.path(), "journal").is_empty(), "after an orderly end nothing comes again");
    }
}

#[test]
fn two_processes_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path());
    let first = Journal::<u64>::open(&options).unwrap();
    assert!(Journal::<u64>::open(&options).is_err());
    drop(first);
    assert!(Journal::<u64>::open(&options).is_ok());
}
