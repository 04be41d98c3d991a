//! The requests that change models, in LiteLLM's forms.

use arc_swap::ArcSwap;
use http::Request;
use hyper::body::Incoming;
use llmux_config::Config;
use llmux_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::{Management, added::wrong};
use crate::{
    dispatch::Manage,
    models,
    server::{discard_body, read_body},
    snapshot::Snapshot,
};

/// Who changes models: the only one who may. LiteLLM's name for whoever has the master key.
const OPERATOR: &str = "default_user_id";

/// Does what a request wants.
///
/// # Errors
/// 401 and 403 without the master key, 400 for what cannot be done, 404 and 409 for ids; then nothing has changed.
pub(crate) async fn answer(
    management: Option<&Management>,
    current: &ArcSwap<Snapshot>,
    snapshot: &Snapshot,
    request: Request<Incoming>,
    change: Manage<'_>,
) -> Result<Value> {
    let (head, body) = request.into_parts();
    if let Err(refused) = snapshot.access.check_operator(&head.headers, head.uri.query()) {
        discard_body(body);
        return Err(refused);
    }
    let body = read_body(body, snapshot.limits.body_size, snapshot.limits.body_time).await?;
    let mut body: Map<String, Value> =
        serde_json::from_slice(&body).map_err(|_| wrong("the body must be a JSON object", "body"))?;
    let management = management.ok_or_else(|| {
        Error::client(ErrorKind::NotFound, "this gateway's models are managed by its program")
    })?;
    match change {
        Manage::New => {
            let edit = management.change(current, |added, config| added.add(body, |id| known(config, id)));
            let (id, snapshot) = edit.await?;
            tracing::info!(id, "model added");
            row(&snapshot, &id)
        }
        Manage::Update => {
            let id = body.get("model_info").and_then(|info| info.get("id")?.as_str()).map(str::to_owned);
            let id = id.ok_or_else(|| wrong("`model_info.id` is required, as a text", "model_info.id"))?;
            update(management, current, &id, body).await
        }
        Manage::Patch(id) => {
            let other = body.get("model_info").and_then(|info| info.get("id")?.as_str());
            if other.is_some_and(|other| other != id) {
                return Err(wrong("`model_info.id` is not the id of the path", "model_info.id"));
            }
            update(management, current, &id, body).await
        }
        Manage::Delete => {
            let id = text(&mut body, "id")?;
            let edit = management.change(current, |added, config| {
                not_configured(config, &id)?;
                added.remove(&id)
            });
            edit.await?;
            tracing::info!(id, "model removed");
            Ok(json!({ "message": format!("Model: {id} deleted successfully") }))
        }
        Manage::Block => pause(management, current, &text(&mut body, "model_id")?, true).await,
        Manage::Unblock => pause(management, current, &text(&mut body, "model_id")?, false).await,
    }
}

async fn update(
    management: &Management,
    current: &ArcSwap<Snapshot>,
    id: &str,
    body: Map<String, Value>,
) -> Result<Value> {
    let edit = management.change(current, |added, config| {
        not_configured(config, id)?;
        added.update(id, body)
    });
    let ((), snapshot) = edit.await?;
    tracing::info!(id, "model changed");
    row(&snapshot, id)
}

/// Pauses any deployment, or ends the pause. One of the configuration is paused until the process ends, also over
/// reloads.
async fn pause(
    management: &Management,
    current: &ArcSwap<Snapshot>,
    id: &str,
    paused: bool,
) -> Result<Value> {
    let edit = management.change(current, |added, config| {
        if let Some(configured) = config.models.iter().find(|model| model.info.id == id) {
            let stuck = configured.info.blocked && !paused;
            let message = "the configuration pauses this model: remove `blocked` there";
            return if stuck { Err(wrong(message, "model_id")) } else { Ok(()) };
        }
        added.update(id, Map::from_iter([("model_info".to_owned(), json!({ "blocked": paused }))]))
    });
    let ((), snapshot) = edit.await?;
    snapshot.router.set_paused(&id.into(), paused)?;
    tracing::info!(id, paused, "model paused or resumed");
    row(&snapshot, id)
}

fn known(config: &Config, id: &str) -> bool {
    config.models.iter().any(|model| model.info.id == id)
}

/// Models of the configuration are changed there.
fn not_configured(config: &Config, id: &str) -> Result<()> {
    if known(config, id) {
        // LiteLLM's words, which its dashboard shows.
        let message = "Can't edit model. Model in config. Change it in the configuration file, which is read again \
                       when it changes.";
        return Err(wrong(message, "id"));
    }
    Ok(())
}

fn text(body: &mut Map<String, Value>, name: &str) -> Result<String> {
    match body.remove(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(wrong(&format!("`{name}` is required, as a text"), name)),
    }
}

/// A deployment as LiteLLM's table has it, secrets left out.
fn row(snapshot: &Snapshot, id: &str) -> Result<Value> {
    let entry = snapshot.entries.iter().find(|entry| entry.id == id);
    let entry = entry.ok_or_else(|| Error::new(ErrorKind::Internal, "the model is not served"))?;
    let paused = snapshot.router.is_paused(&id.into());
    let mut row = models::deployment(entry, paused);
    if let Some(row) = row.as_object_mut() {
        row.insert("model_id".into(), id.into());
        row.insert("blocked".into(), paused.into());
        if let Some((created, updated)) = entry.added {
            row.insert("created_at".into(), models::time(created).into());
            row.insert("created_by".into(), OPERATOR.into());
            row.insert("updated_at".into(), models::time(updated).into());
            row.insert("updated_by".into(), OPERATOR.into());
        }
    }
    Ok(row)
}
