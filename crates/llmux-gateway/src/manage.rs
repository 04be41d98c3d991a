//! Models that are added, changed and removed by request, beside those of the configuration. They are kept in memory:
//! over reloads of the configuration, not over a restart.
//!
//! A change builds a new snapshot, off the threads that serve, and puts it in the place of the old one, as a reload
//! does. Requests that run keep theirs, and what the router remembers of a deployment stays under its id.

mod added;
mod answer;
mod control;

use std::sync::Arc;

use arc_swap::ArcSwap;
use llmux_config::{Config, ModelDefaults, Report};
use llmux_core::{Error, ErrorKind, Result};
use tokio::sync::Mutex;

use self::added::AddedModels;
pub(crate) use self::{answer::answer, control::hand_over};
use crate::snapshot::{Built, Parts, Snapshot};

/// What snapshots are built from: a configuration, and what it does not hold.
#[derive(Clone)]
pub struct Source {
    config: Arc<Config>,
    defaults: ModelDefaults,
    parts: Parts,
}

impl Source {
    /// Puts it together; `defaults` is what models that are added take from the configuration.
    #[must_use]
    pub fn new(config: Config, defaults: ModelDefaults, parts: Parts) -> Self {
        Self { config: Arc::new(config), defaults, parts }
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Builds a snapshot.
    ///
    /// # Errors
    /// Every mistake at once, each naming the setting.
    pub fn build(&self) -> Result<Built, Vec<Error>> {
        Snapshot::build(&self.config, &self.parts)
    }

    /// Builds a snapshot that serves further models, too.
    fn build_with(&self, added: &AddedModels) -> Result<Built, Vec<Error>> {
        if added.is_empty() {
            return self.build();
        }
        let (mut config, mut warnings) = ((*self.config).clone(), Vec::new());
        let lookup = |name: &str| self.parts.environment.first(&[name]);
        for model in added.iter() {
            if config.models.iter().any(|known| known.info.id == model.id()) {
                warnings.push(format!(
                    "the model that was added with the id `{}` gives way to the configuration's",
                    model.id()
                ));
                continue;
            }
            let read = self.defaults.model(&model.text(), &lookup);
            let (read, odd) = read.map_err(|report| vec![unusable(model.id(), &report)])?;
            warnings.extend(odd.iter().map(ToString::to_string));
            config.models.push(read);
        }
        let mut built = Snapshot::build(&config, &self.parts)?;
        for entry in &mut built.snapshot.entries {
            let of_file = self.config.models.iter().any(|known| known.info.id == entry.id);
            entry.added = added.get(&entry.id).filter(|_| !of_file).map(|model| model.times());
        }
        built.warnings.extend(warnings);
        Ok(built)
    }
}

/// What is wrong with a model, by its keys.
fn unusable(id: &str, report: &Report) -> Error {
    let problem = |problem: &llmux_config::Problem| {
        let remedy = problem.suggestion.as_ref().map_or_else(String::new, |remedy| format!("; {remedy}"));
        format!("{}: {}{remedy}", problem.key, problem.message)
    };
    let problems: Vec<_> = report.problems.iter().map(problem).collect();
    let message = format!("the model `{id}` cannot be used: {}", problems.join(", "));
    Error::client(ErrorKind::InvalidRequest, message)
}

/// What is served now, for those who change it: one after the other.
pub(crate) struct Management(Mutex<Running>);

#[derive(Clone)]
struct Running {
    source: Source,
    added: AddedModels,
}

impl Management {
    pub(crate) fn new(source: Source) -> Self {
        Self(Mutex::new(Running { source, added: AddedModels::default() }))
    }

    /// Serves from another configuration, and still the models that were added. Blocks.
    pub(crate) fn reload(
        &self,
        current: &ArcSwap<Snapshot>,
        source: Source,
    ) -> Result<Vec<String>, Vec<Error>> {
        let mut running = self.0.blocking_lock();
        let built = source.build_with(&running.added)?;
        running.source = source;
        current.store(Arc::new(built.snapshot));
        Ok(built.warnings)
    }

    /// Changes the models that were added, and serves them. What `edit` refuses, or what cannot be served, changes
    /// nothing. Gives what `edit` gave, and the snapshot that serves it.
    async fn change<T>(
        &self,
        current: &ArcSwap<Snapshot>,
        edit: impl FnOnce(&mut AddedModels, &Config) -> Result<T>,
    ) -> Result<(T, Arc<Snapshot>)> {
        let mut running = self.0.lock().await;
        let mut new = running.clone();
        let edited = edit(&mut new.added, &new.source.config)?;
        if new.added == running.added {
            return Ok((edited, current.load_full()));
        }
        let candidate = new.clone();
        let built = tokio::task::spawn_blocking(move || candidate.source.build_with(&candidate.added)).await;
        let built = built.map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
        let built = built.map_err(|errors| refused(&errors))?;
        let missing = new.added.iter().find(|model| !built.snapshot.serves(model.id()));
        if let Some(model) = missing.filter(|model| !running.source.serves(model.id())) {
            let message = format!("the model `{}` cannot be used: its provider is not supported", model.id());
            return Err(Error::client(ErrorKind::InvalidRequest, message));
        }
        for warning in &built.warnings {
            tracing::warn!("{warning}");
        }
        let snapshot = Arc::new(built.snapshot);
        current.store(Arc::clone(&snapshot));
        *running = new;
        Ok((edited, snapshot))
    }
}

impl Source {
    /// Whether the configuration itself has a deployment of this id.
    fn serves(&self, id: &str) -> bool {
        self.config.models.iter().any(|known| known.info.id == id)
    }
}

impl Snapshot {
    /// Whether a deployment of this id serves.
    fn serves(&self, id: &str) -> bool {
        self.entries.iter().any(|entry| entry.id == id)
    }
}

/// Several mistakes as one; the place of an added model among all is nobody's concern.
fn refused(errors: &[Error]) -> Error {
    let message = |error: &Error| {
        let message = error.message();
        let rest = message.strip_prefix("model_list[").and_then(|rest| rest.split_once("]."));
        rest.map_or_else(|| message.to_owned(), |(_, rest)| rest.to_owned())
    };
    let all: Vec<_> = errors.iter().map(message).collect();
    let error = Error::client(ErrorKind::InvalidRequest, all.join("; "));
    match errors.first().and_then(Error::param) {
        Some(param) => error.with_param(param),
        None => error,
    }
}
