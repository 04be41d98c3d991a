//! From files to a [`Config`].

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::check::Checker;
use crate::config::Config;
use crate::include::{Includer, ReadFile};
use crate::keys::{ROOT, nearest, shared_health};
use crate::models::{self, ModelDefaults, find, nested};
use crate::pass_through;
use crate::problem::{Problem, Problems, Report};
use crate::references::{self, Environment};
use crate::source::{Entry, Node, Position, Value};
use crate::well_known::{self, WellKnown};

/// Files beyond this size are refused, in bytes.
const MAX_FILE: u64 = 64 << 20;

/// Looks a variable up.
type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Reads configurations. Sees the environment only through the closure it is given.
#[derive(Clone)]
pub struct Loader {
    environment: Arc<Lookup>,
    read: Arc<ReadFile>,
}

/// A configuration that can be used.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is odd about it.
    pub warnings: Vec<Problem>,
    /// All files that were read, the first one first: what to watch.
    pub files: Vec<PathBuf>,
    /// The `environment_variables` section, resolved; lookups see it before the environment.
    pub environment: Environment,
    /// What deployments that are added later take from the configuration.
    pub defaults: ModelDefaults,
}

impl Loader {
    /// A loader that looks variables up with `environment`.
    pub fn new(environment: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { environment: Arc::new(environment), read: Arc::new(read_file) }
    }

    /// Reads files with `read` instead of from the file system.
    #[must_use]
    pub fn with_files(mut self, read: impl Fn(&Path) -> io::Result<Vec<u8>> + Send + Sync + 'static) -> Self {
        self.read = Arc::new(read);
        self
    }

    /// Loads a file and what it includes.
    ///
    /// # Errors
    ///
    /// A report of all mistakes, if at least one makes the configuration unusable.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Loaded, Report> {
        let path = path.as_ref();
        match (self.read)(path) {
            Ok(bytes) => self.load_bytes(&bytes, path),
            Err(error) => {
                let mut problems = Problems::default();
                let at = Position::of_file(&Arc::from(path));
                problems.error(&at, "", format!("cannot be read: {error}"));
                Err(Report { problems: problems.into_sorted() })
            }
        }
    }

    /// Loads a text as if it stood in the file `virtual_path`.
    ///
    /// # Errors
    ///
    /// A report of all mistakes, if at least one makes the configuration unusable.
    pub fn load_str(&self, text: &str, virtual_path: impl AsRef<Path>) -> Result<Loaded, Report> {
        self.load_bytes(text.as_bytes(), virtual_path.as_ref())
    }

    /// Loads bytes as if they stood in the file `virtual_path`.
    ///
    /// # Errors
    ///
    /// A report of all mistakes, if at least one makes the configuration unusable.
    pub fn load_bytes(&self, bytes: &[u8], virtual_path: impl AsRef<Path>) -> Result<Loaded, Report> {
        let path = virtual_path.as_ref();
        let mut problems = Problems::default();
        let (mut entries, files) = Includer::new(&*self.read, &mut problems).gather(bytes, path);
        let environment = references::resolve(&mut entries, &*self.environment);
        let at = Position::of_file(&Arc::from(path));
        let root = Node { at, value: Value::Map(entries) };
        let mut config = Checker::new(&mut problems).section(&root, &ROOT, "");
        let entries = root.entries().unwrap_or_default();
        config.remove("environment_variables");
        config.remove("include");
        let defaults = models::complete(&mut config, entries, &mut problems);
        let lookup =
            |name: &str| environment.get(name).map(str::to_owned).or_else(|| (self.environment)(name));
        guard(&mut config, &root, &lookup, &mut problems);
        check_aliases(&config, &root, &mut problems);
        check_cors(&config, &root, &mut problems);
        pass_through::check(&mut config, &root, &mut problems);
        inherit(&mut config);
        health_checks(&mut config, &root, &mut problems);
        if problems.has_errors() {
            return Err(Report { problems: problems.into_sorted() });
        }
        match serde_path_to_error::deserialize::<_, Config>(Json::Object(config)) {
            Ok(config) => {
                Ok(Loaded { config, warnings: problems.into_sorted(), files, environment, defaults })
            }
            Err(error) => {
                // The inner message could repeat a value.
                problems.error(&root.at, &error.path().to_string(), "this value cannot be used");
                Err(Report { problems: problems.into_sorted() })
            }
        }
    }

    /// The configuration of a machine without a file: each provider of which the environment holds a key,
    /// under `provider/*`, and always `llmux/echo`.
    #[must_use]
    pub fn from_environment(&self, providers: &[WellKnown]) -> Loaded {
        let mut problems = Problems::default();
        let at = Position::of_file(&Arc::from(Path::new("environment")));
        let mut models = well_known::models(providers, &*self.environment, &at, &mut problems);
        models::identify(&mut models);
        let mut config = Map::from_iter([("model_list".to_owned(), Json::Array(models))]);
        let root = Node { at, value: Value::Null };
        guard(&mut config, &root, &*self.environment, &mut problems);
        let config = Config::deserialize(Json::Object(config)).unwrap_or_default();
        Loaded { config, warnings: problems.into_sorted(), ..Loaded::default() }
    }
}

/// Reads a regular file or, if it is none, whatever it gives up to the limit.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 64 MiB"));
    }
    Ok(bytes)
}

fn section<'a>(config: &'a mut Map<String, Json>, name: &str) -> Option<&'a mut Map<String, Json>> {
    config.entry(name.to_owned()).or_insert_with(|| Json::Object(Map::new())).as_object_mut()
}

/// The entry of a key in a top-level section, both names canonical.
pub(crate) fn locate<'a>(root: &'a Node, name: &str, key: &str) -> Option<(String, &'a Entry)> {
    let outer = find(root, &ROOT, name)?;
    let inner = find(&outer.value, nested(&ROOT, name)?, key)?;
    Some((format!("{}.{}", outer.key, inner.key), inner))
}

/// Completes who may call from the environment, and refuses or doubts weak keys.
fn guard(
    config: &mut Map<String, Json>,
    root: &Node,
    environment: &dyn Fn(&str) -> Option<String>,
    problems: &mut Problems,
) {
    const NAMES: [&str; 2] = ["LLMUX_MASTER_KEY", "LITELLM_MASTER_KEY"];
    const OPEN: &str = "dangerously_permit_weak_or_unset_master_key";
    let Some(general) = section(config, "general_settings") else { return };
    let open = environment("LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY");
    if open.is_some_and(|value| matches!(value.trim().to_ascii_lowercase().as_str(), "true" | "1")) {
        general.entry(OPEN).or_insert(Json::Bool(true));
    }
    if !general.contains_key("master_key") {
        let found = NAMES.iter().find_map(|name| environment(name)).filter(|key| !key.trim().is_empty());
        if let Some(key) = found {
            general.insert("master_key".to_owned(), Json::String(key));
        }
    }
    let Some((path, entry)) = locate(root, "general_settings", "master_key") else { return };
    match general.get("master_key").and_then(Json::as_str).map(str::trim) {
        Some("") => problems.error(&entry.value.at, &path, "the key is empty, so anybody could present it"),
        Some("sk-1234") => {
            let remedy = Some("choose a random one".to_owned());
            let message = "this is the example of every tutorial, so anybody could present it";
            problems.warn_with(&entry.value.at, &path, message, remedy);
        }
        _ => {}
    }
}

/// An alias must lead to a model that exists.
fn check_aliases(config: &Map<String, Json>, root: &Node, problems: &mut Problems) {
    let names: Vec<&str> = config
        .get("model_list")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(|model| model.get("model_name")?.as_str())
        .collect();
    let Some((path, entry)) = locate(root, "router_settings", "model_group_alias") else { return };
    let aliases = config.get("router_settings").and_then(|router| router.get("model_group_alias"));
    for alias in entry.value.entries().unwrap_or_default() {
        let target = aliases.and_then(|map| map.get(&alias.key)?.get("model")?.as_str());
        let Some(target) = target else { continue };
        if names.iter().any(|name| *name == target || name.contains('*')) {
            continue;
        }
        let remedy =
            nearest(target, names.iter().copied()).map(|nearest| format!("did you mean `{nearest}`?"));
        let message = "no entry of `model_list` has the name that this alias stands for";
        problems.warn_with(&alias.at, &format!("{path}.{}", alias.key), message, remedy);
    }
}

/// Browsers refuse credentials for any origin, so the pair would not work.
fn check_cors(config: &Map<String, Json>, root: &Node, problems: &mut Problems) {
    let Some(cors) = config.get("server").and_then(|server| server.get("cors")) else { return };
    let any = |name: &str| {
        let list = cors.get(name).and_then(Json::as_array);
        list.is_some_and(|list| list.iter().any(|item| item.as_str() == Some("*")))
    };
    if cors.get("allow_credentials") == Some(&Json::Bool(true))
        && any("allow_origins")
        && let Some((path, entry)) = locate(root, "server", "cors")
    {
        let message = "browsers refuse `allow_credentials` together with the origin `*`";
        problems.error_with(&entry.at, &path, message, Some("list the origins".to_owned()));
    }
}

/// Gives `router_settings` and `logging` what `litellm_settings` says and they do not.
fn inherit(config: &mut Map<String, Json>) {
    let Some(Json::Object(litellm)) = config.get("litellm_settings").cloned() else { return };
    let shared = [
        ("num_retries", "num_retries"),
        ("request_timeout", "timeout"),
        ("allowed_fails", "allowed_fails"),
        ("max_fallbacks", "max_fallbacks"),
        ("fallbacks", "fallbacks"),
        ("default_fallbacks", "default_fallbacks"),
        ("context_window_fallbacks", "context_window_fallbacks"),
        ("content_policy_fallbacks", "content_policy_fallbacks"),
    ];
    for (from, to) in shared {
        if let (Some(value), Some(router)) = (litellm.get(from), section(config, "router_settings")) {
            router.entry(to).or_insert_with(|| value.clone());
        }
    }
    for name in ["user_url_validation", "user_url_allowed_hosts"] {
        if let (Some(value), Some(general)) = (litellm.get(name), section(config, "general_settings")) {
            general.entry(name).or_insert_with(|| value.clone());
        }
    }
    for (flag, key, word) in [("json_logs", "format", "json"), ("set_verbose", "level", "debug")] {
        if let (Some(Json::Bool(true)), Some(logging)) = (litellm.get(flag), section(config, "logging")) {
            logging.entry(key).or_insert_with(|| word.into());
        }
    }
}

/// Gives `general_settings` what `router_settings` say about health checks.
fn health_checks(config: &mut Map<String, Json>, root: &Node, problems: &mut Problems) {
    for name in ["health_check_interval", "health_check_concurrency"] {
        if let Some((path, entry)) = locate(root, "router_settings", name) {
            problems.error(&entry.at, &path, "belongs to `general_settings`");
        }
    }
    for name in shared_health() {
        let given = section(config, "router_settings").and_then(|router| router.remove(name));
        let (Some(given), Some(general)) = (given, section(config, "general_settings")) else { continue };
        let health = general.entry("health").or_insert_with(|| Json::Object(Map::new()));
        if let Some(health) = health.as_object_mut() {
            health.entry(name).or_insert(given);
        }
    }
    let health = config.get("general_settings").and_then(|general| general.get("health"));
    let on = |name: &str| health.and_then(|health| health.get(name)) == Some(&Json::Bool(true));
    if on("enable_health_check_routing")
        && !on("background_health_checks")
        && let Some((path, entry)) = locate(root, "general_settings", "enable_health_check_routing")
    {
        let message = "only what somebody asks for by `/health` is known without `background_health_checks`";
        problems.warn(&entry.at, &path, message);
    }
}
