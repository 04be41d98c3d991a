//! `/budget/*`

use llmux_core::{RequestId, Result, tenancy::Budget};
use llmux_db::Filter;
use serde_json::Value;

use crate::{
    Work,
    fields::missing,
    routes::{Action, nothing},
    shown::{all, shown},
};

pub(crate) async fn run(action: Action, mut work: Work<'_>) -> Result<Value> {
    match action {
        Action::New => {
            let id =
                work.fields.take_text("budget_id")?.unwrap_or_else(|| RequestId::new().as_str().to_owned());
            work.fields.set("budget_id", id);
            let budget: Budget = work.fields.make(work.who.name())?;
            work.db.insert(&budget).await?;
            Ok(Value::Object(shown(&budget)))
        }
        Action::Update => {
            let id = work.fields.need_text("budget_id")?;
            let (fields, by, same) = (work.fields, work.who.name().to_owned(), id.clone());
            let budget = work.db.update::<Budget>(&id, move |budget| {
                fields.change(budget, &by)?;
                budget.budget_id = same;
                Ok(())
            });
            Ok(Value::Object(shown(&budget.await?)))
        }
        Action::Delete => {
            let id = work.fields.need_text("id")?;
            let budget = work.db.remove::<Budget>(&id, Some(work.who.name())).await?;
            Ok(Value::Object(shown(&budget.ok_or_else(|| missing("Budget", "id"))?)))
        }
        Action::Info => {
            let mut found = Vec::new();
            for id in work.fields.take_texts("budgets")? {
                found.extend(work.db.get::<Budget>(&id).await?);
            }
            Ok(all(&found))
        }
        Action::List => Ok(all(&work.db.list::<Budget>(&Filter::new()).await?.items)),
        _ => Err(nothing()),
    }
}
