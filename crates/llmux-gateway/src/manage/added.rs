//! The models that were added by request, as they were given.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use llmux_core::{Error, ErrorKind, ExposeSecret, RequestId, Result, SecretString};
use serde_json::{Map, Value};

/// A model that was added. It may hold keys.
#[derive(Clone)]
pub(super) struct AddedModel {
    id: String,
    /// What was given, as JSON.
    text: Arc<SecretString>,
    created: u64,
    updated: u64,
}

impl PartialEq for AddedModel {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.text.expose_secret() == other.text.expose_secret()
    }
}

impl AddedModel {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// What was given, as JSON.
    pub(super) fn text(&self) -> std::borrow::Cow<'_, str> {
        self.text.expose_secret().into()
    }

    /// When it was added and last changed, in seconds since 1970.
    pub(super) fn times(&self) -> (u64, u64) {
        (self.created, self.updated)
    }
}

/// All of them, in the order in which they came.
#[derive(Clone, Default, PartialEq)]
pub(super) struct AddedModels(Vec<AddedModel>);

/// The parts of a model.
const PARTS: [&str; 2] = ["litellm_params", "model_info"];

impl AddedModels {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &AddedModel> {
        self.0.iter()
    }

    pub(super) fn get(&self, id: &str) -> Option<&AddedModel> {
        self.0.iter().find(|model| model.id == id)
    }

    /// Adds a model under the id that it brings, or a new one. Gives the id.
    ///
    /// # Errors
    /// When there is such a model already; `known` tells of those of the configuration.
    pub(super) fn add(
        &mut self,
        mut model: Map<String, Value>,
        known: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let info = object(&mut model, "model_info")?;
        let id = match info.get("id").filter(|id| !id.is_null()) {
            None => RequestId::new().as_str().to_owned(),
            Some(Value::String(id)) if !id.is_empty() => id.clone(),
            Some(_) => return Err(wrong("`model_info.id` must be a text", "model_info.id")),
        };
        info.insert("id".into(), id.as_str().into());
        if known(&id) || self.get(&id).is_some() {
            let message = format!("there is a model with the id `{id}` already; change it by /model/update");
            return Err(Error::client(ErrorKind::Conflict, message).with_param("model_info.id"));
        }
        let now = seconds();
        self.0.push(AddedModel { id: id.clone(), text: secret(model), created: now, updated: now });
        Ok(id)
    }

    /// Changes a model: what `changes` names is set, the rest stays. `null` changes nothing, except that it takes
    /// away a price or the name of a credential.
    ///
    /// # Errors
    /// When no such model was added.
    pub(super) fn update(&mut self, id: &str, mut changes: Map<String, Value>) -> Result<()> {
        let model = self.0.iter_mut().find(|model| model.id == id).ok_or_else(|| unknown(id))?;
        let mut all: Map<String, Value> =
            serde_json::from_str(model.text.expose_secret()).unwrap_or_default();
        for part in PARTS {
            let new = std::mem::take(object(&mut changes, part)?);
            merge(object(&mut all, part)?, new);
        }
        if let Some(Value::String(name)) = changes.remove("model_name") {
            all.insert("model_name".into(), name.into());
        }
        object(&mut all, "model_info")?.insert("id".into(), id.into());
        let text = secret(all);
        if text.expose_secret() != model.text.expose_secret() {
            (model.text, model.updated) = (text, seconds());
        }
        Ok(())
    }

    /// Removes a model.
    ///
    /// # Errors
    /// When no such model was added.
    pub(super) fn remove(&mut self, id: &str) -> Result<()> {
        let before = self.0.len();
        self.0.retain(|model| model.id != id);
        if self.0.len() == before { Err(unknown(id)) } else { Ok(()) }
    }
}

fn merge(all: &mut Map<String, Value>, changes: Map<String, Value>) {
    for (name, value) in changes {
        let clearable = name == "litellm_credential_name" || name.contains("_cost_per_");
        match value {
            Value::Null if clearable => _ = all.remove(&name),
            Value::Null => {}
            value => _ = all.insert(name, value),
        }
    }
}

/// A part of a model, made if it is not there.
fn object<'m>(model: &'m mut Map<String, Value>, name: &str) -> Result<&'m mut Map<String, Value>> {
    let part = model.entry(name).or_insert(Value::Null);
    if part.is_null() {
        *part = Map::new().into();
    }
    part.as_object_mut().ok_or_else(|| wrong(&format!("`{name}` must be an object"), name))
}

fn secret(model: Map<String, Value>) -> Arc<SecretString> {
    Arc::new(Value::Object(model).to_string().into())
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

pub(super) fn wrong(message: &str, param: &str) -> Error {
    Error::client(ErrorKind::InvalidRequest, message).with_param(param)
}

fn unknown(id: &str) -> Error {
    let message = format!("there is no model with the id `{id}`");
    Error::client(ErrorKind::NotFound, message).with_param("id").with_code("model_not_found")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn an_update_sets_what_it_names_and_null_takes_away_prices_only() {
        let mut added = AddedModels::default();
        let given = json!({"model_name": "m", "litellm_params": {"model": "a/b", "rpm": 3, "input_cost_per_token": 1}});
        let id = added.add(map(given), |_| false).unwrap();
        let before = added.clone();
        added.update(&id, map(json!({"litellm_params": {"rpm": null}}))).unwrap();
        assert!(added == before, "nothing changed");
        let changes = json!({"model_name": "n", "litellm_params": {"rpm": null, "tpm": 5, "input_cost_per_token": null},
                             "model_info": {"id": "other", "mode": "chat"}});
        added.update(&id, map(changes)).unwrap();
        let now: Value = serde_json::from_str(&added.get(&id).unwrap().text()).unwrap();
        let expected = json!({"model_name": "n", "litellm_params": {"model": "a/b", "rpm": 3, "tpm": 5},
                              "model_info": {"id": id, "mode": "chat"}});
        assert_eq!(now, expected);
        assert!(added.update("other", Map::new()).is_err() && added.remove("other").is_err());
        added.remove(&id).unwrap();
        assert!(added.is_empty());
    }

    #[test]
    fn an_id_is_given_once() {
        let mut added = AddedModels::default();
        let model = || map(json!({"model_info": {"id": "x"}}));
        assert!(added.add(model(), |id| id == "x").is_err());
        assert_eq!(added.add(model(), |_| false).unwrap(), "x");
        assert_eq!(added.add(model(), |_| false).unwrap_err().status().as_u16(), 409);
        assert!(added.add(map(json!({"model_info": 7})), |_| false).is_err());
        assert!(added.add(map(json!({"model_info": {"id": 7}})), |_| false).is_err());
    }
}
