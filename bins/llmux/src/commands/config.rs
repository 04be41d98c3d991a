//! `llmux config`: check a configuration file, or print its schema.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use llmux_config::{Loader, Problem, Severity};

use crate::terminal::{Style, Terminal};

/// The subcommands of `llmux config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Report every mistake in a configuration file and what it includes.
    Check(CheckArgs),
    /// Print the JSON schema of the configuration file, for editors.
    Schema,
}

/// Arguments of `llmux config check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The file to check.
    #[arg(env = "CONFIG_FILE_PATH", default_value = "config.yaml")]
    file: PathBuf,

    /// Fail on warnings too.
    #[arg(long)]
    strict: bool,
}

/// Runs a subcommand of `llmux config`.
pub(crate) fn run(command: ConfigCommand, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Check(args) => check(&args, terminal),
        ConfigCommand::Schema => {
            writeln!(terminal.out(), "{:#}", llmux_config::schema())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn check(args: &CheckArgs, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
    // References into the environment are looked up as the proxy would, so unset ones are found.
    let loader = Loader::new(|name| env::var(name).ok());
    let (models, problems) = match loader.load(&args.file) {
        Ok(loaded) => (Some(loaded.config.models.len()), loaded.warnings),
        Err(report) => (None, report.problems),
    };
    for problem in &problems {
        print(problem, terminal)?;
    }
    summarize(&args.file, models, &problems, terminal)?;
    let good = models.is_some() && (problems.is_empty() || !args.strict);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `file:line:column: severity: key: message`, which editors and CI understand, and the remedy below.
fn print(problem: &Problem, terminal: &mut Terminal) -> anyhow::Result<()> {
    let style = match problem.severity {
        Severity::Error => Style::Bad,
        Severity::Warning => Style::Doubtful,
    };
    let mut place = problem.file.display().to_string();
    if problem.line > 0 {
        place = format!("{place}:{}:{}", problem.line, problem.column);
    }
    let severity = terminal.paint(style, format!("{}:", problem.severity));
    let key = if problem.key.is_empty() { String::new() } else { format!("{}: ", problem.key) };
    writeln!(terminal.out(), "{place}: {severity} {key}{}", problem.message)?;
    if let Some(remedy) = &problem.suggestion {
        let remedy = terminal.paint(Style::Dim, remedy);
        writeln!(terminal.out(), "    {remedy}")?;
    }
    Ok(())
}

fn summarize(
    file: &Path,
    models: Option<usize>,
    problems: &[Problem],
    terminal: &mut Terminal,
) -> anyhow::Result<()> {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let warnings = problems.len() - errors;
    let verdict = match models {
        Some(models) => {
            terminal.paint(Style::Good, format!("valid, {}", count(models, "model entry", "model entries")))
        }
        None => terminal.paint(Style::Bad, format!("not usable, {}", count(errors, "error", "errors"))),
    };
    let warnings = count(warnings, "warning", "warnings");
    writeln!(terminal.out(), "{}: {verdict}, {warnings}", file.display())?;
    Ok(())
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_know_their_plural() {
        assert_eq!(
            (count(1, "error", "errors"), count(0, "error", "errors")),
            ("1 error".into(), "0 errors".into())
        );
    }
}
