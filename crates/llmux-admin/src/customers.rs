//! `/customer/*`, which is `/end_user/*`, too.

use llmux_core::{
    ErrorKind, Result,
    tenancy::{EndUser, Timestamp},
};
use llmux_db::Filter;
use serde_json::{Value, json};

use crate::{
    Work,
    fields::{Fields, missing},
    routes::{Action, nothing},
    shown::{all, shown},
};

pub(crate) async fn run(action: Action, mut work: Work<'_>) -> Result<Value> {
    match action {
        Action::New => {
            let id = work.fields.need_text("user_id")?;
            work.fields.set("user_id", id);
            let customer: EndUser = work.fields.make(work.who.name())?;
            work.db.insert(&customer).await?;
            Ok(Value::Object(shown(&customer)))
        }
        Action::Update => {
            let id = work.fields.need_text("user_id")?;
            let (fields, by, same) = (work.fields, work.who.name().to_owned(), id.clone());
            let customer = work.db.update::<EndUser>(&id, move |customer| {
                fields.change(customer, &by)?;
                customer.user_id = same;
                Ok(())
            });
            Ok(Value::Object(shown(&customer.await?)))
        }
        Action::Delete => delete(work).await,
        Action::Block => block(work, true).await,
        Action::Unblock => block(work, false).await,
        Action::Info => {
            // LiteLLM's name of the parameter, or the field's.
            let id = match work.fields.take_text("end_user_id")? {
                Some(id) => id,
                None => work.fields.need_text("user_id")?,
            };
            let customer: EndUser =
                work.db.get(&id).await?.ok_or_else(|| missing("Customer", "end_user_id"))?;
            Ok(Value::Object(shown(&customer)))
        }
        Action::List => Ok(all(&work.db.list::<EndUser>(&Filter::new()).await?.items)),
        _ => Err(nothing()),
    }
}

async fn delete(mut work: Work<'_>) -> Result<Value> {
    let mut deleted: u32 = 0;
    for id in work.fields.take_texts("user_ids")? {
        let gone = work.db.remove::<EndUser>(&id, Some(work.who.name())).await?;
        gone.ok_or_else(|| missing("Customer", "user_ids"))?;
        deleted = deleted.saturating_add(1);
    }
    Ok(
        json!({ "deleted_customers": deleted, "message": format!("Successfully deleted {deleted} customers") }),
    )
}

/// Blocks customers, also those that nobody has seen yet.
async fn block(mut work: Work<'_>, blocked: bool) -> Result<Value> {
    let mut changed = Vec::new();
    for id in work.fields.take_texts("user_ids")? {
        let update = work.db.update::<EndUser>(&id, move |customer| {
            (customer.blocked, customer.updated_at) = (blocked, Timestamp::now());
            Ok(())
        });
        changed.push(match update.await {
            Err(error) if error.kind() == ErrorKind::NotFound && blocked => {
                let mut fields = Fields::default();
                fields.set("user_id", id);
                fields.set("blocked", true);
                let customer: EndUser = fields.make(work.who.name())?;
                work.db.insert(&customer).await?;
                customer
            }
            done => done?,
        });
    }
    let name = if blocked { "blocked_users" } else { "unblocked_users" };
    Ok(json!({ name: all(&changed) }))
}
