//! Where identities and spend are kept.

use llmux_config::Config;
use llmux_core::{ExposeSecret, Result};
use llmux_db::Database;

/// Connections of a process.
const CONNECTIONS: u32 = 10;

/// Opens the database that the configuration names, or the environment; nothing where neither does. A file is opened
/// now. A server is first spoken to when it is needed, so that no start waits for it, and none fails because it is away.
pub(crate) async fn open(config: &Config) -> Result<Option<Database>, String> {
    let named = config.general.database_url.as_ref().map(|url| url.expose_secret().to_owned());
    let named = named.or_else(|| std::env::var("DATABASE_URL").ok()).filter(|url| !url.is_empty());
    let Some(address) = named else { return Ok(None) };
    let opened = if address.starts_with("sqlite:") {
        Database::open(&address, CONNECTIONS).await
    } else {
        Database::lazy(&address, CONNECTIONS)
    };
    opened.map(Some).map_err(|error| format!("error: database_url: {}", error.message()))
}
