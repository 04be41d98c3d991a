//! The connection to a database, and its errors.

use std::{
    fmt,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use llmux_core::{
    Error, ErrorKind, Result,
    tenancy::{IdentityChange, IdentityListener},
};
use sqlx::{AnyPool, Executor, any::AnyPoolOptions};
use tokio::sync::OnceCell;

use crate::schema;

/// How long a request waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// A database with identities and spend. Clones share the same connections.
#[derive(Clone)]
pub struct Database {
    pool: AnyPool,
    /// Whether the schema is known to be of the present version.
    ready: Arc<OnceCell<()>>,
    listeners: Arc<RwLock<Vec<Arc<dyn IdentityListener>>>>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Database")
    }
}

impl Database {
    /// Opens a database as [`lazy`](Self::lazy) does, and reaches it at once.
    ///
    /// # Errors
    /// When the address is of another kind, or the database cannot be reached or changed.
    pub async fn open(address: &str, connections: u32) -> Result<Self> {
        let database = Self::lazy(address, connections)?;
        database.ping().await.map(|()| database)
    }

    /// A database by its address, `sqlite://path/to/file.db` or `postgres://user:password@host/name`. It is reached when
    /// it is first asked, and its schema is brought to the present version then. A file that does not exist is made,
    /// its folder now. To be called within a runtime.
    ///
    /// # Errors
    /// When the address is of another kind. It is not repeated: it may hold a password.
    pub fn lazy(address: &str, connections: u32) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let sqlite = address.starts_with("sqlite:");
        if !sqlite && !address.starts_with("postgres://") && !address.starts_with("postgresql://") {
            let message = "`database_url` must begin with sqlite:// or postgres://";
            return Err(Error::client(ErrorKind::InvalidRequest, message).with_param("database_url"));
        }
        let address = if sqlite { file_address(address)? } else { address.to_owned() };
        let options = AnyPoolOptions::new()
            .max_connections(connections.max(1))
            .acquire_timeout(PATIENCE)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if sqlite {
                        // The wait comes first: changing the mode may have to wait itself.
                        connection.execute("PRAGMA busy_timeout = 10000").await?;
                        connection.execute("PRAGMA journal_mode = WAL").await?;
                        connection.execute("PRAGMA synchronous = NORMAL").await?;
                    }
                    Ok(())
                })
            });
        let pool = options.connect_lazy(&address).map_err(away)?;
        Ok(Self { pool, ready: Arc::default(), listeners: Arc::default() })
    }

    /// The connections, to a database of the present version.
    pub(crate) async fn pool(&self) -> Result<&AnyPool> {
        self.ready.get_or_try_init(|| schema::migrate(&self.pool)).await?;
        Ok(&self.pool)
    }

    /// Tells of every change that this process makes.
    pub fn listen(&self, listener: Arc<dyn IdentityListener>) {
        self.listeners.write().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    pub(crate) fn tell(&self, change: &IdentityChange) {
        for listener in self.listeners.read().unwrap_or_else(PoisonError::into_inner).iter() {
            listener.changed(change);
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(self.pool().await?).await.map_err(away).map(drop)
    }

    /// Waits for what is going on, and closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// The address of a file that is made where it does not exist.
fn file_address(address: &str) -> Result<String> {
    let path = address.trim_start_matches("sqlite:").trim_start_matches("//");
    let file = path.split('?').next().unwrap_or_default();
    if file.is_empty() || file.contains(":memory:") {
        let message = "`database_url` must name a file, such as sqlite://llmux.db";
        return Err(Error::client(ErrorKind::InvalidRequest, message).with_param("database_url"));
    }
    if let Some(folder) = Path::new(file).parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let failed = |error: std::io::Error| {
            let message = format!("the folder of the database cannot be made: {error}");
            Error::new(ErrorKind::Internal, message)
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mode = if path.contains('?') { "" } else { "?mode=rwc" };
    Ok(format!("sqlite://{path}{mode}"))
}

/// The error of a database that did not do what it was asked. Its own words are kept as the cause, for the log: they
/// may tell of its inside.
pub(crate) fn away(error: sqlx::Error) -> Error {
    let taken = error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation);
    if taken {
        return Error::client(ErrorKind::Conflict, "there is one with this id already").with_source(error);
    }
    if error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| is_of_value(&code))
    {
        return Error::client(ErrorKind::InvalidRequest, "the database cannot keep one of the values")
            .with_source(error);
    }
    tracing::warn!(%error, "the database failed");
    Error::new(ErrorKind::Unavailable, "the database cannot be asked")
        .with_code("no_db_connection")
        .with_source(error)
}

/// Whether a code of PostgreSQL's is about what was given to it: values of the wrong form (class 22), or too long for it
/// (class 54).
fn is_of_value(code: &str) -> bool {
    code.starts_with("22") || code.starts_with("54")
}

/// The error of a document that cannot be read.
pub(crate) fn unreadable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("the database holds what cannot be read: {error}"))
        .with_source(error)
}
