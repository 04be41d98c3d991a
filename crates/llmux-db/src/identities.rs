//! Making, changing, removing and listing identities.

use llmux_core::{
    Error, ErrorKind, Result,
    tenancy::{Budget, Entity, IdentityChange, KeyHash, Timestamp, VirtualKey},
};
use sqlx::{Any, AnyConnection, Row, Transaction};

use crate::{
    Database, Record, amount,
    connection::away,
    query::{Conditions, anywhere},
    record::{COLUMNS, document, read, settle},
};

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sort {
    /// When it was made.
    #[default]
    Created,
    /// Its alias.
    Alias,
    /// What was spent.
    Spend,
}

/// Which identities are listed, and which page of them.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Filter {
    /// Of this user.
    pub user: Option<String>,
    /// Of this team.
    pub team: Option<String>,
    /// Of this organization.
    pub organization: Option<String>,
    /// With this alias.
    pub alias: Option<String>,
    /// With this text in their alias or id.
    pub search: Option<String>,
    /// With this id.
    pub id: Option<String>,
    /// Only those that are blocked, or that are not.
    pub blocked: Option<bool>,
    /// Only those that have expired at this moment, or that have not.
    pub expired: Option<(bool, Timestamp)>,
    /// What they are sorted by.
    pub sort: Sort,
    /// Whether the first are the oldest or smallest.
    pub ascending: bool,
    /// How many are left out.
    pub offset: u32,
    /// How many are wanted at most; all where it is not set.
    pub limit: Option<u32>,
}

impl Filter {
    /// All of them.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn conditions(&self, kind: Entity) -> Conditions {
        let mut conditions = Conditions::default();
        conditions.text("kind = {}", kind.as_str());
        conditions.maybe("user_id = {}", self.user.as_deref());
        conditions.maybe("team_id = {}", self.team.as_deref());
        conditions.maybe("organization_id = {}", self.organization.as_deref());
        conditions.maybe("alias = {}", self.alias.as_deref());
        conditions.maybe("id = {}", self.id.as_deref());
        let search = self.search.as_deref().map(|text| anywhere(&text.to_lowercase()));
        conditions.maybe(
            "(LOWER(COALESCE(alias, '')) LIKE {} ESCAPE '!' OR LOWER(id) LIKE {} ESCAPE '!')",
            search.as_deref(),
        );
        if let Some(blocked) = self.blocked {
            conditions.number("blocked = {}", blocked.into());
        }
        match self.expired {
            Some((true, now)) => conditions.number("expires <= {}", now.millis()),
            Some((false, now)) => conditions.number("(expires IS NULL OR expires > {})", now.millis()),
            None => {}
        }
        conditions
    }

    fn order(&self) -> String {
        let column = match self.sort {
            Sort::Created => "created",
            Sort::Alias => "alias",
            Sort::Spend => "spend_nano",
        };
        let direction = if self.ascending { "ASC" } else { "DESC" };
        let limit =
            self.limit.map_or_else(String::new, |limit| format!(" LIMIT {limit} OFFSET {}", self.offset));
        format!(" ORDER BY {column} {direction}, id {direction}{limit}")
    }
}

/// A page of a list.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// How many there are on all pages.
    pub total: u64,
}

impl<T> Page<T> {
    pub(crate) fn new(items: Vec<T>, total: i64) -> Self {
        Self { items, total: u64::try_from(total).unwrap_or_default() }
    }
}

const SELECT: &str = "SELECT document, period_end, spend_nano, spend_part, total_nano, total_part FROM identities WHERE kind = $1 AND id = $2";
const LOCK: &str = "UPDATE identities SET version = version + 1 WHERE kind = $1 AND id = $2
    RETURNING document, period_end, spend_nano, spend_part, total_nano, total_part";
const WRITE: &str = "UPDATE identities SET alias = $3, user_id = $4, team_id = $5, organization_id = $6,
    budget_id = $7, blocked = $8, expires = $9, created = $10, document = $11, period_end = $12,
    spend_nano = $13, spend_part = $14, total_nano = $15, total_part = $16 WHERE kind = $1 AND id = $2";
const INSERT: &str =
    "INSERT INTO identities (kind, id, alias, user_id, team_id, organization_id, budget_id, blocked,
    expires, created, document, period_end, spend_nano, spend_part, total_nano, total_part, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1)";

impl Database {
    /// An identity as it was set, without what a shared budget adds.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn get<R: Record>(&self, id: &str) -> Result<Option<R>> {
        let query = sqlx::query(SELECT).bind(R::KIND.as_str()).bind(id.to_owned());
        let Some(row) = query.fetch_optional(self.pool().await?).await.map_err(away)? else {
            return Ok(None);
        };
        let (mut record, ledger) = read::<R>(&row)?;
        // A shared budget may be what has periods.
        let own = record.terms().1.budget_duration;
        let shared = record.columns().budget.map(str::to_owned);
        if let (None, Some(shared)) = (own, shared) {
            record.terms().1.budget_duration =
                self.budget(&shared).await?.and_then(|budget| budget.budget.budget_duration);
        }
        settle(&mut record, ledger, Timestamp::now());
        record.terms().1.budget_duration = own;
        Ok(Some(record))
    }

    /// The same with what a shared budget adds.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn resolved<R: Record>(&self, id: &str) -> Result<Option<R>> {
        let Some(mut record) = self.get::<R>(id).await? else { return Ok(None) };
        if let Some(shared) = record.columns().budget.map(str::to_owned)
            && let Some(budget) = self.budget(&shared).await?
        {
            let (limits, terms) = record.terms();
            budget.fill(limits, terms);
        }
        Ok(Some(record))
    }

    async fn budget(&self, id: &str) -> Result<Option<Budget>> {
        let query = sqlx::query(SELECT).bind(Entity::Budget.as_str()).bind(id.to_owned());
        let row = query.fetch_optional(self.pool().await?).await.map_err(away)?;
        row.map(|row| read::<Budget>(&row).map(|(budget, _)| budget)).transpose()
    }

    /// Makes an identity.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when there is one with this id; when the database cannot be asked.
    pub async fn insert<R: Record>(&self, record: &R) -> Result<()> {
        let mut transaction = self.pool().await?.begin().await.map_err(away)?;
        write(&mut transaction, INSERT, record.clone()).await?;
        self.commit(transaction, vec![IdentityChange::new(R::KIND, record.id())]).await
    }

    /// Changes an identity: others that change or bill it wait meanwhile. Gives it as it is then. What `edit` refuses
    /// changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none with this id; what `edit` refuses; when the database cannot be
    /// asked.
    pub async fn update<R: Record>(
        &self,
        id: &str,
        edit: impl FnOnce(&mut R) -> Result<()> + Send,
    ) -> Result<R> {
        let mut transaction = self.pool().await?.begin().await.map_err(away)?;
        let mut record = lock::<R>(&mut transaction, id).await?;
        let (own, known_end) = (record.terms().1.budget_duration, record.terms().1.budget_reset_at);
        edit(&mut record)?;
        // What was spent before a period was set belongs to none.
        let now = record.terms().1.budget_duration;
        let end = now.map(|duration| duration.period(Timestamp::now()).end);
        record.terms().1.budget_reset_at = if now == own { known_end } else { end };
        if now != own
            && now.is_some()
            && let Some(spent) = record.spent()
        {
            spent.spend = llmux_core::Money::ZERO;
        }
        write(&mut transaction, WRITE, record.clone()).await?;
        self.commit(transaction, vec![IdentityChange::new(R::KIND, id)]).await?;
        Ok(record)
    }

    /// Removes an identity, and keeps its document in the archive. Gives what there was.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn remove<R: Record>(&self, id: &str, by: Option<&str>) -> Result<Option<R>> {
        let mut transaction = self.pool().await?.begin().await.map_err(away)?;
        let record = match lock::<R>(&mut transaction, id).await {
            Ok(record) => record,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        archive(&mut transaction, &record, by).await?;
        self.commit(transaction, vec![IdentityChange::new(R::KIND, id)]).await?;
        Ok(Some(record))
    }

    /// Gives a key another secret: the same settings and spend under another hash. The old hash is good until the end
    /// of its time of grace, if it has one.
    ///
    /// # Errors
    /// As of [`update`](Self::update).
    pub async fn replace_key(
        &self,
        old: KeyHash,
        until: Option<Timestamp>,
        edit: impl FnOnce(&mut VirtualKey) -> Result<()> + Send,
    ) -> Result<VirtualKey> {
        let mut transaction = self.pool().await?.begin().await.map_err(away)?;
        let old = old.to_string();
        let mut key = lock::<VirtualKey>(&mut transaction, &old).await?;
        let known_end = key.terms().1.budget_reset_at;
        edit(&mut key)?;
        // The period goes on, too.
        key.terms().1.budget_reset_at = known_end;
        let removed = sqlx::query("DELETE FROM identities WHERE kind = 'key' AND id = $1").bind(old.clone());
        removed.execute(&mut *transaction).await.map_err(away)?;
        write(&mut transaction, INSERT, key.clone()).await?;
        // Older ones that are still good are now of this key, too.
        let moved = sqlx::query("UPDATE retired_keys SET replaced_by = $2 WHERE replaced_by = $1");
        moved.bind(old.clone()).bind(key.id()).execute(&mut *transaction).await.map_err(away)?;
        if let Some(until) = until {
            let retired = "INSERT INTO retired_keys (id, replaced_by, until) VALUES ($1, $2, $3)
                ON CONFLICT (id) DO UPDATE SET replaced_by = excluded.replaced_by, until = excluded.until";
            let retired = sqlx::query(retired).bind(old.clone()).bind(key.id()).bind(until.millis());
            retired.execute(&mut *transaction).await.map_err(away)?;
        }
        let changes = vec![IdentityChange::new(Entity::Key, old), IdentityChange::new(Entity::Key, key.id())];
        self.commit(transaction, changes).await?;
        Ok(key)
    }

    /// A page of identities.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn list<R: Record>(&self, filter: &Filter) -> Result<Page<R>> {
        let conditions = filter.conditions(R::KIND);
        let count =
            conditions.query("SELECT COUNT(*) FROM identities", "").fetch_one(self.pool().await?).await;
        let total: i64 = count.and_then(|row| row.try_get(0)).map_err(away)?;
        let select = format!("SELECT {COLUMNS} FROM identities");
        let rows =
            conditions.query(&select, &filter.order()).fetch_all(self.pool().await?).await.map_err(away)?;
        let now = Timestamp::now();
        let read = |row| {
            let (mut record, ledger) = read::<R>(row)?;
            settle(&mut record, ledger, now);
            Ok(record)
        };
        Ok(Page::new(rows.iter().map(read).collect::<Result<_>>()?, total))
    }

    /// Numbers changes, keeps them for other replicas, and tells of them here. The row of the number is locked until
    /// the end, so numbers become visible in their order.
    async fn commit(
        &self,
        mut transaction: Transaction<'_, Any>,
        changes: Vec<IdentityChange>,
    ) -> Result<()> {
        for change in &changes {
            let next = "UPDATE sequences SET value = value + 1 WHERE name = 'change' RETURNING value";
            let row = sqlx::query(next).fetch_one(&mut *transaction).await.map_err(away)?;
            let sequence: i64 = row.try_get(0).map_err(away)?;
            let kept = "INSERT INTO changes (kind, id, sequence) VALUES ($1, $2, $3)
                ON CONFLICT (kind, id) DO UPDATE SET sequence = excluded.sequence";
            let kept = sqlx::query(kept).bind(change.entity.as_str()).bind(change.id.clone()).bind(sequence);
            kept.execute(&mut *transaction).await.map_err(away)?;
        }
        transaction.commit().await.map_err(away)?;
        for change in &changes {
            self.tell(change);
        }
        Ok(())
    }
}

async fn lock<R: Record>(connection: &mut AnyConnection, id: &str) -> Result<R> {
    let query = sqlx::query(LOCK).bind(R::KIND.as_str()).bind(id.to_owned());
    let row = query.fetch_optional(connection).await.map_err(away)?.ok_or_else(|| unknown::<R>(id))?;
    let (mut record, ledger) = read::<R>(&row)?;
    settle(&mut record, ledger, Timestamp::now());
    if record.terms().1.budget_duration.is_none() {
        // A shared budget's period, if there is one.
        record.terms().1.budget_reset_at = ledger.period_end.map(Timestamp::from_millis);
    }
    Ok(record)
}

async fn archive<R: Record>(connection: &mut AnyConnection, record: &R, by: Option<&str>) -> Result<()> {
    let document = serde_json::to_string(record).map_err(crate::connection::unreadable)?;
    let kept = "INSERT INTO removed_identities (kind, id, document, removed, removed_by) VALUES ($1, $2, $3, $4, $5)";
    let kept = sqlx::query(kept).bind(R::KIND.as_str()).bind(record.id()).bind(document);
    let kept = kept.bind(Timestamp::now().millis()).bind(by.map(str::to_owned));
    kept.execute(&mut *connection).await.map_err(away)?;
    let removed = sqlx::query("DELETE FROM identities WHERE kind = $1 AND id = $2");
    removed.bind(R::KIND.as_str()).bind(record.id()).execute(connection).await.map_err(away)?;
    Ok(())
}

/// Writes an identity by [`INSERT`] or [`WRITE`], whose places are the same.
async fn write<R: Record>(
    connection: &mut AnyConnection,
    statement: &'static str,
    mut record: R,
) -> Result<()> {
    let document = document(&record)?;
    let spent = record.spent().copied().unwrap_or_default();
    let terms = record.terms().1;
    let new = terms.budget_duration.map(|duration| duration.period(Timestamp::now()).end);
    let period_end = terms.budget_reset_at.or(new).map(Timestamp::millis);
    let (id, columns) = (record.id(), record.columns());
    let ((spend, spend_part), (total, total_part)) =
        (amount::split(spent.spend), amount::split(spent.total_spend));
    let text = |text: Option<&str>| text.map(str::to_owned);
    let query = sqlx::query(statement)
        .bind(R::KIND.as_str())
        .bind(id)
        .bind(text(columns.alias))
        .bind(text(columns.user))
        .bind(text(columns.team))
        .bind(text(columns.organization))
        .bind(text(columns.budget))
        .bind(i64::from(columns.blocked))
        .bind(columns.expires.map(Timestamp::millis))
        .bind(columns.created.millis())
        .bind(document)
        .bind(period_end)
        .bind(spend)
        .bind(spend_part)
        .bind(total)
        .bind(total_part);
    query.execute(connection).await.map_err(away).map(drop)
}

fn unknown<R: Record>(id: &str) -> Error {
    let shown = id.replace('\n', " / ");
    Error::client(
        ErrorKind::NotFound,
        format!("there is no {} `{shown}`", R::KIND.as_str().replace('_', " ")),
    )
}
