//! `/user/*`

use llmux_core::{
    ExposeSecret, RequestId, Result,
    tenancy::{Team, User, VirtualKey},
};
use llmux_db::Filter;
use serde_json::{Value, json};

use crate::{
    Work,
    fields::{missing, pages, paging, wrong},
    keys,
    routes::{Action, nothing},
    shown::{all, shown},
};

pub(crate) async fn run(action: Action, work: Work<'_>) -> Result<Value> {
    match action {
        Action::New => new(work).await,
        Action::Update => update(work).await,
        Action::Delete => delete(work).await,
        Action::Info => info(work).await,
        Action::List => list(work).await,
        _ => Err(nothing()),
    }
}

async fn new(mut work: Work<'_>) -> Result<Value> {
    let id = work.fields.take_text("user_id")?.unwrap_or_else(|| RequestId::new().as_str().to_owned());
    work.fields.set("user_id", id);
    let with_key = work.fields.take_flag("auto_create_key")?.unwrap_or(true);
    let fields = std::mem::take(&mut work.fields);
    let user: User = fields.make(work.who.name())?;
    work.db.insert(&user).await?;
    let mut answer = shown(&user);
    if with_key {
        let (key, secret) = keys::first_key(&work, &user).await?;
        answer.insert("key".to_owned(), secret.expose_secret().into());
        answer.insert("token".to_owned(), key.hash.to_string().into());
        answer.insert("key_name".to_owned(), key.key_name.into());
    }
    Ok(Value::Object(answer))
}

async fn update(mut work: Work<'_>) -> Result<Value> {
    let id = match work.fields.take_text("user_id")? {
        Some(id) => id,
        None => {
            let mut filter = Filter::new();
            let email = work.fields.take_text("user_email")?;
            filter.alias =
                Some(email.ok_or_else(|| wrong("`user_id` or `user_email` is required", "user_id"))?);
            let known = work.db.list::<User>(&filter).await?.items.into_iter().next();
            known.ok_or_else(|| missing("User", "user_email"))?.user_id
        }
    };
    let (fields, by, same) = (work.fields, work.who.name().to_owned(), id.clone());
    let user = work.db.update::<User>(&id, move |user| {
        fields.change(user, &by)?;
        user.user_id = same;
        Ok(())
    });
    let user = user.await?;
    Ok(json!({ "user_id": user.user_id, "data": shown(&user) }))
}

async fn delete(mut work: Work<'_>) -> Result<Value> {
    let ids = work.fields.take_texts("user_ids")?;
    for id in &ids {
        if work.db.get::<User>(id).await?.is_none() {
            return Err(missing("User", "user_ids"));
        }
    }
    for id in &ids {
        let mut filter = Filter::new();
        filter.user = Some(id.clone());
        for key in work.db.list::<VirtualKey>(&filter).await?.items {
            work.db.remove::<VirtualKey>(&key.hash.to_string(), Some(work.who.name())).await?;
        }
        let Some(user) = work.db.remove::<User>(id, Some(work.who.name())).await? else { continue };
        for team in user.teams {
            let gone = work.db.update::<Team>(&team, |team| {
                team.members_with_roles.retain(|member| member.user_id.as_deref() != Some(id));
                Ok(())
            });
            match gone.await {
                Err(error) if error.kind() != llmux_core::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(json!({ "deleted_users": ids }))
}

async fn info(mut work: Work<'_>) -> Result<Value> {
    let id = work.fields.take_text("user_id")?.or_else(|| work.who.me().map(str::to_owned));
    let id = id.ok_or_else(|| wrong("`user_id` is required", "user_id"))?;
    work.who.may_see(work.db, Some(&id), None).await?;
    let user: User = work.db.get(&id).await?.ok_or_else(|| missing("User", "user_id"))?;
    let mut filter = Filter::new();
    (filter.user, filter.limit) = (Some(id.clone()), Some(keys::MOST_SHOWN));
    let keys = work.db.list::<VirtualKey>(&filter).await?;
    let mut teams = Vec::new();
    for team in &user.teams {
        teams.extend(work.db.get::<Team>(team).await?);
    }
    Ok(json!({ "user_id": id, "user_info": shown(&user), "keys": all(&keys.items), "teams": all(&teams) }))
}

async fn list(mut work: Work<'_>) -> Result<Value> {
    let (number, offset, size) = paging(&mut work.fields, "page_size", 25, 100)?;
    let mut filter = Filter::new();
    (filter.offset, filter.limit) = (offset, Some(size));
    filter.search = work.fields.take_text("user_email")?;
    filter.id = work.fields.take_text("user_ids")?;
    let page = work.db.list::<User>(&filter).await?;
    let pages = pages(&page, size);
    Ok(json!({
        "users": all(&page.items), "total": page.total, "page": number, "page_size": size, "total_pages": pages,
    }))
}
