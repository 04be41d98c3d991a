//! The kinds of credentials files.

use std::sync::Arc;

use llmux_core::{Error, ErrorKind, ProviderSettings, Result};
use serde_json::Value;

use super::{
    federation::Federation,
    grants::{RefreshToken, ServiceAccount},
    impersonation::Impersonation,
};
use crate::{Clock, Issuer, Token};

/// Most files that may stand in for one another.
const MAX_DEPTH: u8 = 3;

/// What fetches tokens for a credentials file.
pub(super) fn issuer(
    file: &Value,
    settings: &ProviderSettings,
    clock: &Clock,
) -> Result<Arc<dyn Issuer<Token>>> {
    issuer_at(file, settings, clock, 0)
}

fn issuer_at(
    file: &Value,
    settings: &ProviderSettings,
    clock: &Clock,
    depth: u8,
) -> Result<Arc<dyn Issuer<Token>>> {
    let kind = text(file, "type")?;
    Ok(match kind {
        "service_account" => Arc::new(ServiceAccount::read(file, settings, clock)?),
        "authorized_user" | "external_account_authorized_user" => {
            Arc::new(RefreshToken::read(file, settings, clock)?)
        }
        "external_account" => {
            let federation = Arc::new(Federation::read(file, settings, clock)?);
            match file.get("service_account_impersonation_url").and_then(Value::as_str) {
                Some(url) => Arc::new(Impersonation::new(federation, url, settings, clock)),
                None => federation,
            }
        }
        "impersonated_service_account" if depth < MAX_DEPTH => {
            let source = file.get("source_credentials").unwrap_or(&Value::Null);
            let source = issuer_at(source, settings, clock, depth + 1)?;
            let url = text(file, "service_account_impersonation_url")?;
            Arc::new(Impersonation::new(source, url, settings, clock).with_delegates(file.get("delegates")))
        }
        other => {
            let known: String = other.chars().take(40).collect();
            return Err(wrong(&format!("are of the kind `{known}`, which cannot be used here")));
        }
    })
}

/// A member of a credentials file that must be there.
pub(super) fn text<'a>(file: &'a Value, name: &str) -> Result<&'a str> {
    file.get(name).and_then(Value::as_str).ok_or_else(|| wrong(&format!("have no `{name}`")))
}

/// An error about a credentials file.
pub(super) fn wrong(problem: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("the Google credentials {problem}"))
        .with_param("vertex_credentials")
}
