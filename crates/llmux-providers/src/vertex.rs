//! Google Cloud's Vertex AI: Gemini, and models of Anthropic, Mistral, Meta and others behind Google's addresses and
//! tokens.
//!
//! Sources: "Generate content with the Gemini API in Vertex AI", "Use Anthropic's Claude models", "Use Mistral AI
//! models", "Use open models as MaaS" and "Get text embeddings" of Google Cloud's documentation.

mod claude;
mod embeddings;
mod failure;
mod place;

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Request, Uri, uri::InvalidUri};
use llmux_core::{
    Call, Component, Credentials, Environment, Error, Exchange, ExposeSecret, FailedReply, Operation,
    Outgoing, Provider, ProviderSettings, Relay, Result, SecretString,
};
use llmux_credentials::{Clock, google};
use llmux_wire::{inline::may_name_media, rerank::RerankForm};

use crate::{
    compatible::{
        Compatible,
        table::{Auth, Host, Paths, Quirks, find},
    },
    gemini::Gemini,
    known, rerank,
    target::{Target, setting},
};
use claude::Claude;
use place::{Model, Place};

/// The name in `vertex_ai/model`.
pub(crate) const NAME: &str = "vertex_ai";
/// LiteLLM's name for the same with the newest version of the API.
pub(crate) const BETA: &str = "vertex_ai_beta";
const PROJECT_ENV: &[&str] = &["VERTEXAI_PROJECT", "VERTEX_PROJECT", "GOOGLE_CLOUD_PROJECT"];
const LOCATION_ENV: &[&str] = &["VERTEXAI_LOCATION", "VERTEX_LOCATION", "GOOGLE_CLOUD_LOCATION"];
const BASE_ENV: &[&str] = &["VERTEXAI_API_BASE", "VERTEX_API_BASE"];
/// LiteLLM's default.
const LOCATION: &str = "us-central1";

const X_GOOG_API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");
const X_GOOG_USER_PROJECT: HeaderName = HeaderName::from_static("x-goog-user-project");

/// Open models as a service, under OpenAI's dialect.
static OPEN_MODELS: Host = Host {
    name: NAME,
    title: "Vertex AI",
    auth: Auth::Header("x-goog-api-key"),
    paths: Paths::CHAT,
    quirks: Quirks::DEFAULT,
    ..Host::DEFAULT
};

/// Vertex AI, bound to a deployment's settings.
pub(crate) struct VertexAi {
    settings: ProviderSettings,
    target: Target,
    place: Place,
    /// Where documents are ranked, and the project that pays; a key of express mode cannot.
    ranker: Option<(Uri, HeaderValue)>,
    gemini: Gemini,
    /// Models that were tuned or deployed, by the number of their endpoint.
    endpoints: Gemini,
    claude: Claude,
    mistral: Compatible,
    open: Compatible,
    credentials: Option<Arc<dyn Credentials>>,
}

impl Component for VertexAi {
    type Output = dyn Provider;
    type Config = ProviderSettings;
    const KIND: &'static str = NAME;

    fn build(settings: &ProviderSettings) -> Result<Arc<dyn Provider>> {
        let access = Access::of(settings)?;
        let project = settings.option("vertex_project", PROJECT_ENV).or(access.project);
        let location =
            settings.options.text("vertex_location").or_else(|| settings.options.text("region_name"));
        let location = location.map(str::to_owned).or_else(|| settings.environment.first(LOCATION_ENV));
        let location = location.unwrap_or_else(|| LOCATION.to_owned());
        let base = settings.base_url.clone().or_else(|| settings.environment.first(BASE_ENV));
        // A key of express mode stands for its project.
        let project = match project {
            Some(project) => Some(project),
            None if access.key.is_some() => None,
            None => return Err(setting("vertex_project", "is required (or the variable VERTEXAI_PROJECT)")),
        };
        let place =
            Place::new(base.as_deref(), project.as_deref(), &location, settings.api_version.as_deref());
        let bound = bind(settings, &place, access.key);
        let mut target = Target::new(place.base(), &bound);
        if let Some(key) = &bound.api_key {
            target.key(X_GOOG_API_KEY, "", key)?;
        }
        let _: Uri = place.gemini().parse().map_err(|_| setting("vertex_location", "makes no valid URL"))?;
        let ranker = project.as_deref().map(|project| ranker(base.as_deref(), project)).transpose()?;
        let mistral = find("mistral").unwrap_or(&OPEN_MODELS);
        let mut open = bound.clone();
        open.base_url = Some(place.open_models());
        Ok(Arc::new(Self {
            gemini: Gemini::on_vertex(&bound, target.clone(), place.gemini()),
            endpoints: Gemini::on_vertex(&bound, target.clone(), place.endpoints()),
            target,
            claude: Claude::build(&bound)?,
            mistral: Compatible::build(mistral, &bound)?,
            open: Compatible::build(&OPEN_MODELS, &open)?,
            credentials: access.credentials,
            settings: settings.clone(),
            ranker,
            place,
        }))
    }
}

impl VertexAi {
    /// Rankings are made by Google's Discovery Engine, and billed to the project.
    fn rank(&self, call: &Call<'_>) -> Result<Exchange> {
        let (uri, project) =
            self.ranker.as_ref().ok_or_else(|| setting("vertex_project", "is required to rank"))?;
        let mut exchange = rerank::exchange(call, &self.settings, &self.target, uri, RerankForm::Google)?;
        if let Outgoing::Send(request) = &mut exchange.outgoing {
            request.headers_mut().insert(X_GOOG_USER_PROJECT, project.clone());
        }
        Ok(exchange)
    }
}

impl Provider for VertexAi {
    fn name(&self) -> &str {
        NAME
    }

    fn base_url(&self) -> &str {
        self.place.base()
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        let model = Model::of(call.model);
        let mut call = *call;
        call.model = model.name();
        if call.operation == Operation::Rerank {
            return self.rank(&call);
        }
        match model {
            Model::Gemini(_) if call.operation == Operation::Embeddings => {
                embeddings::prepare(&self.gemini, &call, &self.place.predict(call.model))
            }
            Model::Gemini(_) => self.gemini.prepare(&call),
            Model::Endpoint(_) => self.endpoints.prepare(&call),
            Model::Claude(_) => self.claude.prepare(&call, &self.place),
            Model::Raw(publisher, _) => {
                let exchange = self.mistral.prepare(&call)?;
                moved(exchange, &self.place.raw(publisher, call.model, call.stream))
            }
            Model::OpenEndpoint(number) => {
                moved(self.open.prepare(&call)?, &self.place.endpoint_chat(number))
            }
            Model::Open(_) => self.open.prepare(&call),
        }
    }

    fn wants_media(&self, call: &Call<'_>) -> bool {
        // Google fetches for its own models only.
        matches!(Model::of(call.model), Model::Claude(_)) && may_name_media(call.body)
    }

    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        failure::read(failed)
    }

    fn relay(&self, head: Request<()>) -> Result<Relay> {
        let (known, model) = (known::vertex(&head), known::model(&head));
        let piecemeal = known::is_piecemeal(&head);
        let url = self.place.relayed(head.uri());
        let mut head = self.target.relay(head)?;
        *head.uri_mut() = url.parse().map_err(|_| place::bad_name())?;
        Ok(Relay::new(head).with_known(known).with_model(model).with_piecemeal(piecemeal))
    }

    fn credentials(&self, _: &str) -> Option<&Arc<dyn Credentials>> {
        self.credentials.as_ref()
    }
}

/// Where a project's documents are ranked.
fn ranker(base: Option<&str>, project: &str) -> Result<(Uri, HeaderValue)> {
    let bad = |_: InvalidUri| setting("vertex_project", "is no name of a project");
    let name = HeaderValue::from_str(project.trim())
        .map_err(|_| setting("vertex_project", "is no name of a project"))?;
    Ok((place::ranking(base, project).parse().map_err(bad)?, name))
}

/// The exchange, with its request going elsewhere.
fn moved(mut exchange: Exchange, url: &str) -> Result<Exchange> {
    if let Outgoing::Send(request) = &mut exchange.outgoing {
        *request.uri_mut() = url.parse().map_err(|_| place::bad_name())?;
    }
    Ok(exchange)
}

/// How a deployment proves who calls: by a key of express mode, or by a token.
struct Access {
    key: Option<SecretString>,
    credentials: Option<Arc<dyn Credentials>>,
    project: Option<String>,
}

impl Access {
    fn of(settings: &ProviderSettings) -> Result<Self> {
        let key = settings.api_key.clone().filter(|key| !key.expose_secret().trim().is_empty());
        let proven =
            ["authorization", "x-goog-api-key"].iter().any(|name| settings.headers.contains_key(*name));
        if key.is_some() || proven {
            return Ok(Self { key, credentials: None, project: None });
        }
        let google = google::credentials(settings, &Clock::system())?;
        Ok(Self { key: None, credentials: Some(google.credentials), project: google.project })
    }
}

/// The settings for the engines, which must look up nothing by themselves.
fn bind(settings: &ProviderSettings, place: &Place, key: Option<SecretString>) -> ProviderSettings {
    let mut bound = settings.clone();
    bound.base_url = Some(place.base().to_owned());
    bound.api_key = key;
    bound.api_version = None;
    bound.environment = Environment::default();
    bound
}

#[cfg(test)]
mod tests;
