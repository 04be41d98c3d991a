//! Ids of deployments that were given none.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use crate::keys::{ROOT, Section, Shape};

/// Makes ids from names and parameters: the same in every process and for any order of keys.
///
/// Secrets do not enter, so an id tells nothing about them and outlives their rotation. Deployments that
/// differ in nothing else are numbered in file order.
#[derive(Default)]
pub(crate) struct Identities {
    seen: HashMap<String, usize>,
}

impl Identities {
    /// The id of a model with its parameters as they were configured.
    pub(crate) fn of(&mut self, model: &Json) -> String {
        let public = model.get("litellm_params").and_then(Json::as_object).map(public).unwrap_or_default();
        let name = model.get("model_name").cloned().unwrap_or_default();
        let text = Json::Array(vec![name, canonical(&Json::Object(public))]).to_string();
        let count = self.seen.entry(text.clone()).or_default();
        *count += 1;
        let mut hash = Sha256::new();
        hash.update(text.as_bytes());
        if *count > 1 {
            hash.update(format!("#{count}"));
        }
        hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The parameters without secret values.
fn public(params: &Map<String, Json>) -> Map<String, Json> {
    let secret = secret_keys();
    let visible = params.iter().filter(|(name, _)| !secret.contains(&name.as_str()));
    visible
        .map(|(name, value)| match value {
            Json::Object(options) if name == "options" => (name.clone(), Json::Object(public(options))),
            _ => (name.clone(), value.clone()),
        })
        .collect()
}

fn secret_keys() -> Vec<&'static str> {
    let nested = |section: &Section, name: &str| super::nested(section, name);
    let params = nested(&ROOT, "model_list").and_then(|model| nested(model, "litellm_params"));
    let keys = params.into_iter().flat_map(Section::keys);
    keys.filter(|key| key.shape().is_some_and(Shape::is_secret)).map(|key| key.name).collect()
}

/// The same value with all keys sorted.
fn canonical(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let sorted: BTreeMap<_, _> = map.iter().map(|(key, value)| (key, canonical(value))).collect();
            Json::Object(sorted.into_iter().map(|(key, value)| (key.clone(), value)).collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(canonical).collect()),
        other => other.clone(),
    }
}
