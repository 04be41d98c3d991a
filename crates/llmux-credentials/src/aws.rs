//! Access keys of AWS, wherever they come from, and signatures made with them.
//!
//! Where keys come from, and in which order, is what LiteLLM's users and those of AWS's own tools expect:
//! the deployment's own settings first, then the environment, shared files, and the machine's metadata.

mod chain;
mod metadata;
mod profile;
mod refusal;
mod sts;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use llmux_core::{Credentials, ExposeSecret, FailedReply, ProviderSettings, Result, SecretString};

use crate::{
    Clock,
    renewed::{Issued, Issuer, Renewed},
    sigv4::{self, Scope},
};

pub use refusal::{Refusal, refusal};

/// An access key: permanent, or temporary with a session token.
#[derive(Clone)]
#[non_exhaustive]
pub struct Keys {
    /// The key's id.
    pub access_key_id: String,
    /// The secret to sign with.
    pub secret_access_key: SecretString,
    /// What makes a temporary key valid.
    pub session_token: Option<SecretString>,
}

impl Keys {
    /// A permanent key.
    #[must_use]
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<SecretString>) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            session_token: None,
        }
    }

    /// Makes it a temporary one.
    #[must_use]
    pub fn with_session_token(mut self, token: Option<SecretString>) -> Self {
        self.session_token = token.filter(|token| !token.expose_secret().is_empty());
        self
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

/// Keys that stay as they are.
#[async_trait]
impl Issuer<Keys> for Keys {
    async fn issue(&self) -> Result<Issued<Keys>> {
        Ok(Issued::new(self.clone(), None))
    }
}

/// The region that a deployment names, or the environment, or the profile; `None` when nothing does.
///
/// Options: `aws_region_name`, `region_name`. Variables: `AWS_REGION_NAME`, `AWS_REGION`, `AWS_DEFAULT_REGION`.
#[must_use]
pub fn region(settings: &ProviderSettings) -> Option<String> {
    let variables = ["AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"];
    let given = settings.options.text("aws_region_name").or_else(|| settings.options.text("region_name"));
    given.map(str::to_owned).or_else(|| settings.environment.first(&variables)).or_else(|| {
        let profile = chain::profile_name(settings)?;
        profile::Profiles::read(settings).get(&profile, "region").map(str::to_owned)
    })
}

/// What signs a deployment's requests to `scope`. Nothing is fetched yet.
///
/// Options: `aws_access_key_id`, `aws_secret_access_key`, `aws_session_token`, `aws_profile_name`,
/// `aws_role_name`, `aws_session_name`, `aws_external_id`, `aws_web_identity_token`, `aws_sts_endpoint`. Without
/// any of them: the environment variables of AWS's own tools, the shared files, the container's and the
/// instance's metadata.
///
/// # Errors
/// When the settings contradict themselves, or name a profile that does not exist or cannot be used here.
pub fn credentials(settings: &ProviderSettings, scope: Scope, clock: &Clock) -> Result<Arc<dyn Credentials>> {
    Ok(Arc::new(Signer {
        keys: keys(settings, scope.region(), clock)?,
        scope,
        clock: clock.clone(),
        offset: AtomicI64::new(0),
    }))
}

/// The keys of a deployment, see [`credentials`].
pub(crate) fn keys(settings: &ProviderSettings, region: &str, clock: &Clock) -> Result<Renewed<Keys>> {
    Ok(Renewed::new(chain::choose(settings, region, clock)?, clock.clone()))
}

/// Signs requests with the current keys.
struct Signer {
    keys: Renewed<Keys>,
    scope: Scope,
    clock: Clock,
    /// How many seconds the service's clock is ahead of ours, once it has complained.
    offset: AtomicI64,
}

impl Signer {
    fn time(&self) -> SystemTime {
        let now = self.clock.now();
        let offset = self.offset.load(Ordering::Relaxed);
        let by = Duration::from_secs(offset.unsigned_abs());
        let time = if offset < 0 { now.checked_sub(by) } else { now.checked_add(by) };
        time.unwrap_or(now)
    }
}

#[async_trait]
impl Credentials for Signer {
    async fn sign(&self, request: &mut Request<Bytes>) -> Result<()> {
        let keys = self.keys.current().await?;
        sigv4::sign(request, &keys, &self.scope, self.time())
    }

    fn refused(&self, failed: &FailedReply<'_>) -> bool {
        match refusal(failed) {
            Some(Refusal::ClockSkew) => refusal::offset(failed, self.clock.now()).is_some_and(|offset| {
                let before = self.offset.swap(offset, Ordering::Relaxed);
                // The same correction once more would end the same way.
                before.abs_diff(offset) > 60
            }),
            Some(Refusal::Expired | Refusal::Unknown) => self.keys.discard(),
            _ => false,
        }
    }
}
