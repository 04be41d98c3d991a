//! What is damaged costs itself and nothing else, and is kept.

use std::fs;

use llmux_journal::{Journal, Options};
use proptest::prelude::*;

use crate::{drain, segments, write};

/// What is read after the only segment was changed, and whether it was kept for examination.
fn after(change: impl FnOnce(&mut Vec<u8>)) -> (Vec<u64>, bool) {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(folder.path());
    write(&options, 1_000..1_010);
    let segment = segments(folder.path(), "journal").remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    change(&mut bytes);
    fs::write(&segment, bytes).unwrap();
    let (_journal, mut reader) = Journal::<u64>::open(&options).unwrap();
    let found = drain(&mut reader);
    assert!(segments(folder.path(), "journal").is_empty());
    (found, segments(folder.path(), "damaged").len() == 1)
}

#[test]
fn a_torn_tail_is_left_out_and_kept_for_examination() {
    for lost in 1..16 {
        let (found, kept) = after(|bytes| bytes.truncate(bytes.len() - lost));
        assert_eq!((found, kept), ((1_000..1_009).collect(), true), "{lost} bytes cut off");
    }
}

#[test]
fn a_tail_of_zeros_which_a_power_cut_leaves_is_left_out() {
    let (found, kept) = after(|bytes| bytes.extend([0; 4_096]));
    assert_eq!((found, kept), ((1_000..1_010).collect(), true));
}

#[test]
fn a_length_that_promises_too_much_hides_no_record_behind_it() {
    // The second record's length, behind the head of the segment, a whole record and the mark.
    let (found, kept) = after(|bytes| bytes[16 + 16 + 5] = 0x70);
    assert_eq!((found.len(), kept), (9, true));
}

#[test]
fn a_segment_without_its_head_is_kept_whole() {
    assert_eq!(after(|bytes| bytes[0] = b'?'), (Vec::new(), true));
    assert_eq!(after(|bytes| bytes.truncate(3)), (Vec::new(), true));
    assert_eq!(after(Vec::clear), (Vec::new(), false));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn one_damaged_byte_costs_at_most_one_record(at: prop::sample::Index, by in 1_u8..) {
        let (found, kept) = after(|bytes| {
            let at = 16 + at.index(bytes.len() - 16);
            bytes[at] ^= by;
        });
        prop_assert_eq!((found.len(), kept), (9, true));
    }
}
