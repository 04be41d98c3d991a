//! The control plane: LiteLLM's management API of keys, teams, users, organizations, customers, budgets and spend,
//! with its fields and answers.
//!
//! Who may use which route stands in one table, in `routes.rs`. What identities look like is not told here: a request
//! that makes or changes one is its stored form, in part.

mod budgets;
mod caller;
mod customers;
mod fields;
mod keys;
mod organizations;
mod routes;
mod shown;
mod spend;
mod teams;
mod users;

use async_trait::async_trait;
use bytes::Bytes;
use llmux_core::{ControlPlane, ControlRequest, Error, ErrorKind, Result};
use llmux_db::Database;

use self::{caller::Who, fields::Fields, routes::Route};

/// Answers management requests out of a database.
#[derive(Debug, Default)]
pub struct Admin {
    db: Option<Database>,
}

/// What a handler works with.
pub(crate) struct Work<'a> {
    pub(crate) db: &'a Database,
    pub(crate) who: Who,
    /// The body's fields, and those of the query.
    pub(crate) fields: Fields,
    /// The part of the path that names an object.
    pub(crate) named: Option<String>,
}

impl Admin {
    /// With this database; without one, every request is told that there is none.
    #[must_use]
    pub fn new(db: Option<Database>) -> Self {
        Self { db }
    }

    async fn work(&self, request: ControlRequest) -> Result<Bytes> {
        let (route, named) = Route::find(&request.method, &request.path)?;
        let Some(db) = &self.db else {
            let message = "No DB connected. Set `general_settings.database_url` (sqlite:// or postgres://), or the \
                           variable DATABASE_URL, to manage keys, teams, users and budgets";
            return Err(Error::new(ErrorKind::Unavailable, message).with_code("no_db_connection"));
        };
        let who = Who::find(db, request.caller).await?;
        who.check(route)?;
        let fields = Fields::read(&request)?;
        let work = Work { db, who, fields, named };
        let answer = routes::run(route.does, work).await?;
        Ok(Bytes::from(answer.to_string()))
    }
}

#[async_trait]
impl ControlPlane for Admin {
    fn claims(&self, path: &str) -> bool {
        Route::claims(path)
    }

    async fn answer(&self, request: ControlRequest) -> Result<Bytes> {
        self.work(request).await
    }
}
