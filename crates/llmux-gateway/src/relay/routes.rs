//! The routes of a configuration: which provider each leads to, and with whose key.

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, Method, Request};
use llmux_config::{Config, Model};
use llmux_core::{
    Dialect, Environment, Error, ErrorKind, ModelFacts, Provider, ProviderSettings, Result, Transport,
};
use llmux_router::{Account, Router};

use super::{
    own::Endpoint,
    ready::Destination,
    table::{RESERVED, ROWS, Row},
};
use crate::snapshot::{Parts, provider_facts, provider_settings};

/// Every route, and what they have in common.
pub(crate) struct Relays {
    routes: Vec<Route>,
    /// Paths of the operator's own, the longest first.
    own: Vec<Endpoint>,
    /// What carries the requests.
    pub(crate) transport: Arc<dyn Transport>,
    /// Time for a whole exchange.
    pub(crate) timeout: Duration,
    /// Longest body of a request that is passed on, in bytes, if there is a limit.
    pub(crate) max_upload: Option<u64>,
}

/// What was found for a path; `below` is the path behind the prefix.
pub(crate) enum Found<'r, 'p> {
    /// A destination.
    To(Destination<'r>, &'p str),
    /// One that takes only these methods.
    WrongMethod(String),
    /// Nothing.
    Nowhere,
}

/// One route.
pub(crate) struct Route {
    prefix: &'static str,
    /// In whose words errors of the gateway's own are told.
    pub(crate) sdk: Dialect,
    /// The provider, or why there is none.
    pub(crate) provider: Result<Arc<dyn Provider>, String>,
    /// What is known of the provider's models.
    pub(super) facts: Option<Arc<dyn ModelFacts>>,
    /// What may be spent there.
    pub(super) account: Option<Account>,
}

impl Relays {
    /// The routes of a configuration.
    ///
    /// # Errors
    /// Every entry of `pass_through_endpoints` that cannot be used.
    pub(crate) fn new(
        config: &Config,
        parts: &Parts,
        router: &Router,
        warnings: &mut Vec<String>,
    ) -> Result<Self, Vec<Error>> {
        let megabytes = config.general.max_request_size_mb;
        Ok(Self {
            routes: ROWS.iter().map(|row| Route::new(row, config, parts, router)).collect(),
            own: own(config, parts, warnings)?,
            transport: Arc::clone(&parts.transport),
            timeout: config.general.pass_through_request_timeout,
            max_upload: megabytes.map(|megabytes| (megabytes * 1_048_576.0) as u64),
        })
    }

    /// Where a path leads, and the path behind the prefix.
    pub(crate) fn find<'p>(&self, method: &Method, path: &'p str) -> Found<'_, 'p> {
        let mut refusing: Vec<&Method> = Vec::new();
        for endpoint in &self.own {
            let Some(below) = endpoint.below(path) else { continue };
            if endpoint.takes(method) {
                return Found::To(Destination::Own(endpoint), below);
            }
            refusing.extend(endpoint.methods());
        }
        if !refusing.is_empty() {
            let names: Vec<&str> = refusing.into_iter().map(Method::as_str).collect();
            return Found::WrongMethod(names.join(", "));
        }
        if RESERVED.iter().any(|reserved| path.starts_with(reserved)) {
            return Found::Nowhere;
        }
        let below = |route: &Route| path.strip_prefix(route.prefix).filter(|rest| rest.starts_with('/'));
        let found = self.routes.iter().find_map(|route| Some((route, below(route)?)));
        found.map_or(Found::Nowhere, |(route, below)| Found::To(Destination::Provider(route), below))
    }
}

/// The operator's own paths, the longest first.
fn own(config: &Config, parts: &Parts, warnings: &mut Vec<String>) -> Result<Vec<Endpoint>, Vec<Error>> {
    const SETTING: &str = "general_settings.pass_through_endpoints";
    let (mut endpoints, mut errors) = (Vec::new(), Vec::new());
    for (at, section) in config.general.pass_through_endpoints.iter().enumerate() {
        let mut doubts = Vec::new();
        match Endpoint::new(section, config, parts, &mut doubts) {
            Ok(endpoint) => {
                if endpoint.is_hidden() {
                    doubts.push(format!(
                        "the gateway serves `{}` itself: nothing is passed on",
                        endpoint.path()
                    ));
                }
                endpoints.push(endpoint);
            }
            Err(error) => {
                let key = error.param().unwrap_or("target");
                let message = format!("{SETTING}[{at}].{key}: {}", error.message());
                errors.push(Error::new(ErrorKind::InvalidRequest, message).with_param(key));
            }
        }
        warnings.extend(doubts.into_iter().map(|doubt| format!("{SETTING}[{at}]: {doubt}")));
    }
    endpoints.sort_by_key(|endpoint| std::cmp::Reverse(endpoint.path().len()));
    if errors.is_empty() { Ok(endpoints) } else { Err(errors) }
}

impl Route {
    fn new(row: &Row, config: &Config, parts: &Parts, router: &Router) -> Self {
        let provider = provider(row, config, parts).map_err(|error| error.message().to_owned());
        let facts = provider.as_ref().ok().and_then(|p| provider_facts(p.name(), config, parts).ok());
        let account = provider.as_ref().ok().and_then(|provider| router.account(provider.name()));
        Self { prefix: row.prefix, sdk: row.sdk, provider, facts, account }
    }

    /// The provider.
    ///
    /// # Errors
    /// 404 when the configuration has none for this route.
    pub(crate) fn provider(&self) -> Result<&Arc<dyn Provider>> {
        self.provider.as_ref().map_err(|why| {
            let message = format!("`{}/*` leads nowhere yet: {why}", self.prefix);
            Error::client(ErrorKind::NotFound, message).with_code("pass_through_not_configured")
        })
    }
}

/// The provider of a route: the first deployment that is marked for it; else the provider as the environment has it,
/// as LiteLLM does; else the first deployment of that provider.
fn provider(row: &Row, config: &Config, parts: &Parts) -> Result<Arc<dyn Provider>> {
    let kind = row.provider;
    let providers = &parts.registry.providers;
    if !providers.contains(kind) {
        return Err(nowhere(format!("the provider `{kind}` is not supported yet")));
    }
    let split = |model: &Model| {
        parts
            .registry
            .split_model(&model.params.model, model.params.provider.as_deref())
            .is_some_and(|(provider, _)| provider == kind)
    };
    let own = || config.models.iter().filter(|model| model.params.mock_response.is_none() && split(model));
    let build = |model: &Model| providers.build(kind, &provider_settings(&model.params, config, parts)?);
    if let Some(marked) = own().find(|model| model.params.use_in_pass_through) {
        return build(marked);
    }
    let alone = |environment: &Environment| {
        let mut settings = ProviderSettings::default();
        settings.environment = environment.clone();
        settings.transport = Some(Arc::clone(&parts.transport));
        providers.build(kind, &settings)
    };
    let by_environment = alone(&parts.environment);
    if let Some(provider) = by_environment.as_ref().ok().filter(|provider| holds_key(&***provider)) {
        return Ok(Arc::clone(provider));
    }
    if let Some(first) = own().next() {
        return build(first);
    }
    // A server of one's own may need no key, and clouds find credentials on the machine.
    let by_environment = by_environment?;
    let elsewhere =
        alone(&Environment::default()).map_or(true, |plain| plain.base_url() != by_environment.base_url());
    if elsewhere || by_environment.credentials("").is_some() {
        return Ok(by_environment);
    }
    Err(nowhere(format!(
        "the environment holds no key of `{kind}`, and the model list has no deployment of it"
    )))
}

/// Whether a provider's requests carry a fixed key.
fn holds_key(provider: &dyn Provider) -> bool {
    let probe = provider.relay(Request::new(()));
    probe.is_ok_and(|relay| relay.head.headers().values().any(HeaderValue::is_sensitive))
}

fn nowhere(why: String) -> Error {
    Error::new(ErrorKind::NotFound, why)
}
