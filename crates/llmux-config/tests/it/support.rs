//! Loading texts with a given environment and files.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use llmux_config::{Loaded, Loader, Report, Severity};

/// A loader that sees these variables and no files.
pub(crate) fn loader(variables: &[(&str, &str)]) -> Loader {
    with_files(variables, &[])
}

/// A loader that sees these variables and files.
pub(crate) fn with_files(variables: &[(&str, &str)], files: &[(&str, &str)]) -> Loader {
    let own = |pairs: &[(&str, &str)]| -> HashMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let (variables, files) = (own(variables), own(files));
    Loader::new(move |name| variables.get(name).cloned()).with_files(move |path: &Path| {
        let text = files.get(&path.display().to_string());
        text.map(|text| text.as_bytes().to_vec()).ok_or_else(|| io::ErrorKind::NotFound.into())
    })
}

/// Loads a text that must be usable.
pub(crate) fn load(text: &str) -> Loaded {
    loader(&[]).load_str(text, "config.yaml").unwrap()
}

/// Loads a text that must be refused, and gives what is said about it.
pub(crate) fn refused(text: &str) -> Vec<String> {
    lines(&loader(&[]).load_str(text, "config.yaml").unwrap_err())
}

/// The errors and warnings of a report.
pub(crate) fn lines(report: &Report) -> Vec<String> {
    assert!(report.problems.iter().any(|problem| problem.severity == Severity::Error));
    report.problems.iter().map(ToString::to_string).collect()
}

/// The warnings about a text that must be usable.
pub(crate) fn warnings(text: &str) -> Vec<String> {
    load(text).warnings.iter().map(ToString::to_string).collect()
}
