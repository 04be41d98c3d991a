//! A deployment whose model is `*`: the name that the client asks for tells the provider.

use std::{collections::BTreeMap, sync::Arc};

use llmux_core::{
    Call, Credentials, Error, ErrorKind, Exchange, FailedReply, Provider, ProviderSettings, Registry, Result,
};
use llmux_wire::openai;

/// Every provider that the deployment's settings are enough for.
pub(super) struct Inferred {
    registry: Arc<Registry>,
    providers: BTreeMap<String, Arc<dyn Provider>>,
}

impl Inferred {
    pub(super) fn new(registry: &Arc<Registry>, settings: &ProviderSettings) -> Self {
        let build = |kind: &str| Some((kind.to_owned(), registry.providers.build(kind, settings).ok()?));
        Self {
            registry: Arc::clone(registry),
            providers: registry.providers.kinds().filter_map(build).collect(),
        }
    }

    fn find<'m>(&self, model: &'m str) -> Option<(&Arc<dyn Provider>, &'m str)> {
        let (provider, model) = self.registry.split_model(model, None)?;
        Some((self.providers.get(provider)?, model))
    }
}

impl Provider for Inferred {
    fn name(&self) -> &'static str {
        "inferred"
    }

    fn base_url(&self) -> &'static str {
        "by the model's name"
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        let Some((provider, model)) = self.find(call.model) else {
            let message =
                format!("the model `{}` names no provider; write it as `provider/model`", call.model);
            return Err(Error::client(ErrorKind::NotFound, message)
                .with_param("model")
                .with_code("model_not_found"));
        };
        let mut call = *call;
        call.model = model;
        provider.prepare(&call)
    }

    fn credentials(&self, model: &str) -> Option<&Arc<dyn Credentials>> {
        let (provider, model) = self.find(model)?;
        provider.credentials(model)
    }

    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        // Which provider failed is not known here; this reader understands the shapes of all of them.
        openai::read_error(failed.status, failed.headers, failed.body, "the provider")
    }
}
