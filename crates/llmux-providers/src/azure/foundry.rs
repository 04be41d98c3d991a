//! Azure AI Foundry: models of other makers than OpenAI.
//!
//! Sources: "Azure AI Model Inference REST API reference" and "Deploy and use Claude models in Microsoft Foundry".

use std::sync::Arc;

use http::{Request, Uri, uri::PathAndQuery};
use llmux_core::{
    Call, Component, Credentials, Error, Exchange, FailedReply, Operation, Outgoing, Provider,
    ProviderSettings, Relay, Result,
};
use llmux_wire::anthropic;

use super::{
    Access, failure,
    hosts::{AZURE, FOUNDRY, FOUNDRY_ENDPOINT, FOUNDRY_V1},
    moved,
    route::{Route, check, with_version},
};
use crate::{anthropic::Anthropic, compatible::Compatible, compatible::table::Host, target::setting};

/// The name in `azure_ai/model`.
pub(crate) const NAME: &str = "azure_ai";
const KEY_ENV: &[&str] = &["AZURE_AI_API_KEY"];
const BASE_ENV: &[&str] = &["AZURE_AI_API_BASE"];
const VERSION_ENV: &[&str] = &["AZURE_AI_API_VERSION"];
/// The version of the inference API that is generally available.
const VERSION: &str = "2024-05-01-preview";

/// A Foundry resource, bound to a deployment's settings.
pub(crate) struct Foundry {
    engine: Compatible,
    route: Route,
    /// For models of Anthropic, where the resource can have some.
    anthropic: Arc<dyn Provider>,
    root: String,
    /// Where Cohere's models rank documents.
    rerank: Uri,
    credentials: Option<Arc<dyn Credentials>>,
}

impl Component for Foundry {
    type Output = dyn Provider;
    type Config = ProviderSettings;
    const KIND: &'static str = NAME;

    fn build(settings: &ProviderSettings) -> Result<Arc<dyn Provider>> {
        let Some(base) = settings.base_url.clone().or_else(|| settings.environment.first(BASE_ENV)) else {
            let problem = "is required: every Foundry resource has its own (or AZURE_AI_API_BASE)";
            return Err(setting("api_base", problem));
        };
        let given = settings.api_version.clone().or_else(|| settings.environment.first(VERSION_ENV));
        let root = root(&base).to_owned();
        let (host, route) = place(&base, &root, given.as_deref())?;
        let access = Access::of(settings, KEY_ENV)?;
        let anthropic = Anthropic::build(&access.bind(settings, &format!("{root}/anthropic")))?;
        let engine = Compatible::build(host, &access.bind(settings, route.base()))?;
        let rerank = ranking(&base, &root)?;
        Ok(Arc::new(Self { engine, route, anthropic, root, rerank, credentials: access.credentials }))
    }
}

/// The resource's address, whichever of its routes was given.
fn root(base: &str) -> &str {
    let base = base.split('?').next().unwrap_or(base).trim_end_matches('/');
    let routes = ["/models", "/openai", "/anthropic", "/providers"];
    let cut = routes.iter().filter_map(|route| {
        let at = base.find(route)?;
        let after = base.get(at.saturating_add(route.len())..)?;
        (after.is_empty() || after.starts_with('/')).then_some(at)
    });
    cut.min().and_then(|at| base.get(..at)).unwrap_or(base)
}

/// What is spoken at an address, and where.
fn place(base: &str, root: &str, version: Option<&str>) -> Result<(&'static Host, Route)> {
    let (address, query) = base.split_once('?').unwrap_or((base, ""));
    check(address)?;
    let host = address.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_ascii_lowercase));
    let host = host.unwrap_or_default();
    let address = address.trim_end_matches('/');
    if address.contains("/openai/v1") {
        return Ok((&FOUNDRY_V1, Route::below(format!("{root}/openai/v1"), None)));
    }
    if host.ends_with(".openai.azure.com") || address.contains("/openai/deployments/") {
        return Ok((&AZURE, Route::openai(base, version.unwrap_or(super::VERSION))?));
    }
    let query = if query.is_empty() { None } else { Some(query.to_owned()) };
    if is_resource(address) || address.contains("/models") {
        let query = query.unwrap_or_else(|| format!("api-version={}", version.unwrap_or(VERSION)));
        return Ok((&FOUNDRY, Route::below(format!("{root}/models"), Some(query))));
    }
    let ends = ["/chat/completions", "/v1/rerank", "/v2/rerank"];
    let address = ends.iter().find_map(|end| address.strip_suffix(end)).unwrap_or(address);
    let query = query.or_else(|| version.map(|version| format!("api-version={version}")));
    Ok((&FOUNDRY_ENDPOINT, Route::below(address.to_owned(), query)))
}

/// Where documents are ranked: Cohere's own path of a resource, or of an endpoint with one model.
fn ranking(base: &str, root: &str) -> Result<Uri> {
    let address = base.split('?').next().unwrap_or(base).trim_end_matches('/');
    let url = if address.ends_with("/rerank") {
        base.to_owned()
    } else if root != address || is_resource(address) {
        format!("{root}/providers/cohere/v2/rerank")
    } else {
        format!("{address}/v1/rerank")
    };
    url.parse().map_err(|_| setting("api_base", "is not a valid URL"))
}

/// Whether an address is that of a resource, with routes for every maker's models.
fn is_resource(address: &str) -> bool {
    let host = address.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_ascii_lowercase));
    let resource = [".services.ai.azure.com", ".cognitiveservices.azure.com"];
    host.is_some_and(|host| resource.iter().any(|end| host.ends_with(end)))
}

/// Whether a model is Anthropic's.
fn is_claude(model: &str) -> bool {
    model.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("claude"))
}

impl Foundry {
    /// Mistral's models that read documents, by "Mistral Document AI" of Microsoft's documentation.
    fn ocr(&self, call: &Call<'_>) -> Result<Exchange> {
        let uri = format!("{}/providers/mistral/azure/ocr", self.root).parse();
        self.engine.pass_media(call, &uri.map_err(|_| setting("api_base", "is not a valid URL"))?)
    }
}

impl Provider for Foundry {
    fn name(&self) -> &str {
        NAME
    }

    fn base_url(&self) -> &str {
        &self.root
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        if is_claude(call.model) {
            return self.anthropic.prepare(call);
        }
        if call.operation == Operation::Ocr {
            return self.ocr(call);
        }
        let mut exchange = self.engine.prepare(call)?;
        if let Outgoing::Send(request) = &mut exchange.outgoing {
            *request.uri_mut() = match call.operation {
                Operation::Rerank => self.rerank.clone(),
                _ => self.route.uri(call, request.uri())?,
            };
        }
        Ok(exchange)
    }

    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        // Only Anthropic's errors call themselves so, at the beginning.
        if failed.body.starts_with(br#"{"type":"error""#) {
            return anthropic::read_error(failed.status, failed.headers, failed.body, NAME);
        }
        failure::read(failed, "Azure AI Foundry")
    }

    fn relay(&self, head: Request<()>) -> Result<Relay> {
        let (path, query) = (head.uri().path(), head.uri().query());
        let whole = head.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        let whole = match path.starts_with("/models/") {
            true => with_version(whole, query, VERSION),
            false => whole.to_owned(),
        };
        // Its models speak Anthropic's dialect, and want its headers.
        let relay = match path.starts_with("/anthropic/") {
            true => self.anthropic.relay(head)?,
            false => self.engine.relay(head)?,
        };
        moved(relay, &self.root, &whole)
    }

    fn credentials(&self, _: &str) -> Option<&Arc<dyn Credentials>> {
        self.credentials.as_ref()
    }
}
