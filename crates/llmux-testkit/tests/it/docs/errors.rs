//! The tables of `docs/errors.md`, made from `llmux_core::ErrorKind` and the words that document its variants.

use std::fmt::Write as _;

use http::StatusCode;
use llmux_core::{Error, ErrorKind, Retry};

use super::markdown::agree;
use crate::structure::workspace::{read, root};

const KINDS: &[ErrorKind] = &[
    ErrorKind::InvalidRequest,
    ErrorKind::UnsupportedParameter,
    ErrorKind::ContextWindowExceeded,
    ErrorKind::ContentPolicy,
    ErrorKind::Authentication,
    ErrorKind::PaymentRequired,
    ErrorKind::PermissionDenied,
    ErrorKind::NotFound,
    ErrorKind::MethodNotAllowed,
    ErrorKind::Timeout,
    ErrorKind::Conflict,
    ErrorKind::PayloadTooLarge,
    ErrorKind::Unprocessable,
    ErrorKind::RateLimited,
    ErrorKind::ClientClosed,
    ErrorKind::Internal,
    ErrorKind::ProviderFault,
    ErrorKind::Connection,
    ErrorKind::BadReply,
    ErrorKind::Unavailable,
    ErrorKind::CoolingDown,
];

const STATUSES: &[u16] = &[400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 524, 529];

#[test]
fn the_table_of_kinds_is_the_one_of_the_code() {
    let mut table = String::from(
        "| Kind | Status | `type` for OpenAI's SDKs | `type` for Anthropic's | Retry | When |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    let variants = variants();
    assert_eq!(variants.len(), KINDS.len(), "KINDS lists every kind");
    for (kind, (variant, meaning)) in KINDS.iter().zip(&variants) {
        assert_eq!(format!("{kind:?}"), *variant, "KINDS has the order of the code");
        let retry = match Error::upstream(*kind, "").retry() {
            Retry::Anywhere => "anywhere",
            Retry::Elsewhere => "elsewhere",
            _ => "never",
        };
        let (name, status) = (kind.as_str(), kind.default_status().as_u16());
        let (openai, anthropic) = (kind.openai_type(), kind.anthropic_type());
        writeln!(table, "| `{name}` | {status} | `{openai}` | `{anthropic}` | {retry} | {meaning} |")
            .expect("text can be written");
    }
    agree("docs/errors.md", "kinds", &table);
}

#[test]
fn the_table_of_statuses_is_the_one_of_the_code() {
    let mut table = String::from("| Status | Kind |\n| --- | --- |\n");
    for status in STATUSES {
        let kind = ErrorKind::from_status(StatusCode::from_u16(*status).expect("a status"));
        writeln!(table, "| {status} | `{}` |", kind.as_str()).expect("text can be written");
    }
    agree("docs/errors.md", "statuses", &table);
}

/// The variants of the enum as the source has them, each with its documentation.
fn variants() -> Vec<(String, String)> {
    let source = read(&root().join("crates/llmux-core/src/error.rs"));
    let body = source.split("pub enum ErrorKind {").nth(1).and_then(|rest| rest.split("\n}").next());
    let mut found = Vec::new();
    let mut words = String::new();
    for line in body.expect("the enum is in the source").lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            words.push_str(text);
        } else if let Some(name) = line.strip_suffix(',') {
            found.push((name.to_owned(), std::mem::take(&mut words).trim().trim_end_matches('.').to_owned()));
        }
    }
    found
}
