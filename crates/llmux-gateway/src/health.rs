//! `/health`: every deployment is asked whether it works.

use std::sync::Arc;

use futures::{StreamExt, stream};
use llmux_core::{DeploymentId, Error};
use llmux_router::{Deployment, Router};
use serde_json::{Value, json};

/// Deployments that are asked at the same time.
const AT_ONCE: usize = 16;

/// Asks the deployments that the query names by `model` or `model_id`, or all, and tells how they do, in LiteLLM's
/// form.
pub(crate) async fn check(router: &Router, query: Option<&str>) -> Value {
    let wanted = |name: &str| {
        let pairs = query.into_iter().flat_map(|query| query.split('&'));
        let value = pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
        value.map(|(_, value)| percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned())
    };
    let (model, id) = (wanted("model"), wanted("model_id"));
    let named = |deployment: &Deployment| {
        let of_group = model
            .as_ref()
            .is_none_or(|model| deployment.group().as_str() == model || deployment.model() == model.as_str());
        of_group && id.as_ref().is_none_or(|id| deployment.id().as_str() == id)
    };
    let mut deployments: Vec<_> = router.deployments().into_iter().filter(|one| named(one)).collect();
    deployments.sort_by(|a, b| a.id().cmp(b.id()));
    let check = |deployment: Arc<Deployment>| async move {
        let checked = router.check(deployment.id()).await;
        (endpoint(&deployment, checked.as_ref().err()), checked.is_ok())
    };
    let checks: Vec<_> = deployments.into_iter().map(check).collect();
    let checked: Vec<_> = stream::iter(checks).buffered(AT_ONCE).collect().await;
    let (healthy, unhealthy): (Vec<_>, Vec<_>) = checked.into_iter().partition(|(_, healthy)| *healthy);
    let only = |all: Vec<(Value, bool)>| all.into_iter().map(|(endpoint, _)| endpoint).collect::<Vec<_>>();
    let (healthy, unhealthy) = (only(healthy), only(unhealthy));
    json!({
        "healthy_count": healthy.len(),
        "unhealthy_count": unhealthy.len(),
        "healthy_endpoints": healthy,
        "unhealthy_endpoints": unhealthy,
    })
}

fn endpoint(deployment: &Deployment, error: Option<&Error>) -> Value {
    let id: &DeploymentId = deployment.id();
    let provider = deployment.provider();
    let mut endpoint = json!({
        "model": format!("{}/{}", provider.name(), deployment.model()),
        "model_name": deployment.group().as_str(),
        "model_id": id.as_str(),
        "api_base": provider.base_url().split(['?', '#']).next(),
    });
    if let (Some(error), Some(endpoint)) = (error, endpoint.as_object_mut()) {
        endpoint.insert("error".into(), error.to_string().into());
        endpoint.insert("status".into(), error.status().as_u16().into());
    }
    endpoint
}
