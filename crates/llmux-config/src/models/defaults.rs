//! What entries of `model_list` take from the rest of a configuration, also those that come while it is in use.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::{Credentials, Place, fill, member, nested, one_organization, organizations, wildcards};
use crate::JsonObject;
use crate::check::Checker;
use crate::config::Model;
use crate::keys::{ROOT, nearest};
use crate::problem::{Problem, Problems, Report, Severity};
use crate::references;
use crate::source::{Position, parse};

/// Shared credentials, and parameters for deployments that do not set them. `Debug` shows names only.
#[derive(Clone, Debug, Default)]
pub struct ModelDefaults {
    credentials: Credentials,
    params: JsonObject,
}

impl ModelDefaults {
    pub(super) fn new(credentials: Credentials, params: Map<String, Json>) -> Self {
        Self { credentials, params: params.into() }
    }

    /// Reads one deployment: a mapping like an entry of `model_list`, as JSON or YAML, with an id. What it refers to
    /// is filled in; `environment` looks variables up. Beside it, what is odd about it.
    ///
    /// # Errors
    ///
    /// A report of all mistakes, if at least one makes the deployment unusable.
    pub fn model(
        &self,
        text: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Model, Vec<Problem>), Report> {
        let mut problems = Problems::default();
        let file: Arc<Path> = Arc::from(Path::new("model"));
        let model = self.read(text, &file, environment, &mut problems);
        if let Some(model) = model.filter(|_| !problems.has_errors()) {
            match serde_path_to_error::deserialize::<_, Model>(model) {
                Ok(model) => return Ok((model, problems.into_sorted())),
                Err(error) => problems.error(
                    &Position::of_file(&file),
                    &error.path().to_string(),
                    "this value cannot be used",
                ),
            }
        }
        let mut problems = problems.into_sorted();
        problems.retain(|problem| problem.severity == Severity::Error);
        Err(Report { problems })
    }

    fn read(
        &self,
        text: &str,
        file: &Arc<Path>,
        environment: &dyn Fn(&str) -> Option<String>,
        problems: &mut Problems,
    ) -> Option<Json> {
        let section = nested(&ROOT, "model_list")?;
        let mut node = parse(text, file, problems)?;
        references::substitute(&mut node.value, environment);
        let mut model = Json::Object(Checker::new(problems).section(&node, section, ""));
        let place = Place { path: String::new(), node: &node, section };
        wildcards(&model, &place, problems);
        if super::text(&model, "model_info", "id").is_empty() {
            problems.error(&node.at, "model_info.id", "the id is missing");
        }
        let mut all = organizations(&mut model);
        if all.len() > 1 {
            let (path, at) = place.of("litellm_params", "organization");
            problems.error(&at, &path, "a list makes several deployments; give one organization");
        }
        let mut model = all.pop()?;
        self.fill(&mut model, &place, problems);
        Some(model)
    }

    /// Adds to a model what it refers to, and what it does not set.
    pub(super) fn fill(&self, model: &mut Json, place: &Place<'_>, problems: &mut Problems) {
        let Some(params) = member(model, "litellm_params") else { return };
        if let Some(values) = self.credential(params, place, problems) {
            fill(params, values);
        }
        fill(params, &self.params);
        one_organization(params);
    }

    fn credential(
        &self,
        params: &Map<String, Json>,
        place: &Place<'_>,
        problems: &mut Problems,
    ) -> Option<&JsonObject> {
        let name = params.get("litellm_credential_name")?.as_str()?;
        let found = self.credentials.get(name);
        if found.is_none() {
            let (path, at) = place.of("litellm_params", "litellm_credential_name");
            let remedy = nearest(name, self.credentials.keys().map(String::as_str))
                .map(|nearest| format!("did you mean `{nearest}`?"));
            problems.error_with(&at, &path, "no entry of `credential_list` has this name", remedy);
        }
        found
    }
}
