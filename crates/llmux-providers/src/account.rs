//! Hosts that are reached with one key at one address.

use std::sync::Arc;

use http::HeaderName;
use llmux_core::{
    Call, Component, Error, ErrorKind, Exchange, FailedReply, Provider, ProviderSettings, Result,
};
use llmux_wire::openai;

use crate::{Variables, target::Target};

/// How a host is reached.
pub(crate) struct Account {
    /// The name in `name/model`.
    pub(crate) name: &'static str,
    /// What it is called in messages.
    pub(crate) title: &'static str,
    /// Its address.
    pub(crate) base_url: &'static str,
    /// Environment variables that may hold the key.
    pub(crate) key_env: &'static [&'static str],
    /// Environment variables that may hold another address.
    pub(crate) base_env: &'static [&'static str],
    /// The header of the key, and the word in front of it, if any.
    pub(crate) auth: (&'static str, &'static str),
}

impl Account {
    /// The target of a deployment.
    pub(crate) fn target(&self, settings: &ProviderSettings) -> Result<Target> {
        let base = settings.base_url.clone().or_else(|| settings.environment.first(self.base_env));
        let mut target = Target::new(base.as_deref().unwrap_or(self.base_url), settings);
        let key =
            settings.api_key.clone().or_else(|| settings.environment.first(self.key_env).map(Into::into));
        if let Some(key) = key {
            target.key(HeaderName::from_static(self.auth.0), self.auth.1, &key)?;
        }
        Ok(target)
    }

    /// Where the environment keeps its credentials.
    pub(crate) const fn variables(&self) -> Variables {
        (self.name, self.key_env, self.base_env)
    }

    /// It does not do what the call asks for.
    pub(crate) fn lacks(&self, call: &Call<'_>) -> Error {
        Error::client(
            ErrorKind::InvalidRequest,
            format!("{} has no {}; choose a model of another provider", self.title, call.operation),
        )
        .with_param("model")
    }
}

/// What sets a host with one account apart from the others.
pub(crate) trait Host: Send + Sync + Sized + 'static {
    const ACCOUNT: &'static Account;
    /// Whether it takes clients' forms, with files.
    const READS_FORMS: bool = false;

    /// Bound to a deployment's settings.
    fn build(settings: &ProviderSettings) -> Result<Self>;

    /// Where it is reached.
    fn target(&self) -> &Target;

    /// See [`Provider::prepare`].
    fn prepare(&self, call: &Call<'_>) -> Result<Exchange>;

    /// Makes more of a failure than what it has in common with those of other hosts.
    fn refine(_failed: &FailedReply<'_>, error: Error) -> Error {
        error
    }
}

/// A host with one account, as a provider.
pub(crate) struct Hosted<H>(H);

impl<H: Host> Component for Hosted<H> {
    type Output = dyn Provider;
    type Config = ProviderSettings;
    const KIND: &'static str = H::ACCOUNT.name;

    fn build(settings: &ProviderSettings) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(Self(H::build(settings)?)))
    }
}

impl<H: Host> Provider for Hosted<H> {
    fn name(&self) -> &str {
        H::ACCOUNT.name
    }

    fn base_url(&self) -> &str {
        self.0.target().base()
    }

    fn reads_forms(&self) -> bool {
        H::READS_FORMS
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        self.0.prepare(call)
    }

    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        let error = openai::read_error(failed.status, failed.headers, failed.body, H::ACCOUNT.title);
        H::refine(failed, error)
    }
}
