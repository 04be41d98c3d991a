//! What other replicas say through the store that they share: anybody who reaches it can say it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llmux_router::fuzzing::report;

fuzz_target!(|data: &[u8]| {
    assert!(report(data), "what was read can be written and read again");
});
