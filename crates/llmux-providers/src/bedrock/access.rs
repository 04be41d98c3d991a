//! How requests prove who sends them: a bearer key, or signatures for the region that is asked.

use std::sync::{Arc, OnceLock};

use llmux_core::{Credentials, ProviderSettings, Result, SecretString};
use llmux_credentials::{Clock, aws, sigv4::Scope};

use super::region::{self, REGIONS};

/// Environment variables that may hold a bearer key.
pub(super) const KEY_ENV: &[&str] = &["AWS_BEARER_TOKEN_BEDROCK"];
/// Options with which a deployment names credentials of its own: they come before the environment's bearer key.
const OWN: [&str; 4] = ["aws_access_key_id", "aws_profile_name", "aws_role_name", "aws_web_identity_token"];
/// The service in the scope of signatures.
const SERVICE: &str = "bedrock";

/// The bearer key of a deployment, if it has one.
pub(super) fn bearer(settings: &ProviderSettings) -> Option<SecretString> {
    let own = OWN.iter().any(|name| settings.options.text(name).is_some());
    let from_environment = || settings.environment.first(KEY_ENV).filter(|_| !own).map(Into::into);
    settings.api_key.clone().or_else(from_environment)
}

/// What signs requests, for each region: that of the deployment, and those that models name, made when they are
/// first asked for.
pub(super) struct Signers {
    settings: ProviderSettings,
    region: String,
    own: Arc<dyn Credentials>,
    others: Vec<OnceLock<Option<Arc<dyn Credentials>>>>,
}

impl Signers {
    /// Signers of a deployment whose own region is given.
    pub(super) fn new(settings: &ProviderSettings, region: &str) -> Result<Self> {
        Ok(Self {
            settings: settings.clone(),
            region: region.to_owned(),
            own: signer(settings, region)?,
            others: REGIONS.iter().map(|_| OnceLock::new()).collect(),
        })
    }

    /// What signs requests to a region.
    pub(super) fn of(&self, region: &str) -> Option<&Arc<dyn Credentials>> {
        if region == self.region {
            return Some(&self.own);
        }
        let other = self.others.get(region::position(region)?)?;
        other.get_or_init(|| signer(&self.settings, region).ok()).as_ref()
    }
}

fn signer(settings: &ProviderSettings, region: &str) -> Result<Arc<dyn Credentials>> {
    aws::credentials(settings, Scope::new(SERVICE, region), &Clock::system())
}
