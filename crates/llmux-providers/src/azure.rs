//! Azure OpenAI: OpenAI's dialect behind Azure's routes, keys and tokens.
//!
//! Sources: "Azure OpenAI in Azure AI Foundry Models REST API reference", "API version lifecycle" and "Content
//! filtering" of Microsoft's documentation.

mod failure;
mod foundry;
mod hosts;
mod route;

use std::sync::Arc;

use http::Request;
use llmux_core::{
    Call, Component, Credentials, Environment, Error, ErrorKind, Exchange, ExposeSecret, FailedReply,
    Outgoing, Provider, ProviderSettings, Relay, Result, SecretString,
};
use llmux_credentials::{Clock, entra};

use crate::compatible::Compatible;
use route::Route;

pub(crate) use foundry::Foundry;

/// The name in `azure/model`.
pub(crate) const NAME: &str = "azure";
/// Environment variables that may hold the key.
const KEY_ENV: &[&str] = &["AZURE_API_KEY", "AZURE_OPENAI_API_KEY"];
/// Environment variables that hold the resource's address.
const BASE_ENV: &[&str] = &["AZURE_API_BASE", "AZURE_OPENAI_ENDPOINT"];
/// Environment variables that may hold the API version.
const VERSION_ENV: &[&str] = &["AZURE_API_VERSION", "OPENAI_API_VERSION"];
/// LiteLLM's default.
const VERSION: &str = "2025-02-01-preview";
/// Options that say to sign in even if the environment has a key.
const SIGN_IN: [&str; 5] = [
    "azure_ad_token",
    "client_secret",
    "azure_client_certificate_path",
    "azure_federated_token_file",
    "azure_password",
];

/// Azure OpenAI, bound to a deployment's settings. The engine of OpenAI's dialect makes the request; only the
/// address is Azure's.
pub(crate) struct Azure {
    plain: Compatible,
    /// For models that reason.
    reasoning: Compatible,
    /// The same, where parameters that those models lack are left out.
    dropping: Compatible,
    drop_params: bool,
    route: Route,
    base_model: Option<String>,
    credentials: Option<Arc<dyn Credentials>>,
}

impl Component for Azure {
    type Output = dyn Provider;
    type Config = ProviderSettings;
    const KIND: &'static str = NAME;

    fn build(settings: &ProviderSettings) -> Result<Arc<dyn Provider>> {
        let base = settings.base_url.clone().or_else(|| settings.environment.first(BASE_ENV));
        let Some(base) = base else {
            return Err(crate::target::setting(
                "api_base",
                "is required: every Azure resource has its own (or AZURE_API_BASE)",
            ));
        };
        let version = settings.api_version.clone().or_else(|| settings.environment.first(VERSION_ENV));
        let route = Route::openai(&base, version.as_deref().unwrap_or(VERSION))?;
        let access = Access::of(settings, KEY_ENV)?;
        let bound = access.bind(settings, route.base());
        let plain = if route.is_older_than("2024-09") { &hosts::AZURE_OLD } else { &hosts::AZURE };
        Ok(Arc::new(Self {
            plain: Compatible::build(plain, &bound)?,
            reasoning: Compatible::build(&hosts::AZURE_REASONING, &bound)?,
            dropping: Compatible::build(&hosts::AZURE_REASONING_LIMITED, &bound)?,
            drop_params: settings.shaping.drop_params,
            route,
            base_model: settings.options.text("base_model").map(str::to_owned),
            credentials: access.credentials,
        }))
    }
}

impl Azure {
    fn engine(&self, call: &Call<'_>, series: &str) -> &Compatible {
        let model = self.base_model.as_deref().unwrap_or(call.model);
        let model = model.rsplit('/').next().unwrap_or(model);
        let limited = series == "o_series" || ["o1", "o3", "o4"].iter().any(|start| model.starts_with(start));
        let reasons = limited || series == "gpt5_series" || model.starts_with("gpt-5");
        match (reasons, limited && (self.drop_params || call.drop_params)) {
            (_, true) => &self.dropping,
            (true, false) => &self.reasoning,
            (false, false) => &self.plain,
        }
    }
}

impl Provider for Azure {
    fn name(&self) -> &str {
        NAME
    }

    fn base_url(&self) -> &str {
        self.route.base()
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        // LiteLLM's users write `azure/o_series/deployment` and the like.
        let (series, model) = match call.model.split_once('/') {
            Some((series @ ("o_series" | "gpt5_series" | "responses"), model)) => (series, model),
            _ => ("", call.model),
        };
        let mut call = *call;
        call.model = model;
        let mut exchange = self.engine(&call, series).prepare(&call)?;
        if let Outgoing::Send(request) = &mut exchange.outgoing {
            *request.uri_mut() = self.route.uri(&call, request.uri())?;
        }
        Ok(exchange)
    }

    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        failure::read(failed, "Azure OpenAI")
    }

    fn relay(&self, head: Request<()>) -> Result<Relay> {
        let path = self.route.relayed(head.uri());
        let relay = self.plain.relay(head)?;
        moved(relay, self.route.root(), &path)
    }

    fn credentials(&self, _: &str) -> Option<&Arc<dyn Credentials>> {
        self.credentials.as_ref()
    }
}

/// The request at another path below `root`.
fn moved(mut relay: Relay, root: &str, path: &str) -> Result<Relay> {
    *relay.head.uri_mut() = format!("{root}{path}").parse().map_err(|_| {
        Error::client(ErrorKind::InvalidRequest, "the path cannot stand in a URL of the provider")
    })?;
    Ok(relay)
}

/// How a deployment proves who calls: by a key, or by a token of Entra ID.
struct Access {
    key: Option<SecretString>,
    credentials: Option<Arc<dyn Credentials>>,
}

impl Access {
    /// A key in the settings wins, then an identity in the settings, a key in the environment, and whatever else
    /// there is. Headers of the deployment's own that prove it already win over all.
    fn of(settings: &ProviderSettings, key_env: &[&str]) -> Result<Self> {
        let has = |name: &str| settings.headers.contains_key(name);
        if has("api-key") || has("authorization") || has("x-api-key") {
            return Ok(Self { key: None, credentials: None });
        }
        let signs_in = SIGN_IN.iter().any(|name| settings.options.text(name).is_some());
        let of_environment =
            || settings.environment.first(key_env).filter(|_| !signs_in).map(SecretString::from);
        let given = settings.api_key.clone().filter(|key| !key.expose_secret().trim().is_empty());
        let key = given.or_else(of_environment);
        let credentials = match key {
            Some(_) => None,
            None => Some(entra::credentials(settings, &Clock::system())?),
        };
        Ok(Self { key, credentials })
    }

    /// The settings for an engine at `base`, which must look up nothing by itself.
    fn bind(&self, settings: &ProviderSettings, base: &str) -> ProviderSettings {
        let mut bound = settings.clone();
        bound.base_url = Some(base.to_owned());
        bound.api_key.clone_from(&self.key);
        bound.api_version = None;
        bound.environment = Environment::default();
        bound
    }
}

#[cfg(test)]
mod tests;
