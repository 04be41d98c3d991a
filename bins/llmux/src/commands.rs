//! One module per subcommand.

pub(crate) mod bench;
pub(crate) mod chat;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod models;
pub(crate) mod route;

use std::process::ExitCode;

use crate::cli::Command;
use crate::terminal::Terminal;

/// Runs a subcommand; its failures are the caller's to show.
pub(crate) async fn run(command: Command, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
    match command {
        Command::Config(command) => config::run(command, terminal),
        Command::Models(args) => models::run(args, terminal).await,
        Command::Route(command) => route::run(command, terminal).await,
        Command::Chat(args) => chat::run(args, terminal).await,
        Command::Bench(args) => bench::run(args, terminal).await,
        Command::Completions(args) => completions::run(args, terminal),
    }
}
