//! The catalogue of models: what is built in, a newer price map from an address, and the operator's own file.

mod remote;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use llmux_catalog::Catalogue;
use llmux_config::Catalogue as Settings;
use llmux_core::Transport;
use serde_json::{Map, Value};
use tokio::sync::Notify;

use crate::reload::Reload;
use remote::Signed;

type PriceMap = Map<String, Value>;

/// What stays over reloads: the last good price map from an address.
#[derive(Default)]
pub(crate) struct Sources {
    latest: Mutex<Option<Latest>>,
    /// What the configuration in use says; nothing before the first.
    settings: Mutex<Option<Settings>>,
    /// It says something else now.
    changed: Notify,
}

/// A price map that was signed, and the key that it was signed with.
struct Latest {
    map: Arc<PriceMap>,
    key: String,
}

impl Sources {
    /// Puts the catalogue together. `folder` is where relative paths begin. Gives the files that were read.
    pub(crate) fn load(
        &self,
        settings: &Settings,
        folder: &Path,
    ) -> Result<(Arc<Catalogue>, Vec<PathBuf>), String> {
        let settings = at(settings, folder);
        let mut catalogue = Catalogue::builtin();
        if let Some(latest) = self.last_good(&settings)? {
            overlay(&mut catalogue, &latest).map_err(|problem| format!("error: catalogue.url: {problem}"))?;
        }
        let mut files = Vec::new();
        if let Some(file) = &settings.file {
            let problem = |problem: String| format!("error: catalogue.file: {}: {problem}", file.display());
            let bytes = std::fs::read(file).map_err(|error| problem(error.to_string()))?;
            overlay(&mut catalogue, &parse(&bytes).map_err(problem)?).map_err(problem)?;
            files.push(file.clone());
        }
        let before = lock(&self.settings).replace(settings.clone());
        if before.is_some_and(|before| before != settings) {
            self.changed.notify_one();
        }
        Ok((Arc::new(catalogue), files))
    }

    /// The last good map from the address: from this run, or from the copy of an earlier one.
    fn last_good(&self, settings: &Settings) -> Result<Option<Arc<PriceMap>>, String> {
        if settings.url.is_none() {
            return Ok(None);
        }
        let Some(key) = &settings.public_key else {
            return Err(
                "error: catalogue.url needs `catalogue.public_key`, to check what comes from there".into()
            );
        };
        remote::check_key(key).map_err(|problem| format!("error: catalogue.public_key: {problem}"))?;
        if let Some(latest) = lock(&self.latest).as_ref().filter(|latest| latest.key == *key) {
            return Ok(Some(Arc::clone(&latest.map)));
        }
        let Some(copy) = &settings.copy else { return Ok(None) };
        match Signed::read(copy).and_then(|signed| signed.map(|signed| signed.verified(key)).transpose()) {
            Ok(Some(map)) => Ok(Some(self.keep(map, key))),
            Ok(None) => Ok(None),
            // A spoilt copy is no reason not to serve; the next fetch mends it.
            Err(problem) => {
                tracing::warn!(%problem, "the copy of the price map is not used");
                Ok(None)
            }
        }
    }

    fn keep(&self, map: PriceMap, key: &str) -> Arc<PriceMap> {
        let map = Arc::new(map);
        *lock(&self.latest) = Some(Latest { map: Arc::clone(&map), key: key.to_owned() });
        map
    }

    /// Fetches the price map again and again, as the configuration in use says; a new one is served at once. What
    /// cannot be fetched or is not signed changes nothing.
    pub(crate) fn follow(self: &Arc<Self>, transport: Arc<dyn Transport>, reload: Reload) {
        let sources = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                let settings = lock(&sources.settings).clone().unwrap_or_default();
                match sources.fetch(&settings, &*transport).await {
                    Ok(true) => reload.now().await,
                    Ok(false) => {}
                    Err(problem) => tracing::warn!(%problem, "the price map was not renewed"),
                }
                tokio::select! {
                    () = tokio::time::sleep(settings.refresh) => {}
                    () = sources.changed.notified() => {}
                }
            }
        });
    }

    /// Fetches once; whether there is something new.
    async fn fetch(&self, settings: &Settings, transport: &dyn Transport) -> Result<bool, String> {
        let (Some(url), Some(key)) = (&settings.url, &settings.public_key) else { return Ok(false) };
        let signed = remote::fetch(url.as_str(), transport).await?;
        let map = signed.verified(key)?;
        // Nothing that could not be served is kept.
        overlay(&mut Catalogue::builtin(), &map)?;
        if lock(&self.latest).as_ref().is_some_and(|latest| latest.key == *key && *latest.map == map) {
            return Ok(false);
        }
        if let Some(copy) = settings.copy.clone() {
            let written = tokio::task::spawn_blocking(move || signed.write(&copy)).await;
            if let Err(problem) = written.unwrap_or_else(|error| Err(error.to_string())) {
                tracing::warn!(%problem, "the price map cannot be kept over a restart");
            }
        }
        self.keep(map, key);
        tracing::info!("there is a new price map");
        Ok(true)
    }
}

/// The settings with paths that do not depend on where the program was started.
fn at(settings: &Settings, folder: &Path) -> Settings {
    let mut settings = settings.clone();
    settings.file = settings.file.map(|path| folder.join(path));
    settings.copy = settings.copy.map(|path| folder.join(path));
    settings
}

fn parse(bytes: &[u8]) -> Result<PriceMap, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("not a JSON object: {error}"))
}

fn overlay(catalogue: &mut Catalogue, map: &PriceMap) -> Result<(), String> {
    catalogue.overlay(map).map_err(|(name, wrong)| format!("`{name}`: {wrong}"))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
