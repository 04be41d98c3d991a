//! Both engines, each with an empty database.

use llmux_db::Database;
use llmux_testkit::PostgresProcess;
use tempfile::TempDir;

pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    pub(crate) db: Database,
    _folder: Option<TempDir>,
    _server: Option<PostgresProcess>,
}

impl Engine {
    pub(crate) async fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}", folder.path().join("data/llmux.db").display());
        let db = Database::open(&url, 4).await.unwrap();
        Self { name: "sqlite", url, db, _folder: Some(folder), _server: None }
    }

    pub(crate) async fn postgres() -> Option<Self> {
        let server = PostgresProcess::start().await?;
        let db = Database::open(&server.url(), 4).await.unwrap();
        Some(Self { name: "postgres", url: server.url(), db, _folder: None, _server: Some(server) })
    }

    /// SQLite, and PostgreSQL where there is one.
    pub(crate) async fn all() -> Vec<Self> {
        let mut all = vec![Self::sqlite().await];
        all.extend(Self::postgres().await);
        all
    }
}
