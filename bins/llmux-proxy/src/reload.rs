//! Serving from a new configuration without dropping a request: on SIGHUP, and when a file changes.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use llmux_config::Loaded;
use llmux_gateway::{Gateway, server::Certificates};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use crate::setup::{self, Setup, report_warnings};

/// How long a file must be left alone before it is read: editors and mounts change it in several steps.
const QUIET: Duration = Duration::from_millis(100);

/// Reloads the configuration. Clones share the same state.
#[derive(Clone)]
pub(crate) struct Reload(Arc<Inner>);

struct Inner {
    setup: Setup,
    /// What is listened on.
    host: String,
    gateway: Arc<Gateway>,
    certificates: Option<Certificates>,
    changed: Arc<Notify>,
    /// The watcher, and the folders that it watches.
    watched: Mutex<Option<(RecommendedWatcher, BTreeSet<PathBuf>)>>,
    seen: Mutex<Seen>,
}

/// The configuration's files, and a digest of what they held; no digest when they have to be read anew at the
/// next event, whatever they hold then.
#[derive(Default)]
struct Seen {
    files: Vec<PathBuf>,
    digest: Option<u64>,
}

impl Reload {
    pub(crate) fn new(
        setup: Setup,
        host: &str,
        gateway: Arc<Gateway>,
        certificates: Option<Certificates>,
    ) -> Self {
        Self(Arc::new(Inner {
            setup,
            host: host.to_owned(),
            gateway,
            certificates,
            changed: Arc::new(Notify::new()),
            watched: Mutex::new(None),
            seen: Mutex::default(),
        }))
    }

    /// Reads everything anew. A configuration with mistakes is reported and not used. Reading files and building
    /// pools is not for the threads that serve.
    pub(crate) async fn now(&self) {
        let reload = self.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || reload.read()).await {
            tracing::error!(%error, "the configuration was not reloaded");
        }
    }

    fn read(&self) {
        if let Some(certificates) = &self.0.certificates
            && let Err(error) = certificates.reload()
        {
            tracing::error!(%error, "the certificate was not reloaded");
        }
        let loaded = self.0.setup.load().and_then(|(mut loaded, source)| {
            // The listener stays where it is, whatever the file says now.
            loaded.config.server.host.clone_from(&self.0.host);
            setup::refuse_open_door(&loaded.config)?;
            let warnings = self.0.gateway.reload(source).map_err(|errors| setup::mistakes(&errors))?;
            Ok((loaded, warnings))
        });
        match loaded {
            Ok((loaded, warnings)) => {
                report_warnings(&loaded, &warnings);
                self.follow(&loaded.files);
                self.expect(loaded.files);
                tracing::info!("configuration reloaded");
            }
            Err(problems) => {
                // The file at fault may be one that was not known before.
                lock(&self.0.seen).digest = None;
                tracing::error!("the new configuration has mistakes and is not used:\n{problems}");
            }
        }
    }

    /// Reloads whenever one of the configuration's files changes, unless it says otherwise.
    pub(crate) fn watch(&self, loaded: &Loaded) {
        if !loaded.config.server.watch || loaded.files.is_empty() {
            return;
        }
        let changed = Arc::clone(&self.0.changed);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                changed.notify_one();
            }
        });
        match watcher {
            Ok(watcher) => {
                *lock(&self.0.watched) = Some((watcher, BTreeSet::new()));
                self.follow(&loaded.files);
                *lock(&self.0.seen) = Seen { digest: digest(&loaded.files), files: loaded.files.clone() };
            }
            Err(error) => {
                tracing::warn!(%error, "configuration files cannot be watched; send SIGHUP to reload")
            }
        }
        let reload = self.clone();
        tokio::spawn(async move { reload.run().await });
    }

    /// Keeps the catalogue's price map current.
    pub(crate) fn follow_catalogue(&self) {
        self.0.setup.follow_catalogue(self.clone());
    }

    async fn run(&self) {
        loop {
            self.0.changed.notified().await;
            while tokio::time::timeout(QUIET, self.0.changed.notified()).await.is_ok() {}
            if self.has_changed() {
                self.now().await;
            }
        }
    }

    /// Compares with what was seen last. The digest is taken before files are read, so that a change in between
    /// is found at its own event.
    fn has_changed(&self) -> bool {
        let mut seen = lock(&self.0.seen);
        let now = digest(&seen.files);
        let before = std::mem::replace(&mut seen.digest, now);
        before.is_none() || before != now
    }

    /// Looks at other files from now on.
    fn expect(&self, files: Vec<PathBuf>) {
        let mut seen = lock(&self.0.seen);
        if seen.files != files {
            *seen = Seen { digest: digest(&files), files };
        }
    }

    /// Watches the folders of these files. Folders, not files: editors and mounts replace a file by another.
    fn follow(&self, files: &[PathBuf]) {
        let mut watched = lock(&self.0.watched);
        let Some((watcher, folders)) = watched.as_mut() else { return };
        for folder in files.iter().filter_map(|file| file.parent()) {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            if !folders.insert(folder.to_owned()) {
                continue;
            }
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                tracing::warn!(%error, folder = %folder.display(), "a folder cannot be watched");
            }
        }
    }
}

/// A digest of the files' contents, so that an event that changed nothing reloads nothing.
fn digest(files: &[PathBuf]) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    for file in files {
        std::fs::read(file).unwrap_or_default().hash(&mut hasher);
    }
    Some(hasher.finish())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
