//! `/key/*`

use llmux_core::{
    Error, ErrorKind, ExposeSecret, KeyHash, Result, SecretString,
    tenancy::{Budget, BudgetDuration, Team, Timestamp, User, VirtualKey, key_name, new_secret},
};
use llmux_db::{Filter, Sort};
use serde_json::{Value, json};

use crate::{
    Work,
    caller::denied,
    fields::{Fields, hash, missing, pages, paging, wrong},
    routes::{Action, nothing},
    shown::shown,
};

/// The most keys that are told beside something else.
pub(crate) const MOST_SHOWN: u32 = 1_000;
/// The shortest key that a client may choose, as in LiteLLM.
const SHORTEST: usize = 16;
/// Fields that clients read and never write.
const FIXED: [&str; 8] =
    ["token", "token_id", "key_name", "total_spend", "created_at", "created_by", "updated_at", "updated_by"];

pub(crate) async fn run(action: Action, work: Work<'_>) -> Result<Value> {
    match action {
        Action::New => generate(work, false).await,
        Action::ServiceAccount => generate(work, true).await,
        Action::Update => update(work).await,
        Action::Delete => delete(work).await,
        Action::Regenerate => regenerate(work).await,
        Action::Block => block(work, true).await,
        Action::Unblock => block(work, false).await,
        Action::ResetSpend => reset_spend(work).await,
        Action::Info => info(work).await,
        Action::List => list(work).await,
        Action::Aliases => aliases(work).await,
        _ => Err(nothing()),
    }
}

async fn generate(mut work: Work<'_>, service_account: bool) -> Result<Value> {
    let secret = match work.fields.take_text("key")? {
        Some(own) => chosen(own)?,
        None => new_secret(),
    };
    tidy(&mut work.fields)?;
    if service_account {
        work.fields.set("user_id", Value::Null);
    } else if !work.fields.has("user_id") && !work.who.is_admin() {
        work.fields.set("user_id", work.who.named());
    }
    work.own_fields()?;
    work.fields.set("token", KeyHash::of(secret.expose_secret()).to_string());
    work.fields.set("key_name", key_name(&secret));
    let key: VirtualKey = work.fields.make(work.who.name())?;
    if service_account && key.team_id.is_none() {
        return Err(wrong("`team_id` is required for a service account", "team_id"));
    }
    work.who.may_change(work.db, key.user_id.as_deref(), key.team_id.as_deref()).await?;
    check(work.db, &key, None).await?;
    work.db.insert(&key).await?;
    tracing::info!(key = key.key_name, by = work.who.name(), "key made");
    Ok(told(&key, &secret))
}

/// A key that a client chose.
fn chosen(own: String) -> Result<SecretString> {
    let plain = own.bytes().all(|byte| byte.is_ascii_graphic());
    if !own.starts_with("sk-") || own.len() < SHORTEST || !plain {
        let message = format!("a key must begin with `sk-` and have at least {SHORTEST} visible characters");
        return Err(wrong(&message, "key"));
    }
    Ok(own.into())
}

/// Brings what a client gives to the form that is kept.
fn tidy(fields: &mut Fields) -> Result<()> {
    for name in FIXED {
        fields.take(name);
    }
    if let Some(duration) = fields.take_text("duration")? {
        // LiteLLM's word for a key that never expires again.
        if duration == "-1" {
            fields.set("expires", Value::Null);
        } else {
            let duration: BudgetDuration = duration
                .parse()
                .map_err(|error: llmux_core::tenancy::NotADuration| wrong(&error.to_string(), "duration"))?;
            fields.set("expires", duration.after(Timestamp::now()).to_string());
        }
    }
    let routes = match fields.take_text("key_type")?.as_deref() {
        Some("llm_api") => "llm_api_routes",
        Some("management") => "management_routes",
        Some("read_only") => "info_routes",
        _ => return Ok(()),
    };
    if !fields.has("allowed_routes") {
        fields.set("allowed_routes", vec![routes]);
    }
    Ok(())
}

/// Whether what a key refers to is there, and its alias is its own.
async fn check(db: &llmux_db::Database, key: &VirtualKey, old: Option<&VirtualKey>) -> Result<()> {
    if let Some(team) = &key.team_id
        && db.get::<Team>(team).await?.is_none()
    {
        return Err(wrong(&format!("there is no team `{team}`"), "team_id"));
    }
    if let Some(budget) = &key.budget_id
        && db.get::<Budget>(budget).await?.is_none()
    {
        return Err(wrong(&format!("there is no budget `{budget}`"), "budget_id"));
    }
    if let Some(alias) =
        key.key_alias.as_ref().filter(|alias| old.and_then(|old| old.key_alias.as_ref()) != Some(alias))
    {
        let mut filter = Filter::new();
        (filter.alias, filter.limit) = (Some(alias.clone()), Some(1));
        if db.list::<VirtualKey>(&filter).await?.total > 0 {
            return Err(wrong(&format!("there is a key with the alias `{alias}` already"), "key_alias"));
        }
    }
    Ok(())
}

/// A key with its secret: what is told once.
fn told(key: &VirtualKey, secret: &SecretString) -> Value {
    let mut fields = shown(key);
    fields.insert("key".to_owned(), secret.expose_secret().into());
    fields.insert("token_id".to_owned(), key.hash.to_string().into());
    Value::Object(fields)
}

impl Work<'_> {
    /// Leaves what only a proxy admin decides: what was spent, and whose money it is.
    fn own_fields(&mut self) -> Result<()> {
        if self.who.is_admin() {
            return Ok(());
        }
        self.fields.take("spend");
        match ["organization_id", "budget_id", "blocked"].into_iter().find(|name| self.fields.has(name)) {
            Some(name) => Err(denied(&format!("only a proxy admin may set a key's `{name}`"))),
            None => Ok(()),
        }
    }

    /// The key that a field or the path names, if whoever asks may change it.
    async fn own_key(&mut self) -> Result<VirtualKey> {
        let named = match self.named.take() {
            Some(named) => named,
            None => self.fields.need_text("key")?,
        };
        let key = self.find_key(&named).await?;
        self.who.may_change(self.db, key.user_id.as_deref(), key.team_id.as_deref()).await?;
        Ok(key)
    }

    async fn find_key(&self, named: &str) -> Result<VirtualKey> {
        let key = self.db.get(&hash(named, "key")?.to_string()).await?;
        key.ok_or_else(|| missing("Key", "key"))
    }
}

async fn update(mut work: Work<'_>) -> Result<Value> {
    let old = work.own_key().await?;
    tidy(&mut work.fields)?;
    work.own_fields()?;
    let mut new = old.clone();
    let Work { db, who, fields, .. } = work;
    fields.clone().change(&mut new, who.name())?;
    who.may_change(db, new.user_id.as_deref(), new.team_id.as_deref()).await?;
    check(db, &new, Some(&old)).await?;
    let (id, by, hash) = (old.hash.to_string(), who.name().to_owned(), old.hash);
    let updated = db.update::<VirtualKey>(&id, move |key| {
        // What was allowed was allowed of the key as it was then.
        if (&key.user_id, &key.team_id) != (&old.user_id, &old.team_id) {
            return Err(Error::client(ErrorKind::Conflict, "the key was given to somebody else meanwhile"));
        }
        fields.change(key, &by)
    });
    let mut fields = shown(&updated.await?);
    fields.insert("key".to_owned(), hash.to_string().into());
    Ok(Value::Object(fields))
}

async fn delete(mut work: Work<'_>) -> Result<Value> {
    let mut hashes = Vec::new();
    for named in work.fields.take_texts("keys")? {
        hashes.push((hash(&named, "keys")?, named));
    }
    for alias in work.fields.take_texts("key_aliases")? {
        let mut filter = Filter::new();
        filter.alias = Some(alias);
        let found = work.db.list::<VirtualKey>(&filter).await?;
        hashes.extend(found.items.into_iter().map(|key| (key.hash, key.hash.to_string())));
    }
    if hashes.is_empty() {
        return Err(wrong("`keys` or `key_aliases` is required", "keys"));
    }
    // All or nothing is refused before anything is removed.
    for (hash, _) in &hashes {
        let key: VirtualKey = work.db.get(&hash.to_string()).await?.ok_or_else(|| missing("Key", "keys"))?;
        work.who.may_change(work.db, key.user_id.as_deref(), key.team_id.as_deref()).await?;
    }
    let mut deleted = Vec::new();
    for (hash, named) in hashes {
        if work.db.remove::<VirtualKey>(&hash.to_string(), Some(work.who.name())).await?.is_some() {
            deleted.push(named);
        }
    }
    Ok(json!({ "deleted_keys": deleted }))
}

async fn regenerate(mut work: Work<'_>) -> Result<Value> {
    let old = work.own_key().await?;
    let secret = match work.fields.take_text("new_key")? {
        Some(own) => chosen(own)?,
        None => new_secret(),
    };
    let grace = work.fields.take_text("grace_period")?.map(|text| text.parse::<BudgetDuration>()).transpose();
    let grace = grace.map_err(|error| wrong(&error.to_string(), "grace_period"))?;
    work.fields.take("key");
    tidy(&mut work.fields)?;
    work.own_fields()?;
    let Work { db, who, fields, .. } = work;
    let until = grace.map(|grace| grace.after(Timestamp::now()));
    let (user, team) = (old.user_id.clone(), old.team_id.clone());
    let admin = who.is_admin();
    let (hash, name) = (KeyHash::of(secret.expose_secret()), key_name(&secret));
    let by = who.name().to_owned();
    let new = db.replace_key(old.hash, until, move |key| {
        let spent = key.spent;
        fields.change(key, &by)?;
        if !admin && (key.user_id != user || key.team_id != team) {
            return Err(denied("only a proxy admin may give a key to somebody else"));
        }
        (key.hash, key.key_name) = (hash, name);
        if !admin {
            key.spent = spent;
        }
        Ok(())
    });
    Ok(told(&new.await?, &secret))
}

async fn block(mut work: Work<'_>, blocked: bool) -> Result<Value> {
    let key = work.own_key().await?;
    if key.team_id.is_none() && !work.who.is_admin() {
        return Err(denied("only a proxy admin may block a key of no team, or unblock it"));
    }
    let by = work.who.name().to_owned();
    let id = key.hash.to_string();
    let key = work.db.update::<VirtualKey>(&id, move |key| {
        (key.blocked, key.updated_at, key.updated_by) = (blocked, Timestamp::now(), Some(by));
        Ok(())
    });
    Ok(Value::Object(shown(&key.await?)))
}

async fn reset_spend(mut work: Work<'_>) -> Result<Value> {
    let key = work.own_key().await?;
    let to = work.fields.take("reset_to").unwrap_or_else(|| 0.into());
    let to = to.to_string().trim_matches('"').parse();
    let to = to.map_err(|error: llmux_core::money::NotAnAmount| wrong(&error.to_string(), "reset_to"))?;
    let id = key.hash.to_string();
    let key = work.db.update::<VirtualKey>(&id, move |key| {
        key.spent.spend = to;
        Ok(())
    });
    Ok(Value::Object(shown(&key.await?)))
}

async fn info(mut work: Work<'_>) -> Result<Value> {
    let own = work.who.key.as_ref().map(|key| key.hash);
    let named = match (work.fields.take_key("key")?, own) {
        (Some(hash), _) | (None, Some(hash)) => hash,
        (None, None) => return Err(wrong("`key` is required", "key")),
    };
    let key = work.find_key(&named.to_string()).await?;
    if own != Some(key.hash) {
        work.who.may_see(work.db, key.user_id.as_deref(), key.team_id.as_deref()).await?;
    }
    let mut fields = shown(&key);
    fields.remove("token");
    Ok(json!({ "key": key.hash, "info": fields }))
}

async fn list(mut work: Work<'_>) -> Result<Value> {
    let (number, offset, size) = paging(&mut work.fields, "size", 10, 100)?;
    let mut filter = filter(&mut work)?;
    (filter.offset, filter.limit) = (offset, Some(size));
    let full = work.fields.take_flag("return_full_object")?.unwrap_or(false);
    scope(&work, &mut filter).await?;
    let page = work.db.list::<VirtualKey>(&filter).await?;
    let keys: Value = match full {
        true => crate::shown::all(&page.items),
        false => page.items.iter().map(|key| Value::from(key.hash.to_string())).collect(),
    };
    let pages = pages(&page, size);
    Ok(json!({ "keys": keys, "total_count": page.total, "current_page": number, "total_pages": pages }))
}

fn filter(work: &mut Work<'_>) -> Result<Filter> {
    let (fields, mut filter) = (&mut work.fields, Filter::new());
    (filter.user, filter.team) = (fields.take_text("user_id")?, fields.take_text("team_id")?);
    filter.organization = fields.take_text("organization_id")?;
    (filter.alias, filter.search) = (fields.take_text("key_alias")?, fields.take_text("search")?);
    filter.id = fields.take_key("key_hash")?.map(|hash| hash.to_string());
    filter.sort = match fields.take_text("sort_by")?.as_deref() {
        Some("key_alias") => Sort::Alias,
        Some("spend") => Sort::Spend,
        _ => Sort::Created,
    };
    filter.ascending = fields.take_text("sort_order")?.as_deref() == Some("asc");
    match fields.take_text("status")?.as_deref() {
        None => {}
        Some("active") => (filter.expired, filter.blocked) = (Some((false, Timestamp::now())), Some(false)),
        Some("expired") => filter.expired = Some((true, Timestamp::now())),
        Some("revoked") => filter.blocked = Some(true),
        Some(_) => return Err(wrong("`status` must be active, expired or revoked", "status")),
    }
    Ok(filter)
}

/// Whoever does not see everything sees their own keys, or those of a team of theirs that they ask for.
async fn scope(work: &Work<'_>, filter: &mut Filter) -> Result<()> {
    if work.who.sees_all() {
        return Ok(());
    }
    if filter.team.is_some() && filter.user.is_none() {
        return work.who.may_see(work.db, None, filter.team.as_deref()).await;
    }
    let me = work.who.me().ok_or_else(|| denied("this key belongs to no user: name its team"))?.to_owned();
    if filter.user.get_or_insert_with(|| me.clone()) == &me {
        Ok(())
    } else {
        Err(denied("these keys are somebody else's"))
    }
}

async fn aliases(mut work: Work<'_>) -> Result<Value> {
    let (number, offset, size) = paging(&mut work.fields, "size", 50, 100)?;
    let mut filter = filter(&mut work)?;
    (filter.offset, filter.limit, filter.sort, filter.ascending) = (offset, Some(size), Sort::Alias, true);
    scope(&work, &mut filter).await?;
    let page = work.db.list::<VirtualKey>(&filter).await?;
    let aliases: Vec<_> = page.items.iter().filter_map(|key| key.key_alias.clone()).collect();
    let pages = pages(&page, size);
    Ok(json!({ "aliases": aliases, "total_count": page.total, "current_page": number, "total_pages": pages }))
}

/// A key for a user who was just made.
pub(crate) async fn first_key(work: &Work<'_>, user: &User) -> Result<(VirtualKey, SecretString)> {
    let secret = new_secret();
    let mut key = VirtualKey::new(KeyHash::of(secret.expose_secret()));
    (key.key_name, key.user_id) = (key_name(&secret), Some(user.user_id.clone()));
    (key.created_at, key.updated_at) = (Timestamp::now(), Timestamp::now());
    key.created_by = Some(work.who.name().to_owned());
    work.db.insert(&key).await?;
    Ok((key, secret))
}
