//! IBM watsonx.ai: OpenAI's chats in essence, behind IBM's paths, projects and tokens; embeddings.
//!
//! Source: "Infer text chat", "Infer text chat event stream", "Generate embeddings" and "Infer text chat of a deployment" of
//! the reference of watsonx.ai.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, Request, Uri};
use llmux_core::{
    Call, Component, Credentials, Environment, Error, ErrorKind, Exchange, FailedReply, Operation, Outgoing,
    Provider, ProviderSettings, Result, SecretString, Usage,
};
use llmux_credentials::{Clock, ibm};
use llmux_wire::{
    json::{edit::Edits, envelope},
    openai,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    compatible::{
        Compatible,
        table::{Host, Paths, Quirks},
    },
    hearing, shape, speak,
    target::{Target, segment, setting},
};

/// The name in `watsonx/model`.
pub(crate) const NAME: &str = "watsonx";
/// LiteLLM's name for its older, completing kind.
pub(crate) const TEXT: &str = "watsonx_text";
const TITLE: &str = "watsonx.ai";
const KEY_ENV: &[&str] = &["WATSONX_APIKEY", "WATSONX_API_KEY", "WX_API_KEY"];
const BASE_ENV: &[&str] = &["WATSONX_API_BASE", "WATSONX_URL", "WX_URL", "WML_URL"];
const TOKEN_ENV: &[&str] = &["WATSONX_TOKEN", "WX_TOKEN"];
const ZEN_ENV: &[&str] = &["WATSONX_ZENAPIKEY"];
const PROJECT_ENV: &[&str] = &["WATSONX_PROJECT_ID", "WX_PROJECT_ID"];
const SPACE_ENV: &[&str] = &["WATSONX_DEPLOYMENT_SPACE_ID", "WATSONX_SPACE_ID", "WX_SPACE_ID"];
const REGION_ENV: &[&str] = &["WATSONX_REGION", "WX_REGION"];
const VERSION_ENV: &[&str] = &["WATSONX_API_VERSION"];
/// A version that has all of this: LiteLLM's.
const VERSION: &str = "2024-03-13";

/// What is spoken; paths and the model's field are changed afterwards.
static HOST: Host = Host {
    name: NAME,
    title: TITLE,
    paths: Paths::CHAT,
    quirks: Quirks { stream_options: false, ..Quirks::DEFAULT },
    ..Host::DEFAULT
};

/// watsonx.ai, bound to a deployment's settings.
pub(crate) struct Watsonx {
    settings: ProviderSettings,
    engine: Compatible,
    target: Target,
    version: String,
    /// The project or the space that pays, by the field's name.
    payer: Option<(&'static str, String)>,
    credentials: Option<Arc<dyn Credentials>>,
}

impl Component for Watsonx {
    type Output = dyn Provider;
    type Config = ProviderSettings;
    const KIND: &'static str = NAME;

    fn build(settings: &ProviderSettings) -> Result<Arc<dyn Provider>> {
        let region = settings.option("watsonx_region_name", REGION_ENV);
        let region = region.or_else(|| settings.options.text("region_name").map(str::to_owned));
        let of_region = || region.map(|region| format!("https://{region}.ml.cloud.ibm.com"));
        let base =
            settings.base_url.clone().or_else(|| settings.environment.first(BASE_ENV)).or_else(of_region);
        let base = base.ok_or_else(|| {
            setting(
                "api_base",
                "is required: every region has its own (or WATSONX_URL, or `watsonx_region_name`)",
            )
        })?;
        let mut bound = settings.clone();
        bound.base_url = Some(base.clone());
        (bound.api_key, bound.environment) = (None, Environment::default());
        let mut target = Target::new(&base, settings);
        let _: Uri = target.uri("/ml/v1")?;
        let credentials = access(settings, &mut target)?;
        let payer = settings.option("space_id", SPACE_ENV).map(|space| ("space_id", space));
        let payer =
            settings.option("project_id", PROJECT_ENV).map(|project| ("project_id", project)).or(payer);
        let version = settings.api_version.clone().or_else(|| settings.environment.first(VERSION_ENV));
        Ok(Arc::new(Self {
            engine: Compatible::build(&HOST, &bound)?,
            settings: settings.clone(),
            target,
            version: version.unwrap_or_else(|| VERSION.to_owned()),
            payer,
            credentials,
        }))
    }
}

/// A key of one's own cluster stands in the headers; IBM Cloud's becomes tokens.
fn access(settings: &ProviderSettings, target: &mut Target) -> Result<Option<Arc<dyn Credentials>>> {
    let clock = Clock::system();
    if settings.headers.contains_key("authorization") {
        return Ok(None);
    }
    // What the deployment itself names comes before all variables.
    let own = settings.api_key.is_some();
    let named = |name: &str, variables: &[&str]| settings.option(name, if own { &[] } else { variables });
    if let Some(zen) = named("zen_api_key", ZEN_ENV) {
        target.key(HeaderName::from_static("authorization"), "ZenApiKey", &SecretString::from(zen))?;
        return Ok(None);
    }
    if let Some(token) = named("token", TOKEN_ENV) {
        return ibm::token(&token.into(), &clock).map(Some);
    }
    let key = settings.api_key.clone().or_else(|| settings.environment.first(KEY_ENV).map(Into::into));
    key.map(|key| ibm::credentials(settings, key, &clock)).transpose()
}

impl Watsonx {
    fn uri(&self, path: &str) -> Result<Uri> {
        self.target.query(path, &[("version".to_owned(), self.version.clone())])
    }

    /// Names the model and who pays, unless the model is a deployment, which knows both.
    fn payed<'a>(&'a self, model: &'a str) -> Result<[(&'static str, &'a str); 2]> {
        let (name, payer) = self.payer.as_ref().ok_or_else(|| {
            setting("project_id", "or `space_id` is required for watsonx.ai (or WATSONX_PROJECT_ID)")
        })?;
        Ok([("model_id", model), (name, payer)])
    }

    /// The request that the engine has made for OpenAI, as watsonx.ai wants it.
    fn moved(&self, call: &Call<'_>, made: &Request<Bytes>) -> Result<Request<Bytes>> {
        let deployment =
            call.model.strip_prefix("deployment/").or_else(|| call.model.strip_prefix("deployments/"));
        let parent = match deployment {
            Some(id) => format!("/ml/v1/deployments/{}/text", segment(id)),
            None => "/ml/v1/text".to_owned(),
        };
        let uri = self.uri(&format!("{parent}/{}", if call.stream { "chat_stream" } else { "chat" }))?;
        let fields = envelope::read(made.body())?;
        let mut edits = Edits::new();
        for name in ["model", "stream", "stream_options"] {
            if fields.find(made.body(), name).is_some() {
                edits.remove(name);
            }
        }
        if deployment.is_none() {
            for (name, value) in self.payed(call.model)? {
                edits.set_str(name, value);
            }
        }
        Ok(self.target.post(&uri, edits.apply(made.body(), &fields)))
    }

    fn embed(&self, call: &Call<'_>) -> Result<Exchange> {
        let prepared = shape::prepared(call, false, &self.settings.shaping);
        let request = speak::read_embeddings(call.dialect, &prepared)?;
        let mut body = Map::new();
        body.extend(self.payed(call.model)?.map(|(name, value)| (name.to_owned(), value.into())));
        body.insert("inputs".into(), request.inputs.clone().into());
        body.extend(request.extra.get("parameters").map(|own| ("parameters".to_owned(), own.clone())));
        body.extend(self.settings.shaping.extra_body.clone());
        let body = Value::Object(body).to_string();
        let outgoing = Outgoing::Send(self.target.post(&self.uri("/ml/v1/text/embeddings")?, body.into()));
        Ok(Exchange::new(outgoing, speak::embedded(call, request, read_vectors), false))
    }
}

#[derive(Deserialize)]
struct Vectors {
    results: Vec<Vector>,
    input_token_count: Option<u64>,
}

#[derive(Deserialize)]
struct Vector {
    embedding: Vec<f32>,
}

fn read_vectors(body: &[u8]) -> Result<speak::Vectors> {
    let answer: Vectors = hearing::json(body)?;
    let usage = answer.input_token_count.map(|count| {
        let mut usage = Usage::default();
        usage.input = count;
        usage
    });
    Ok((answer.results.into_iter().map(|result| result.embedding).collect(), usage))
}

impl Provider for Watsonx {
    fn name(&self) -> &str {
        NAME
    }

    fn base_url(&self) -> &str {
        self.target.base()
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        match call.operation {
            Operation::Embeddings => self.embed(call),
            Operation::Chat | Operation::Completion => {
                let mut exchange = self.engine.prepare(call)?;
                if let Outgoing::Send(request) = &mut exchange.outgoing {
                    *request = self.moved(call, request)?;
                }
                Ok(exchange)
            }
            _ => self.engine.prepare(call),
        }
    }

    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        let error = openai::read_error(failed.status, failed.headers, failed.body, TITLE);
        // Used up is told as forbidden.
        match error.code() {
            Some("token_quota_reached") => error.with_kind(ErrorKind::PaymentRequired),
            _ => error,
        }
    }

    fn credentials(&self, _: &str) -> Option<&Arc<dyn Credentials>> {
        self.credentials.as_ref()
    }
}
