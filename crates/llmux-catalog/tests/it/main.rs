//! The catalogue as others use it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod builtin;
mod costs;
mod deployment;
mod lookup;
mod overlay;
mod properties;
