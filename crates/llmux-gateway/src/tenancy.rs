//! Virtual keys, their limits and their spend, where there is a database that knows them.
//!
//! Without one none of this exists: a snapshot has no [`Tenancy`], and the stages see that by one look.

mod account;
mod admit;
mod charge;
mod estimate;
mod receipt;

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Uri};
use llmux_auth::{Directory, Known, Settings, check_validity, refused, routes};
use llmux_core::{
    Result,
    tenancy::{IdentityChange, IdentityListener, IdentityStore, SpendEvent, Timestamp},
};
use llmux_journal::{Journal, Status};
use llmux_limits::Meters;
use tokio::sync::oneshot;

use crate::access::{Access, Presented};

pub(crate) use account::Account;
pub(crate) use admit::authorize;
pub(crate) use charge::{Charge, End};
pub(crate) use receipt::{Held, Receipt};

/// How often other replicas are asked for what they changed: twice within the second in which a blocked key must be
/// refused everywhere.
const FOLLOW: Duration = Duration::from_millis(500);

/// A virtual key, and what limits it.
pub(crate) type Caller = Arc<Known<Account>>;

/// Who may ask, how much, and the journal of what it cost.
pub struct Tenancy {
    directory: Directory<Account>,
    journal: Journal<SpendEvent>,
}

impl Tenancy {
    /// Keys of this store, whose spend is written to this journal. The counters of limits live as long as this does.
    #[must_use]
    pub fn new(store: Arc<dyn IdentityStore>, journal: Journal<SpendEvent>, settings: Settings) -> Arc<Self> {
        let meters = Meters::default();
        let directory = Directory::new(store, settings, move |identity| {
            Account::new(identity, &meters, Timestamp::now())
        });
        Arc::new(Self { directory, journal })
    }

    /// Notices what other replicas change, for ever: to be run beside the server.
    pub async fn follow(&self) {
        self.directory.follow(FOLLOW).await;
    }

    /// Whether the database answered when it was asked last.
    pub(crate) fn is_reached(&self) -> bool {
        self.directory.is_reached()
    }

    /// How the journal of spend does.
    #[must_use]
    pub fn journal(&self) -> Status {
        self.journal.status()
    }

    /// Waits until the spend of all requests that have ended is written down.
    pub async fn settled(&self) {
        self.journal.settled().await;
    }

    /// Finds who calls; `None` for the master key.
    ///
    /// # Errors
    /// 401 for a key that is unknown, blocked or expired, 403 for a route that it may not use, 503 when the store cannot
    /// be asked.
    pub(crate) async fn identify(
        &self,
        access: &Access,
        headers: &HeaderMap,
        uri: &Uri,
    ) -> Result<Option<Caller>> {
        let hash = match access.presented(headers, uri.query())? {
            Presented::Operator => return Ok(None),
            Presented::Key(hash) => hash,
        };
        let known = self.directory.find(&hash).await?.ok_or_else(refused::unknown_key)?;
        check_validity(&known.identity, Timestamp::now())?;
        if routes::allows(&known.identity.key.allowed_routes, uri.path()) {
            Ok(Some(known))
        } else {
            Err(refused::route(uri.path()))
        }
    }

    /// Writes down what a request cost, and tells when that is done. Never waits; and nobody is to wait for a disk that
    /// takes nothing.
    pub(crate) fn record(&self, event: SpendEvent, written: Option<oneshot::Sender<()>>) {
        match written.filter(|_| !self.journal.status().stalled) {
            Some(written) => self.journal.record_telling(event, written),
            None => self.journal.record(event),
        };
    }
}

impl IdentityListener for Tenancy {
    fn changed(&self, change: &IdentityChange) {
        self.directory.changed(change);
    }
}
