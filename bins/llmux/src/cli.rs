//! The command line as a type.

use clap::{Parser, Subcommand, ValueEnum};

use crate::commands::{bench, chat, completions, config, models, route};

/// The command line of LLMux.
///
/// Exit status: 0 when all went well, 1 when something failed (a bad configuration, a refused request),
/// 2 when the command line itself is wrong.
#[derive(Debug, Parser)]
#[command(name = "llmux", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// When to colour the output.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: Color,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a configuration file, or print its schema.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// List the models that a server offers.
    Models(models::ModelsArgs),
    /// Say how a server chooses deployments.
    #[command(subcommand)]
    Route(route::RouteCommand),
    /// Talk to a model.
    Chat(chat::ChatArgs),
    /// Put load on an OpenAI-compatible server and measure its answers.
    Bench(bench::BenchArgs),
    /// Print a completion script for a shell.
    Completions(completions::CompletionsArgs),
}

/// When output is coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn colour_may_follow_the_subcommand() {
        let cli = Cli::try_parse_from(["llmux", "models", "--color", "never"]).unwrap();
        assert_eq!(cli.color, Color::Never);
    }
}
