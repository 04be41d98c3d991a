//! Putting a client together.

use std::{io, path::Path, sync::Arc};

use llmux_core::{Environment, Registry, Result, Timeouts, Transport};
use llmux_router::{RetryPolicy, RouterBuilder};
use serde_json::Value;

use super::{Deployment, Llmux};

type Files = Arc<dyn Fn(&Path) -> io::Result<Vec<u8>> + Send + Sync>;

/// Builds a [`Llmux`].
#[must_use]
pub struct Builder {
    registry: Registry,
    deployments: Vec<Deployment>,
    aliases: Vec<(String, String)>,
    environment: Environment,
    files: Option<Files>,
    transport: Option<Arc<dyn Transport>>,
    strategy: (String, Value),
    retry: RetryPolicy,
    timeouts: Timeouts,
    stream_timeouts: Timeouts,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            registry: crate::registry(),
            deployments: Vec::new(),
            aliases: Vec::new(),
            environment: Environment::default(),
            files: None,
            transport: None,
            strategy: ("simple-shuffle".to_owned(), Value::Null),
            retry: RetryPolicy::default(),
            timeouts: Timeouts::default(),
            stream_timeouts: Timeouts::default(),
        }
    }

    /// Adds a deployment.
    pub fn deployment(mut self, deployment: Deployment) -> Self {
        self.deployments.push(deployment);
        self
    }

    /// Lets requests ask for `group` by another name.
    pub fn alias(mut self, alias: impl Into<String>, group: impl Into<String>) -> Self {
        self.aliases.push((alias.into(), group.into()));
        self
    }

    /// Says where keys and base URLs are looked up that deployments do not have: under the providers' usual
    /// names, such as `OPENAI_API_KEY`. Without it nothing is looked up.
    pub fn environment(mut self, lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.environment = Environment::new(lookup);
        self
    }

    /// Lets deployments read files, for credentials that are kept in them. Without it none is read.
    ///
    /// ```
    /// # use llmux::Llmux;
    /// let llmux = Llmux::builder().environment(|name| std::env::var(name).ok()).files(|path| std::fs::read(path));
    /// ```
    pub fn files(mut self, read: impl Fn(&Path) -> io::Result<Vec<u8>> + Send + Sync + 'static) -> Self {
        self.files = Some(Arc::new(read));
        self
    }

    /// Sets how many further attempts follow a failed first one; 2 unless set.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retry.retries = retries;
        self
    }

    /// Changes how patiently requests are tried again.
    pub fn retry(mut self, change: impl FnOnce(&mut RetryPolicy)) -> Self {
        change(&mut self.retry);
        self
    }

    /// Sets the time limits of deployments that have none of their own: of whole answers, and of streams where
    /// they differ.
    pub fn timeouts(mut self, whole: Timeouts, stream: Timeouts) -> Self {
        (self.timeouts, self.stream_timeouts) = (whole, stream);
        self
    }

    /// Chooses the routing strategy by its name; `simple-shuffle` unless set.
    pub fn strategy(self, kind: impl Into<String>) -> Self {
        self.strategy_with(kind, Value::Null)
    }

    /// Chooses the routing strategy by its name, with settings.
    pub fn strategy_with(mut self, kind: impl Into<String>, settings: impl Into<Value>) -> Self {
        self.strategy = (kind.into(), settings.into());
        self
    }

    /// Sends requests over this transport instead of the built-in one.
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Finds providers and strategies in this registry: for programs that add their own.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Makes the client. No connection is opened yet.
    ///
    /// # Errors
    /// When a deployment's provider is unknown or refuses its settings, when two deployments have the same id,
    /// when the strategy is unknown, or when there is no transport.
    pub fn build(self) -> Result<Llmux> {
        let transport = self.transport.map_or_else(default_transport, Ok)?;
        let (kind, settings) = self.strategy;
        let strategy = self.registry.strategies.build(&kind, &settings)?;
        let environment = match self.files {
            Some(files) => self.environment.with_files(move |path| files(path)),
            None => self.environment,
        };
        let mut router = RouterBuilder::new(Arc::clone(&transport), strategy)
            .retry(self.retry)
            .timeouts(self.timeouts, self.stream_timeouts);
        for (number, deployment) in (1..).zip(self.deployments) {
            router = router.deployment(deployment.bind(number, &self.registry, &environment, &transport)?);
        }
        for (alias, group) in self.aliases {
            router = router.alias(alias, group, false);
        }
        Ok(Llmux { router: Arc::new(router.build()?) })
    }
}

#[cfg(feature = "http")]
fn default_transport() -> Result<Arc<dyn Transport>> {
    Ok(Arc::new(llmux_http::HttpTransport::builder().build()?))
}

#[cfg(not(feature = "http"))]
fn default_transport() -> Result<Arc<dyn Transport>> {
    use llmux_core::{Error, ErrorKind};
    let message = "there is no transport: give one, or enable the Cargo feature `http`";
    Err(Error::new(ErrorKind::InvalidRequest, message))
}
