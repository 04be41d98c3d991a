//! Hugging Face: the router and endpoints of one's own, which speak OpenAI's dialect, and embeddings in the form of its
//! inference servers.
//!
//! Source: "Feature Extraction" of the documentation of Inference Providers, and that of text generation inference and text
//! embeddings inference.

use std::sync::Arc;

use http::{Request, Uri};
use llmux_core::{
    Call, Error, Exchange, FailedReply, Operation, Outgoing, Provider, ProviderSettings, Relay, Result,
};
use serde_json::{Map, Value};

use crate::{
    compatible::{Compatible, table::find},
    hearing, shape, speak,
    target::{Target, setting},
};

/// The name in `huggingface/model`.
pub(crate) const NAME: &str = "huggingface";
/// Its other name.
pub(crate) const ALIAS: &str = "hf";
/// Where the models of Hugging Face's own servers are, below the router.
const MODELS: &str = "https://router.huggingface.co/hf-inference/models";

/// Hugging Face, bound to a deployment's settings.
pub(crate) struct HuggingFace {
    settings: ProviderSettings,
    /// Chats.
    engine: Compatible,
    /// Everything else of an endpoint of one's own, at the address as it is given.
    endpoint: Compatible,
    target: Target,
    vectors: Vectors,
}

/// Where embeddings are asked for.
enum Vectors {
    /// Below the model's name.
    Router,
    /// At the endpoint itself.
    Endpoint(Uri),
    /// As at OpenAI.
    OpenAi,
}

impl HuggingFace {
    pub(crate) fn build(settings: &ProviderSettings) -> Result<Arc<dyn Provider>> {
        let host = find(NAME).ok_or_else(|| setting("model", "names a host that is not in the table"))?;
        let base = settings.base_url.clone().or_else(|| settings.environment.first(host.base_env));
        let mut target = Target::new(base.as_deref().unwrap_or(MODELS), settings);
        let key =
            settings.api_key.clone().or_else(|| settings.environment.first(host.key_env).map(Into::into));
        if let Some(key) = key {
            target.bearer(&key)?;
        }
        let vectors = match base.as_deref().map(|base| base.trim_end_matches('/')) {
            None => Vectors::Router,
            Some(base) if base.ends_with("/v1") => Vectors::OpenAi,
            Some(base) => {
                let bad = |_| setting("api_base", "is not a valid URL");
                Vectors::Endpoint(base.parse().map_err(bad)?)
            }
        };
        let mut chats = settings.clone();
        if let Vectors::Endpoint(_) = vectors {
            // Text generation inference has OpenAI's paths there.
            chats.base_url = Some(format!("{}/v1", target.base()));
        }
        Ok(Arc::new(Self {
            settings: settings.clone(),
            engine: Compatible::build(host, &chats)?,
            endpoint: Compatible::build(host, settings)?,
            target,
            vectors,
        }))
    }

    fn embed(&self, call: &Call<'_>, uri: &Uri) -> Result<Exchange> {
        let prepared = shape::prepared(call, false, &self.settings.shaping);
        let request = speak::read_embeddings(call.dialect, &prepared)?;
        let mut body = Map::from_iter([("inputs".to_owned(), request.inputs.clone().into())]);
        // Such as `normalize` and `truncate`.
        let own = request.extra.iter().filter(|(name, _)| name.as_str() != "user");
        body.extend(own.map(|(name, value)| (name.clone(), value.clone())));
        body.extend(self.settings.shaping.extra_body.clone());
        let outgoing = Outgoing::Send(self.target.post(uri, Value::Object(body).to_string().into()));
        let read = |body: &[u8]| Ok((hearing::json(body)?, None));
        Ok(Exchange::new(outgoing, speak::embedded(call, request, read), false))
    }
}

impl Provider for HuggingFace {
    fn name(&self) -> &str {
        NAME
    }

    fn base_url(&self) -> &str {
        match self.vectors {
            Vectors::Router => self.engine.base_url(),
            _ => self.target.base(),
        }
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        match (call.operation, &self.vectors) {
            (Operation::Embeddings, Vectors::Router) => {
                self.embed(call, &self.target.uri(&format!("/{}/pipeline/feature-extraction", call.model))?)
            }
            (Operation::Embeddings, Vectors::Endpoint(uri)) => self.embed(call, uri),
            (Operation::Rerank | Operation::Embeddings, _) => self.endpoint.prepare(call),
            _ => self.engine.prepare(call),
        }
    }

    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        self.engine.classify(failed)
    }

    fn relay(&self, head: Request<()>) -> Result<Relay> {
        self.engine.relay(head)
    }
}
