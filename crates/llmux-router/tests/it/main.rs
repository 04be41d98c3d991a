//! The router: over a scripted transport for its rules, over real sockets for what can go wrong on the way.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod allocations;
mod asking;
mod builtin;
mod choice;
mod cooldowns;
mod cost;
mod crowd;
mod fallbacks;
mod faults;
mod filters;
mod holding_back;
mod hosts;
mod jobs;
mod leaving;
mod names;
mod properties;
mod replay;
mod replicas;
mod retries;
mod scheduling;
mod signing;
mod simulation;
mod streams;
mod tags;
mod timeouts;
