//! From arguments and files to what the gateway serves. Done at the start, and again at each reload.

use std::{
    fmt::Display,
    io::IsTerminal,
    net::{IpAddr, ToSocketAddrs},
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use llmux::{
    http::{FetchLimits, HttpTransport, MediaFetcher},
    router::RouterState,
};
use llmux_config::{Config, Format, Loaded, Loader, Tls, WellKnown};
use llmux_core::{Environment, Error, ExposeSecret, MediaSource, Registry, ResponseStore, Transport};
use llmux_gateway::{MemoryStore, Parts, Snapshot, Source, Tenancy};
use llmux_telemetry::{LogFormat, LogOptions};

use crate::{args::Args, catalogue::Sources, reload::Reload, shared::Shared};

/// Keys of examples that somebody may have forgotten to change.
const EXAMPLE_KEYS: &[&str] = &["sk-1234", "sk-12345"];

/// What fetches images, and the rules that it was made by: whether only public addresses are, and but for which hosts.
type Fetching = ((bool, Vec<String>), Arc<dyn MediaSource>);

/// What stays the same over reloads.
pub(crate) struct Setup {
    args: Args,
    registry: Arc<Registry>,
    transport: Result<Arc<dyn Transport>, String>,
    /// Made with the first configuration; what it holds survives reloads.
    responses: OnceLock<Option<Arc<dyn ResponseStore>>>,
    /// What the router remembers, over all reloads.
    state: Arc<RouterState>,
    /// Made with the first configuration, and taken away when it is started.
    shared: Mutex<Option<Shared>>,
    catalogue: Arc<Sources>,
    /// What fetches images.
    media: Mutex<Option<Fetching>>,
    /// Who knows virtual keys, once the database is open.
    tenancy: OnceLock<Arc<Tenancy>>,
}

impl Setup {
    pub(crate) fn new(args: &Args) -> Self {
        let transport = HttpTransport::builder().build();
        Self {
            args: args.clone(),
            registry: Arc::new(llmux::registry()),
            state: RouterState::new(),
            transport: transport
                .map(|transport| Arc::new(transport) as Arc<dyn Transport>)
                .map_err(|error| format!("connections to providers cannot be made: {}", error.message())),
            responses: OnceLock::new(),
            shared: Mutex::default(),
            catalogue: Arc::default(),
            media: Mutex::default(),
            tenancy: OnceLock::new(),
        }
    }

    /// What fetches images that clients name by their address. Its memory survives reloads that leave the rules alone.
    fn media(&self, config: &Config) -> Result<Arc<dyn MediaSource>, String> {
        let general = &config.general;
        let rules = (general.user_url_validation, general.user_url_allowed_hosts.clone());
        let mut media = self.media.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, fetcher)) = media.as_ref().filter(|(known, _)| *known == rules) {
            return Ok(Arc::clone(fetcher));
        }
        let builder = HttpTransport::builder;
        let hosts = if rules.0 { rules.1.clone() } else { vec!["*".to_owned()] };
        let fetcher = MediaFetcher::new(builder(), FetchLimits::default())
            .and_then(|fetcher| fetcher.trusting(builder(), hosts))
            .map_err(|error| format!("images cannot be fetched: {}", error.message()))?;
        let fetcher: Arc<dyn MediaSource> = Arc::new(fetcher);
        *media = Some((rules, Arc::clone(&fetcher)));
        Ok(fetcher)
    }

    /// What is shared with other replicas, to be started.
    pub(crate) fn take_shared(&self) -> Option<Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Keeps the catalogue's price map current from its address, if it has one.
    pub(crate) fn follow_catalogue(&self, reload: Reload) {
        if let Ok(transport) = &self.transport {
            self.catalogue.follow(Arc::clone(transport), reload);
        }
    }

    /// Puts together once more what the gateway serves, with virtual keys from now on.
    pub(crate) fn with_accounts(&self, tenancy: &Arc<Tenancy>) -> Result<(Snapshot, Source), String> {
        self.tenancy.get_or_init(|| Arc::clone(tenancy));
        let (_, source) = self.load()?;
        let built = source.build().map_err(|errors| mistakes(&errors))?;
        Ok((built.snapshot, source))
    }

    /// Reads the configuration, and puts together what it needs.
    pub(crate) fn load(&self) -> Result<(Loaded, Source), String> {
        let loader = Loader::new(|name| std::env::var(name).ok());
        let mut loaded = match &self.args.config {
            Some(path) => loader.load(path).map_err(|report| report.to_string())?,
            None => loader.from_environment(&well_known()),
        };
        self.apply_arguments(&mut loaded.config);
        let section = loaded.environment.clone();
        let environment = Environment::new(move |name| {
            section.get(name).map(str::to_owned).or_else(|| std::env::var(name).ok())
        })
        .with_files(|path| std::fs::read(path));
        if let Some(shared) = Shared::read(&loaded.config.router, &environment, &self.state)? {
            *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(shared);
        }
        let folder = self.args.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let (catalogue, files) = self.catalogue.load(&loaded.config.catalogue, folder)?;
        loaded.files.extend(files);
        let parts = Parts::new(Arc::clone(&self.registry), self.transport.clone()?, environment)
            .with_catalogue(catalogue)
            .with_tokens(llmux::token_counter())
            .with_state(Arc::clone(&self.state))
            .with_media(Some(self.media(&loaded.config)?))
            .with_responses(self.responses(&loaded.config))
            .with_tenancy(self.tenancy.get().cloned());
        let source = Source::new(loaded.config.clone(), loaded.defaults.clone(), parts);
        Ok((loaded, source))
    }

    fn responses(&self, config: &Config) -> Option<Arc<dyn ResponseStore>> {
        let section = &config.responses;
        let store = || Arc::new(MemoryStore::new(section.into())) as Arc<dyn ResponseStore>;
        self.responses.get_or_init(|| section.keep.then(store)).clone()
    }

    fn apply_arguments(&self, config: &mut Config) {
        let Args { host, port, workers, tls_cert, tls_key, allow_unauthenticated, .. } = &self.args;
        let server = &mut config.server;
        if let Some(host) = host {
            server.host.clone_from(host);
        }
        server.port = port.unwrap_or(server.port);
        server.workers = workers.or(server.workers);
        if let (Some(cert), Some(key)) = (tls_cert, tls_key) {
            let mut tls = Tls::default();
            (tls.cert_file, tls.key_file) = (cert.clone(), key.clone());
            server.tls = Some(tls);
        }
        config.general.allow_unauthenticated |= allow_unauthenticated.unwrap_or_default();
    }
}

/// Providers that serve as soon as their key is in the environment.
fn well_known() -> Vec<WellKnown> {
    llmux::providers::well_known()
        .flat_map(|(provider, keys, bases)| {
            keys.iter().map(move |env_key| WellKnown { provider, env_key, env_base: bases.first().copied() })
        })
        .collect()
}

/// Refuses to serve other machines without a key, or with one that stands in every example.
pub(crate) fn refuse_open_door(config: &Config) -> Result<(), String> {
    let host = config.server.host.as_str();
    if config.general.allow_unauthenticated || is_loopback(host) {
        return Ok(());
    }
    let weak = match &config.general.master_key {
        None => "there is no `general_settings.master_key`",
        Some(key) if EXAMPLE_KEYS.contains(&key.expose_secret()) => {
            "`general_settings.master_key` is the one of the examples"
        }
        Some(_) => return Ok(()),
    };
    Err(format!(
        "error: {weak}, so anybody who reaches {host} could use your provider accounts. Set a key \
         (or the variable LLMUX_MASTER_KEY), listen on 127.0.0.1, or allow it with --allow-unauthenticated"
    ))
}

fn is_loopback(host: &str) -> bool {
    let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
    match literal {
        Ok(address) => address.is_loopback(),
        Err(_) => {
            (host, 0).to_socket_addrs().is_ok_and(|mut found| found.all(|address| address.ip().is_loopback()))
        }
    }
}

/// What is logged: arguments beat the configuration.
pub(crate) fn log_options(args: &Args, config: &Config) -> LogOptions {
    let level = if args.debug { "debug" } else { config.logging.level.as_str() };
    let format = match config.logging.format {
        Format::Json => LogFormat::Json,
        Format::Text => LogFormat::Text,
    };
    let mut options = LogOptions::new(args.log.as_deref().unwrap_or(level), format);
    options.ansi = std::io::stderr().is_terminal();
    options
}

/// What is wrong with a configuration.
pub(crate) fn mistakes(errors: &[Error]) -> String {
    lines(errors.iter().map(|error| format!("error: {}", error.message())))
}

/// Logs what is odd about a configuration.
pub(crate) fn report_warnings(loaded: &Loaded, built: &[String]) {
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    for warning in built {
        tracing::warn!("{warning}");
    }
}

fn lines(items: impl Iterator<Item = impl Display>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_machines_are_served_only_with_a_key_of_ones_own() {
        let mut config = Config::default();
        assert!(refuse_open_door(&config).is_ok());
        for host in ["0.0.0.0", "::", "192.168.1.1"] {
            config.server.host = host.to_owned();
            assert!(refuse_open_door(&config).is_err(), "{host}");
        }
        config.general.master_key = Some("sk-1234".into());
        assert!(refuse_open_door(&config).is_err());
        config.general.master_key = Some("sk-a-key-of-my-own".into());
        assert!(refuse_open_door(&config).is_ok());
        config.general.master_key = None;
        config.general.allow_unauthenticated = true;
        assert!(refuse_open_door(&config).is_ok());
    }
}
