//! A request that is ready to pass.

use std::{sync::Arc, time::Duration};

use http::{Request, request::Parts};
use llmux_core::{Credentials, Dialect, Operation, Relay, Result};
use llmux_router::Account;

use super::{head, own::Endpoint, path, price::Tariff, routes::Route};
use crate::snapshot::Snapshot;

/// A request that is ready to pass, and how its answer is looked at.
pub(super) struct Ready<'a> {
    /// Method, address and headers.
    pub(super) head: Request<()>,
    /// What is asked and in whose dialect a successful answer is, where the path tells.
    pub(super) known: Option<(Operation, Dialect)>,
    /// A JSON answer may come piece by piece.
    pub(super) piecemeal: bool,
    /// What the answer is billed.
    pub(super) tariff: Tariff,
    /// The server may tell by headers what its answer costs.
    pub(super) tells_cost: bool,
    /// What signs it.
    pub(super) credentials: Option<&'a Arc<dyn Credentials>>,
    /// The provider's budget.
    pub(super) account: Option<&'a Account>,
    /// Time for the whole exchange.
    pub(super) timeout: Duration,
}

/// Where a path leads.
#[derive(Clone, Copy)]
pub(crate) enum Destination<'a> {
    /// To a provider.
    Provider(&'a Route),
    /// To a server of the operator's choice.
    Own(&'a Endpoint),
}

impl<'a> Destination<'a> {
    /// Whose words errors of the gateway's own are told in.
    pub(super) fn sdk(self) -> Dialect {
        match self {
            Self::Provider(route) => route.sdk,
            Self::Own(_) => Dialect::OpenAi,
        }
    }

    /// Whether the gateway's key is asked for.
    pub(super) fn asks_key(self) -> bool {
        match self {
            Self::Provider(_) => true,
            Self::Own(endpoint) => endpoint.asks_key(),
        }
    }

    /// Who is asked, and where, for headers.
    pub(super) fn names(self) -> Option<(&'a str, &'a str)> {
        match self {
            Self::Provider(route) => {
                route.provider.as_ref().ok().map(|provider| (provider.name(), provider.base_url()))
            }
            Self::Own(endpoint) => Some(endpoint.names()),
        }
    }

    /// Makes a request ready; `below` is the path behind the prefix.
    ///
    /// # Errors
    /// When nothing is there, or the path could lead elsewhere.
    pub(super) fn ready(self, snapshot: &'a Snapshot, parts: &Parts, below: &str) -> Result<Ready<'a>> {
        match self {
            Self::Provider(route) => to_provider(route, snapshot, parts, below),
            Self::Own(endpoint) => endpoint.ready(snapshot, parts, below),
        }
    }
}

fn to_provider<'a>(
    route: &'a Route,
    snapshot: &'a Snapshot,
    parts: &Parts,
    below: &str,
) -> Result<Ready<'a>> {
    let provider = route.provider()?;
    let mut head = Request::new(());
    *head.method_mut() = parts.method.clone();
    *head.uri_mut() = path::safe(below, parts.uri.query())?;
    *head.headers_mut() = head::outgoing(&parts.headers, &|name| snapshot.access.holds_key(name));
    let Relay { head, known, model, piecemeal, .. } = provider.relay(head)?;
    let tariff = match &route.facts {
        Some(facts) if known.is_some() => Tariff::Usage { facts: Arc::clone(facts), model },
        _ => Tariff::Unknown,
    };
    Ok(Ready {
        head,
        known,
        piecemeal,
        tariff,
        tells_cost: false,
        credentials: provider.credentials(""),
        account: route.account.as_ref(),
        timeout: snapshot.relays.timeout,
    })
}
