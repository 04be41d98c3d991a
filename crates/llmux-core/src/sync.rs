//! What the counters are made of. The models of `crates/llmux-router/loom` put loom's in their place.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
