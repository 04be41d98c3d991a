//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::PathBuf;

use crate::source::Position;

/// How bad a [`Problem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The configuration can be used, though probably not as it was meant.
    Warning,
    /// The configuration cannot be used.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One mistake, with its place. Never holds a configured value that could be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Whether the configuration can still be used.
    pub severity: Severity,
    /// The file in which the mistake stands.
    pub file: PathBuf,
    /// Line, from 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// Column in characters, from 1; 0 when the file as a whole is meant.
    pub column: usize,
    /// The path of the key as the file spells it, such as `model_list[1].litellm_params.rpm`; may be empty.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it, when that is known.
    pub suggestion: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}: ", self.severity)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

/// Why a configuration was refused: at least one error, and the warnings met on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// All problems, ordered by file and place.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}

/// Collects problems while a configuration is read.
#[derive(Default)]
pub(crate) struct Problems {
    found: Vec<Problem>,
}

impl Problems {
    /// Records an error at a place.
    pub(crate) fn error(&mut self, at: &Position, key: &str, message: impl Into<String>) {
        self.push(Severity::Error, at, key, message.into(), None);
    }

    /// Records an error together with a remedy.
    pub(crate) fn error_with(
        &mut self,
        at: &Position,
        key: &str,
        message: impl Into<String>,
        remedy: Option<String>,
    ) {
        self.push(Severity::Error, at, key, message.into(), remedy);
    }

    /// Records a warning at a place.
    pub(crate) fn warn(&mut self, at: &Position, key: &str, message: impl Into<String>) {
        self.push(Severity::Warning, at, key, message.into(), None);
    }

    /// Records a warning together with a remedy.
    pub(crate) fn warn_with(
        &mut self,
        at: &Position,
        key: &str,
        message: impl Into<String>,
        remedy: Option<String>,
    ) {
        self.push(Severity::Warning, at, key, message.into(), remedy);
    }

    fn push(
        &mut self,
        severity: Severity,
        at: &Position,
        key: &str,
        message: String,
        suggestion: Option<String>,
    ) {
        let problem = Problem {
            severity,
            file: at.file.to_path_buf(),
            line: at.line,
            column: at.column,
            key: key.to_owned(),
            message,
            suggestion,
        };
        // A node that an alias repeats would repeat its mistakes.
        if !self.found.iter().rev().take(64).any(|seen| *seen == problem) {
            self.found.push(problem);
        }
    }

    /// Whether an error was recorded.
    pub(crate) fn has_errors(&self) -> bool {
        self.found.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// The problems by place; files stay in the order in which they were first complained about.
    pub(crate) fn into_sorted(self) -> Vec<Problem> {
        let mut files: Vec<PathBuf> = Vec::new();
        for problem in &self.found {
            if !files.contains(&problem.file) {
                files.push(problem.file.clone());
            }
        }
        let mut sorted = self.found;
        sorted.sort_by_key(|problem| {
            (files.iter().position(|file| *file == problem.file), problem.line, problem.column)
        });
        sorted
    }
}
