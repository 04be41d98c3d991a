//! What lies in a segment, however damaged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmux_journal::record::{Found, read, write};

fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    while !rest.is_empty() {
        let size = match read(rest, 7) {
            Found::Record { payload, size } => {
                let mut again = Vec::new();
                assert!(write(payload, 7, &mut again));
                assert_eq!(again, rest[..size], "a record is written as it was read");
                size
            }
            Found::Damage { size } => size,
            Found::Cut { wanted } => {
                assert!(wanted > rest.len(), "more is wanted than there is");
                1
            }
        };
        assert!(size > 0 && size <= rest.len(), "each step goes on, and not beyond the end");
        rest = &rest[size..];
    }
});
