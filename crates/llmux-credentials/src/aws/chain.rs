//! Which of the many places keys are taken from.

use std::sync::Arc;

use llmux_core::{Error, ErrorKind, ProviderSettings, Result};

use super::{
    Keys,
    metadata::{Container, Instance},
    profile::Profiles,
    sts::{AssumeRole, Sts, WebIdentity},
};
use crate::{Clock, oidc::TokenPlace, renewed::Issuer};

/// A source of keys.
pub(super) type Source = Arc<dyn Issuer<Keys>>;

/// The session's name where none is given.
pub(super) const SESSION: &str = "llmux";

/// Chooses by the deployment's settings, else by the environment.
pub(super) fn choose(settings: &ProviderSettings, region: &str, clock: &Clock) -> Result<Source> {
    let option = |name: &str| settings.options.text(name);
    let sts = Sts::new(settings, region, clock);
    let Some(role) = option("aws_role_name") else {
        return base(settings, &sts);
    };
    let session = option("aws_session_name").unwrap_or(SESSION);
    if let Some(token) = option("aws_web_identity_token") {
        let token = TokenPlace::read(token, &settings.environment);
        return Ok(Arc::new(WebIdentity::new(sts, role, session, token)));
    }
    // A pod that has this very role already may not be allowed to assume it once more.
    if settings.environment.first(&["AWS_ROLE_ARN"]).as_deref() == Some(role)
        && let Some(source) = web_identity_of_environment(settings, &sts)
    {
        return Ok(source);
    }
    let assume = AssumeRole::new(sts.clone(), base(settings, &sts)?, role, session);
    Ok(Arc::new(assume.with_external_id(option("aws_external_id"))))
}

/// The profile that the settings or the environment name.
pub(super) fn profile_name(settings: &ProviderSettings) -> Option<String> {
    let named = settings.option("aws_profile_name", &["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]);
    named.or_else(|| settings.environment.first(&["HOME", "USERPROFILE"]).map(|_| "default".to_owned()))
}

/// Keys before any role is assumed.
fn base(settings: &ProviderSettings, sts: &Sts) -> Result<Source> {
    let option = |name: &str| settings.options.text(name);
    match (option("aws_access_key_id"), option("aws_secret_access_key")) {
        (Some(id), Some(secret)) => {
            let token = option("aws_session_token").map(Into::into);
            return Ok(Arc::new(Keys::new(id, secret).with_session_token(token)));
        }
        (Some(_), None) => return Err(missing("aws_secret_access_key", "aws_access_key_id")),
        (None, Some(_)) => return Err(missing("aws_access_key_id", "aws_secret_access_key")),
        (None, None) => {}
    }
    if let Some(name) = option("aws_profile_name") {
        return Profiles::read(settings).source(name, settings, sts);
    }
    from_environment(settings, sts)
}

fn missing(name: &str, beside: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("`{name}` is missing beside `{beside}`")).with_param(name)
}

/// What AWS's own tools would find: variables, a web identity, a profile, the container, the machine.
fn from_environment(settings: &ProviderSettings, sts: &Sts) -> Result<Source> {
    if let Some(keys) = keys_of_environment(settings) {
        return Ok(Arc::new(keys));
    }
    if let Some(source) = web_identity_of_environment(settings, sts) {
        return Ok(source);
    }
    let named = settings.environment.first(&["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]);
    let profiles = Profiles::read(settings);
    match named {
        Some(name) => return profiles.source(&name, settings, sts),
        None if profiles.has_keys("default") => return profiles.source("default", settings, sts),
        None => {}
    }
    if let Some(container) = Container::of(settings)? {
        return Ok(Arc::new(container));
    }
    Ok(Arc::new(Instance::new(settings)))
}

/// The keys in environment variables.
pub(super) fn keys_of_environment(settings: &ProviderSettings) -> Option<Keys> {
    let variable = |name: &str| settings.environment.first(&[name]);
    let keys = Keys::new(variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
    Some(keys.with_session_token(variable("AWS_SESSION_TOKEN").map(Into::into)))
}

fn web_identity_of_environment(settings: &ProviderSettings, sts: &Sts) -> Option<Source> {
    let variable = |name: &str| settings.environment.first(&[name]);
    let (role, file) = (variable("AWS_ROLE_ARN")?, variable("AWS_WEB_IDENTITY_TOKEN_FILE")?);
    let session = variable("AWS_ROLE_SESSION_NAME");
    let token = TokenPlace::file(file, &settings.environment);
    Some(Arc::new(WebIdentity::new(sts.clone(), &role, session.as_deref().unwrap_or(SESSION), token)))
}
