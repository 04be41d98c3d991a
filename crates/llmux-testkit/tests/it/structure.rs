//! The rules of `ARCHITECTURE.md` that a program can check: which crate may depend on which, where the
//! outside world may be touched, and how large a file or a function may grow.

#![expect(clippy::expect_used, clippy::panic, reason = "a rule that cannot be checked is a failed test")]

mod dependencies;
mod manifests;
mod sources;
pub(crate) mod workspace;

/// Fails with every broken rule at once, so that one run shows all there is to mend.
#[track_caller]
pub(crate) fn assert_kept(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}\n  {}\n", broken.join("\n  "));
}
