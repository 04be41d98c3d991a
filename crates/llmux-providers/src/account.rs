//! Hosts that are reached with one key at one address.

use http::HeaderName;
use llmux_core::{Call, Error, ErrorKind, ProviderSettings, Result};

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
