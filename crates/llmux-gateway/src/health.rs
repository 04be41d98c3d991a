//! `/health`: which deployments work. They are asked when somebody wants to know, or again and again in the background;
//! then the last answers are told.

mod background;

use std::{collections::BTreeMap, sync::Arc};

use futures::{StreamExt, stream};
use llmux_router::Deployment;
use serde_json::{Map, Value, json};

pub(crate) use self::background::run;
use crate::{models, snapshot::Snapshot};

/// Tells how the deployments do that the query names by `model` or `model_id`, or all, in LiteLLM's form.
pub(crate) async fn check(snapshot: &Snapshot, query: Option<&str>) -> Value {
    let deployments = named(snapshot, query);
    let ask = |deployment: Arc<Deployment>| async move {
        // What went wrong is remembered.
        let _ = snapshot.router.check(deployment.id()).await;
        deployment
    };
    let asked: Vec<_> = if snapshot.health.background {
        deployments
    } else {
        let checks: Vec<_> = deployments.into_iter().map(ask).collect();
        stream::iter(checks).buffered(snapshot.health.concurrency.max(1)).collect().await
    };
    let (mut healthy, mut unhealthy) = (Vec::new(), Vec::new());
    for deployment in asked {
        // In the background, one may not have had its turn yet.
        let Some(last) = snapshot.router.last_check(deployment.id()) else { continue };
        let side = if last.error.is_none() { &mut healthy } else { &mut unhealthy };
        side.push(endpoint(&deployment, last.error.as_ref(), snapshot.health.details));
    }
    json!({
        "healthy_count": healthy.len(),
        "unhealthy_count": unhealthy.len(),
        "healthy_endpoints": healthy,
        "unhealthy_endpoints": unhealthy,
    })
}

/// The last answer of every deployment that was asked, by its id.
pub(crate) fn latest(snapshot: &Snapshot) -> Value {
    let mut all = BTreeMap::new();
    for deployment in snapshot.router.deployments() {
        let Some(last) = snapshot.router.last_check(deployment.id()) else { continue };
        let well = last.error.is_none();
        let told = json!({
            "model_id": deployment.id().as_str(),
            "model_name": deployment.group().as_str(),
            "status": if well { "healthy" } else { "unhealthy" },
            "healthy_count": u8::from(well),
            "unhealthy_count": u8::from(!well),
            "error_message": last.error.as_ref().map(|(_, message)| message),
            "response_time_ms": last.took,
            "details": endpoint(&deployment, None, snapshot.health.details),
            "checked_by": null,
            "checked_at": models::time(last.at.seconds()),
        });
        all.insert(deployment.id().as_str().to_owned(), told);
    }
    json!({ "total_models": all.len(), "latest_health_checks": all })
}

/// The deployments that a query means, sorted by id.
fn named(snapshot: &Snapshot, query: Option<&str>) -> Vec<Arc<Deployment>> {
    let (model, id) = (models::parameter(query, "model"), models::parameter(query, "model_id"));
    let wanted = |deployment: &Arc<Deployment>| {
        let skipped = snapshot.health.skip_disabled && !deployment.settings().health_check.background;
        let of_group = model
            .as_ref()
            .is_none_or(|model| deployment.group().as_str() == model || deployment.model() == *model);
        !skipped && of_group && id.as_ref().is_none_or(|id| deployment.id().as_str() == id)
    };
    let mut deployments: Vec<_> = snapshot.router.deployments().into_iter().filter(wanted).collect();
    deployments.sort_by(|a, b| a.id().cmp(b.id()));
    deployments
}

fn endpoint(deployment: &Deployment, error: Option<&(u16, String)>, details: bool) -> Value {
    let provider = deployment.provider();
    let mut endpoint = Map::new();
    endpoint.insert("model".into(), format!("{}/{}", provider.name(), deployment.model()).into());
    if !details {
        return endpoint.into();
    }
    endpoint.insert("model_name".into(), deployment.group().as_str().into());
    endpoint.insert("model_id".into(), deployment.id().as_str().into());
    endpoint.insert("api_base".into(), provider.base_url().split(['?', '#']).next().into());
    if let Some((status, message)) = error {
        endpoint.insert("error".into(), message.as_str().into());
        endpoint.insert("status".into(), (*status).into());
    }
    endpoint.into()
}
