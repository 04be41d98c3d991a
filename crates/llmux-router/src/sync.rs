//! What the lock-free parts are made of. The models of `crates/llmux-router/loom` put loom's in their place.

pub(crate) use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicU64, AtomicUsize, Ordering, fence},
};
use std::sync::{LockResult, PoisonError};

/// What a lock guards, also when somebody panicked with it: nothing is left half done.
pub(crate) fn unpoisoned<T>(locked: LockResult<T>) -> T {
    locked.unwrap_or_else(PoisonError::into_inner)
}
