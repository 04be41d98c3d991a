//! Paths of the operator's own, by `general_settings.pass_through_endpoints`.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header, request::Parts};
use llmux_config::{Config, PassThrough};
use llmux_core::{
    Error, ErrorKind, ExposeSecret, ModelFacts, Money, Provider, ProviderSettings, Relay, Result,
};

use super::{head, price::Tariff, ready::Ready, target::Target};
use crate::{
    dispatch::{self, dispatch},
    snapshot::{self, Snapshot},
};

/// A path that leads to a server of the operator's choice.
pub(crate) struct Endpoint {
    path: String,
    below: bool,
    name: String,
    target: Target,
    /// What is set on every request.
    headers: HeaderMap,
    /// All, if empty.
    methods: Vec<Method>,
    auth: bool,
    forwards: bool,
    cost: Option<Money>,
    timeout: Duration,
    priced: Option<Priced>,
}

/// The provider whose dialect and prices a target has.
struct Priced {
    provider: Arc<dyn Provider>,
    facts: Arc<dyn ModelFacts>,
}

impl Endpoint {
    /// Reads an entry.
    ///
    /// # Errors
    /// One that names the key.
    pub(super) fn new(
        section: &PassThrough,
        config: &Config,
        parts: &snapshot::Parts,
        warnings: &mut Vec<String>,
    ) -> Result<Self> {
        let path = section.path.trim_end_matches('/').to_owned();
        let defaults = &section.default_query_params;
        let target = Target::new(section.target.as_str(), defaults, section.merge_query_params)?;
        let cost = section.cost_per_request.as_deref().map(|cost| {
            cost.parse::<Money>().map_err(|_| wrong("cost_per_request", "is not an amount of money"))
        });
        let priced = match section.provider.as_deref() {
            Some(kind) if !parts.registry.providers.contains(kind) => {
                warnings
                    .push(format!("`{path}`: the prices of `{kind}` are not known: usage is not counted"));
                None
            }
            Some(kind) => Some(Priced::new(kind, &target, config, parts)?),
            None => None,
        };
        let methods = section.methods.iter().filter_map(|method| method.parse().ok()).collect();
        Ok(Self {
            name: section.id.clone().unwrap_or_else(|| path.clone()),
            path,
            below: section.include_subpath,
            headers: headers(section)?,
            target,
            methods,
            auth: section.auth,
            forwards: section.forward_headers,
            cost: cost.transpose()?,
            timeout: section.timeout.unwrap_or(config.general.pass_through_request_timeout),
            priced,
        })
    }

    /// The path.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether the gateway serves this path itself, so that nothing ever comes here.
    pub(super) fn is_hidden(&self) -> bool {
        let methods = if self.methods.is_empty() { &[Method::GET, Method::POST][..] } else { &self.methods };
        methods.iter().all(|method| !matches!(dispatch(method, &self.path), dispatch::Endpoint::Unknown))
    }

    /// What of a path is below this one; `None` if it is another.
    pub(super) fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        let rest = path.strip_prefix(self.path.as_str())?;
        (rest.is_empty() || (self.below && rest.starts_with('/'))).then_some(rest)
    }

    /// Whether requests with this method are served.
    pub(super) fn takes(&self, method: &Method) -> bool {
        self.methods.is_empty() || self.methods.contains(method)
    }

    /// The methods that are served; all if empty.
    pub(super) fn methods(&self) -> &[Method] {
        &self.methods
    }

    pub(super) fn asks_key(&self) -> bool {
        self.auth
    }

    /// Who is asked, and where, for headers.
    pub(super) fn names(&self) -> (&str, &str) {
        let name = self.priced.as_ref().map_or(self.name.as_str(), |priced| priced.provider.name());
        (name, self.target.base())
    }

    /// Makes a request ready.
    ///
    /// # Errors
    /// When the path could lead elsewhere.
    pub(super) fn ready<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        parts: &Parts,
        below: &str,
    ) -> Result<Ready<'a>> {
        // Without a key of the gateway's, whatever looks like one is the client's own, for the target.
        let query = parts.uri.query();
        let keyed =
            self.auth || (!snapshot.access.is_open() && snapshot.access.check(&parts.headers, query).is_ok());
        let mut head = Request::new(());
        *head.method_mut() = parts.method.clone();
        *head.uri_mut() = self.target.uri(below, query, keyed)?;
        *head.headers_mut() = self.outgoing(&parts.headers, &|name| keyed && snapshot.access.holds_key(name));
        let relayed = self.priced.as_ref().and_then(|priced| priced.known(&head));
        let (known, piecemeal, model) =
            relayed.map_or((None, false, None), |relay| (relay.known, relay.piecemeal, relay.model));
        let tariff = match (&self.cost, &self.priced) {
            (Some(cost), _) => Tariff::Fixed(*cost),
            (None, Some(priced)) if known.is_some() => {
                Tariff::Usage { facts: Arc::clone(&priced.facts), model }
            }
            _ => Tariff::Unknown,
        };
        Ok(Ready {
            head,
            known,
            piecemeal,
            tariff,
            tells_cost: true,
            credentials: None,
            account: None,
            timeout: self.timeout,
        })
    }

    fn outgoing(&self, client: &HeaderMap, keyed: &dyn Fn(&HeaderName) -> bool) -> HeaderMap {
        let mut headers = if self.forwards {
            head::outgoing(client, keyed)
        } else {
            head::outgoing(&head::of_the_body(client), keyed)
        };
        for (name, value) in &self.headers {
            // A form's boundary stands in its type.
            if *name != header::CONTENT_TYPE || !headers.contains_key(name) {
                headers.insert(name, value.clone());
            }
        }
        headers
    }
}

impl Priced {
    fn new(kind: &str, target: &Target, config: &Config, parts: &snapshot::Parts) -> Result<Self> {
        // It never sends anything: it only reads paths.
        let mut settings = ProviderSettings::default();
        settings.base_url = Some(target.base().to_owned());
        settings.api_key = Some("none".into());
        let named = |error: Error| wrong("custom_llm_provider", error.message());
        let provider = parts.registry.providers.build(kind, &settings).map_err(named)?;
        let facts = snapshot::provider_facts(provider.name(), config, parts)?;
        Ok(Self { provider, facts })
    }

    /// What a request to the target asks.
    fn known(&self, sent: &Request<()>) -> Option<Relay> {
        let mut head = Request::new(());
        *head.method_mut() = sent.method().clone();
        *head.uri_mut() = Uri::from(sent.uri().path_and_query()?.clone());
        self.provider.relay(head).ok()
    }
}

/// The configured headers. Two names together stand for the credentials of Langfuse, as at LiteLLM.
fn headers(section: &PassThrough) -> Result<HeaderMap> {
    const PAIR: [&str; 2] = ["langfuse_public_key", "langfuse_secret_key"];
    let mut headers = HeaderMap::new();
    let mut insert = |name: &str, text: &str| {
        let invalid = |what: &str| wrong("headers", &format!("`{name}` has no valid {what}"));
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("name"))?;
        let mut value = HeaderValue::from_str(text).map_err(|_| invalid("value"))?;
        value.set_sensitive(true);
        headers.insert(key, value);
        Ok(())
    };
    let named = |wanted: &str| {
        let found = section.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.expose_secret())
    };
    let pair = match PAIR.map(named) {
        [Some(public), Some(secret)] => Some(STANDARD.encode(format!("{public}:{secret}"))),
        _ => None,
    };
    for (name, value) in &section.headers {
        if pair.is_none() || !PAIR.iter().any(|of_pair| name.eq_ignore_ascii_case(of_pair)) {
            insert(name, value.expose_secret())?;
        }
    }
    if let Some(pair) = pair {
        insert("authorization", &format!("Basic {pair}"))?;
    }
    Ok(headers)
}

fn wrong(key: &str, problem: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, problem).with_param(key)
}
