//! Profiles of AWS's shared configuration files.
//!
//! Source: "Configuration and credential file settings", AWS SDKs and Tools reference guide.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use llmux_core::{Error, ErrorKind, ProviderSettings, Result};

use super::{
    Keys,
    chain::{self, SESSION, Source},
    metadata::{Container, Instance},
    sts::{AssumeRole, Sts, WebIdentity},
};
use crate::{
    oidc::TokenPlace,
    renewed::{Issued, Issuer},
};

/// Most profiles that may refer to one another.
const MAX_DEPTH: u8 = 5;

/// All profiles of both files, by name.
#[derive(Default)]
pub(super) struct Profiles(BTreeMap<String, BTreeMap<String, String>>);

impl Profiles {
    /// Reads the files that the environment names, or those in the user's folder. What the credentials file says
    /// comes before what the configuration file says; a file that is not there says nothing.
    pub(super) fn read(settings: &ProviderSettings) -> Self {
        let environment = &settings.environment;
        let file = |variable: &str, usual: &str| {
            let path = environment.first(&[variable]).unwrap_or_else(|| usual.to_owned());
            environment.read(&path).unwrap_or_default()
        };
        let mut profiles = Self::default();
        profiles.add(&file("AWS_CONFIG_FILE", "~/.aws/config"));
        profiles.add(&file("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"));
        profiles
    }

    fn add(&mut self, text: &str) {
        let mut name = None;
        for line in text.lines().filter(|line| !line.trim_start().starts_with(['#', ';'])) {
            let trimmed = line.trim();
            if let Some(section) = trimmed.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                let section = section.trim();
                name = Some(section.strip_prefix("profile ").unwrap_or(section).trim().to_owned());
            } else if let (Some(name), false) = (&name, line.starts_with([' ', '\t']))
                && let Some((key, value)) = trimmed.split_once('=')
            {
                let profile = self.0.entry(name.clone()).or_default();
                profile.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
            }
        }
    }

    /// One setting of a profile.
    pub(super) fn get(&self, profile: &str, key: &str) -> Option<&str> {
        self.0.get(profile)?.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether a profile says anything about keys.
    pub(super) fn has_keys(&self, profile: &str) -> bool {
        ["aws_access_key_id", "role_arn", "credential_process", "sso_session", "sso_start_url"]
            .iter()
            .any(|key| self.get(profile, key).is_some())
    }

    /// Where a profile takes its keys from.
    pub(super) fn source(&self, name: &str, settings: &ProviderSettings, sts: &Sts) -> Result<Source> {
        self.source_at(name, settings, sts, 0)
    }

    fn source_at(&self, name: &str, settings: &ProviderSettings, sts: &Sts, depth: u8) -> Result<Source> {
        let wrong = |what: &str| {
            let message = format!("the AWS profile `{name}` {what}");
            Err(Error::new(ErrorKind::InvalidRequest, message).with_param("aws_profile_name"))
        };
        if !self.0.contains_key(name) {
            return wrong("is in neither of the shared files");
        }
        if depth >= MAX_DEPTH {
            return wrong("refers to itself over others");
        }
        let get = |key: &str| self.get(name, key);
        let keys = || -> Option<Source> {
            get("aws_access_key_id").zip(get("aws_secret_access_key"))?;
            Some(Arc::new(ProfileKeys { name: name.to_owned(), settings: settings.clone() }))
        };
        let Some(role) = get("role_arn") else {
            return match keys() {
                Some(keys) => Ok(keys),
                None if get("credential_process").is_some() => {
                    wrong("starts a program for its keys, which a gateway does not do")
                }
                None if get("sso_session").or(get("sso_start_url")).is_some() => {
                    wrong("signs in by IAM Identity Center, which needs a browser: assume a role instead")
                }
                None => wrong("holds no keys"),
            };
        };
        let session = get("role_session_name").unwrap_or(SESSION);
        if let Some(file) = get("web_identity_token_file") {
            let token = TokenPlace::file(file, &settings.environment);
            return Ok(Arc::new(WebIdentity::new(sts.clone(), role, session, token)));
        }
        let base = match (get("source_profile"), get("credential_source")) {
            (Some(source), _) if source == name => keys(),
            (Some(source), _) => Some(self.source_at(source, settings, sts, depth + 1)?),
            (None, Some("Environment")) => {
                chain::keys_of_environment(settings).map(|keys| Arc::new(keys) as Source)
            }
            (None, Some("EcsContainer")) => {
                Container::of(settings)?.map(|container| Arc::new(container) as _)
            }
            (None, Some("Ec2InstanceMetadata")) => Some(Arc::new(Instance::new(settings)) as _),
            (None, _) => None,
        };
        let Some(base) = base else { return wrong("names a role, but no keys to assume it with") };
        let assume = AssumeRole::new(sts.clone(), base, role, session);
        Ok(Arc::new(assume.with_external_id(get("external_id"))))
    }
}

/// The keys that stand in a profile; read again when they were refused, since other programs rewrite them.
struct ProfileKeys {
    name: String,
    settings: ProviderSettings,
}

#[async_trait]
impl Issuer<Keys> for ProfileKeys {
    async fn issue(&self) -> Result<Issued<Keys>> {
        let profiles = Profiles::read(&self.settings);
        let get = |key: &str| profiles.get(&self.name, key);
        let Some((id, secret)) = get("aws_access_key_id").zip(get("aws_secret_access_key")) else {
            let message = format!("the AWS profile `{}` holds no keys any more", self.name);
            return Err(Error::new(ErrorKind::Authentication, message));
        };
        let token = get("aws_session_token").map(Into::into);
        Ok(Issued::new(Keys::new(id, secret).with_session_token(token), None))
    }
}
