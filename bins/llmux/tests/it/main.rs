//! The real `llmux` binary against a scripted server.

#![expect(clippy::unwrap_used, reason = "tests")]

mod bench;
mod chat;
mod cli;
mod config;
mod models;
mod route;
mod run;
mod stub;
