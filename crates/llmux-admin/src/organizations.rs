//! `/organization/*`

use llmux_core::{
    RequestId, Result,
    tenancy::{Organization, Team},
};
use llmux_db::Filter;
use serde_json::{Value, json};

use crate::{
    Work,
    fields::{missing, wrong},
    routes::{Action, nothing},
    shown::{all, shown},
};

pub(crate) async fn run(action: Action, work: Work<'_>) -> Result<Value> {
    match action {
        Action::New => new(work).await,
        Action::Update => update(work).await,
        Action::Delete => delete(work).await,
        Action::Info => info(work).await,
        Action::List => Ok(all(&work.db.list::<Organization>(&Filter::new()).await?.items)),
        _ => Err(nothing()),
    }
}

async fn new(mut work: Work<'_>) -> Result<Value> {
    let id =
        work.fields.take_text("organization_id")?.unwrap_or_else(|| RequestId::new().as_str().to_owned());
    work.fields.set("organization_id", id);
    let organization: Organization = work.fields.make(work.who.name())?;
    if organization.organization_alias.is_none() {
        return Err(wrong("`organization_alias` is required", "organization_alias"));
    }
    work.db.insert(&organization).await?;
    Ok(Value::Object(shown(&organization)))
}

async fn update(mut work: Work<'_>) -> Result<Value> {
    let id = work.fields.need_text("organization_id")?;
    let (fields, by, same) = (work.fields, work.who.name().to_owned(), id.clone());
    let organization = work.db.update::<Organization>(&id, move |organization| {
        fields.change(organization, &by)?;
        organization.organization_id = same;
        Ok(())
    });
    Ok(Value::Object(shown(&organization.await?)))
}

async fn delete(mut work: Work<'_>) -> Result<Value> {
    let mut deleted = Vec::new();
    for id in work.fields.take_texts("organization_ids")? {
        let mut filter = Filter::new();
        (filter.organization, filter.limit) = (Some(id.clone()), Some(1));
        if work.db.list::<Team>(&filter).await?.total > 0 {
            return Err(wrong(
                &format!("organization `{id}` has teams; delete them first"),
                "organization_ids",
            ));
        }
        let gone = work.db.remove::<Organization>(&id, Some(work.who.name())).await?;
        deleted.push(gone.ok_or_else(|| missing("Organization", "organization_ids"))?);
    }
    Ok(all(&deleted))
}

async fn info(mut work: Work<'_>) -> Result<Value> {
    let id = work.fields.need_text("organization_id")?;
    let organization: Organization =
        work.db.get(&id).await?.ok_or_else(|| missing("Organization", "organization_id"))?;
    let mut filter = Filter::new();
    filter.organization = Some(id);
    let teams = work.db.list::<Team>(&filter).await?;
    let mut answer = shown(&organization);
    answer.insert("teams".to_owned(), all(&teams.items));
    answer.insert("members".to_owned(), json!([]));
    Ok(Value::Object(answer))
}
