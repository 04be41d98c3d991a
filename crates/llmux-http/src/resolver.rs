//! Names to addresses, under the URL policy.

use std::{
    collections::HashMap,
    error::Error as StdError,
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    vec,
};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

use crate::policy::{Forbidden, UrlPolicy};

/// The system's resolver, with fixed addresses for some names and the policy applied to the outcome.
#[derive(Clone)]
pub(crate) struct Resolver {
    system: GaiResolver,
    fixed: Arc<HashMap<String, Vec<SocketAddr>>>,
    policy: UrlPolicy,
}

impl Resolver {
    pub(crate) fn new(fixed: HashMap<String, Vec<SocketAddr>>, policy: UrlPolicy) -> Self {
        Self { system: GaiResolver::new(), fixed: Arc::new(fixed), policy }
    }
}

/// Why a name has no address.
#[derive(Debug)]
pub(crate) enum ResolveError {
    Lookup(io::Error),
    Forbidden(Forbidden),
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lookup(error) => error.fmt(f),
            Self::Forbidden(error) => error.fmt(f),
        }
    }
}

impl StdError for ResolveError {}

type Addresses = vec::IntoIter<SocketAddr>;

impl Service<Name> for Resolver {
    type Response = Addresses;
    type Error = ResolveError;
    type Future = Pin<Box<dyn Future<Output = Result<Addresses, ResolveError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ResolveError>> {
        self.system.poll_ready(cx).map_err(ResolveError::Lookup)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let fixed = self.fixed.get(name.as_str()).cloned();
        let lookup = fixed.is_none().then(|| self.system.call(name));
        let policy = self.policy;
        Box::pin(async move {
            let addresses = match lookup {
                Some(lookup) => lookup.await.map_err(ResolveError::Lookup)?.collect(),
                None => fixed.unwrap_or_default(),
            };
            // One forbidden address spoils the name: otherwise the order of the answers would decide.
            if addresses.iter().all(|address| policy.allows(address.ip())) {
                Ok(addresses.into_iter())
            } else {
                Err(ResolveError::Forbidden(Forbidden))
            }
        })
    }
}
