//! Virtual keys, limits and spend: from the database to the gateway, and by way of the journal back.

use std::{path::PathBuf, sync::Arc, time::Duration};

use llmux_auth::Settings;
use llmux_core::tenancy::{IdentityListener, IdentityStore, SpendStore};
use llmux_db::Database;
use llmux_gateway::Tenancy;
use llmux_journal::{Journal, Options, ship};

/// Where spend is written down first, if the environment does not say it: below the working folder.
const FOLDER: &str = "llmux-journal";

/// Opens the journal, and starts what runs beside the requests. To be called within the runtime.
pub(crate) fn open(database: &Database) -> Result<Arc<Tenancy>, String> {
    let folder = std::env::var_os("LLMUX_JOURNAL_DIR").map_or_else(|| PathBuf::from(FOLDER), PathBuf::from);
    let opened = Journal::open(&Options::new(folder));
    let (journal, reader) = opened.map_err(|error| format!("error: {}", error.message()))?;
    let spend: Arc<dyn SpendStore> = Arc::new(database.clone());
    tokio::spawn(ship(reader, spend));
    let identities: Arc<dyn IdentityStore> = Arc::new(database.clone());
    let tenancy = Tenancy::new(identities, journal, Settings::default());
    database.listen(Arc::<Tenancy>::clone(&tenancy) as Arc<dyn IdentityListener>);
    let following = Arc::clone(&tenancy);
    tokio::spawn(async move { following.follow().await });
    Ok(tenancy)
}

/// Waits, at the end, until the spend of all requests is written down; not for ever, for a disk that is full.
pub(crate) async fn settle(tenancy: Option<&Tenancy>) {
    let Some(tenancy) = tenancy else { return };
    if tokio::time::timeout(Duration::from_secs(5), tenancy.settled()).await.is_err() {
        tracing::error!(held = tenancy.journal().held, "spend that cannot be written down is lost");
    }
}
