//! The list of models that clients can ask for, in OpenAI's shape, in Anthropic's and in Google's.

use bytes::Bytes;
use llmux_auth::models::denied_by;
use llmux_core::{Dialect, Error, ErrorKind, Result};
use llmux_router::{Listing, Router, closest};
use serde_json::{Value, json};

use crate::{snapshot::Snapshot, tenancy::Caller};

/// OpenAI's field wants a time; LiteLLM gives every model this one.
const CREATED: u64 = 1_677_610_602;
/// The same moment, as Anthropic writes it.
const CREATED_AT: &str = "2023-02-28T18:56:42Z";

/// All models, or those of which a deployment was not found sick, that a caller may ask for.
pub(crate) fn list(snapshot: &Snapshot, dialect: Dialect, caller: Option<&Caller>) -> Bytes {
    let (router, healthy_only) = (&snapshot.router, snapshot.health.list_healthy_only);
    let mut models = router.models();
    models.retain(|model| !(healthy_only && router.is_sick(&model.name)));
    if let Some(caller) = caller {
        models.retain(|model| denied_by(&caller.identity, &model.name, snapshot).is_none());
    }
    let data: Vec<_> = models.iter().map(|model| entry(model, dialect)).collect();
    let body = match dialect {
        Dialect::Anthropic => json!({
            "data": data,
            "has_more": false,
            "first_id": models.first().map(|model| &model.name),
            "last_id": models.last().map(|model| &model.name),
        }),
        Dialect::Gemini => json!({ "models": data }),
        _ => json!({ "object": "list", "data": data }),
    };
    body.to_string().into()
}

/// One model, also one that only a wildcard knows.
pub(crate) fn one(router: &Router, id: &str, dialect: Dialect) -> Result<Bytes> {
    let models = router.models();
    let listed = models.iter().find(|model| model.name == id).map(|model| entry(model, dialect));
    let entry = listed.or_else(|| {
        router.knows(id).then(|| {
            let provider = id.split('/').next().unwrap_or_default();
            entry_of(id, provider, dialect)
        })
    });
    entry.map(|entry| entry.to_string().into()).ok_or_else(|| {
        let close = closest(id, models.iter().map(|model| model.name.as_str()));
        let hint =
            if close.is_empty() { String::new() } else { format!("; did you mean {}?", close.join(" or ")) };
        Error::client(ErrorKind::NotFound, format!("the model `{id}` does not exist{hint}"))
            .with_param("model")
            .with_code("model_not_found")
    })
}

fn entry(model: &Listing, dialect: Dialect) -> Value {
    entry_of(&model.name, &model.provider, dialect)
}

fn entry_of(name: &str, provider: &str, dialect: Dialect) -> Value {
    match dialect {
        Dialect::Anthropic => {
            json!({ "type": "model", "id": name, "display_name": name, "created_at": CREATED_AT })
        }
        // What a model can do is known by its provider only: all methods are offered.
        Dialect::Gemini => json!({
            "name": format!("models/{name}"),
            "displayName": name,
            "version": "",
            "supportedGenerationMethods":
                ["generateContent", "countTokens", "embedContent", "batchEmbedContents"],
        }),
        _ => json!({ "id": name, "object": "model", "created": CREATED, "owned_by": provider }),
    }
}
