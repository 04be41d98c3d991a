//! Hosts for searching only: embeddings nearly as OpenAI's, and rankings. They have no chats.

use std::sync::Arc;

use bytes::Bytes;
use http::Uri;
use llmux_core::{
    Call, Dialect, Error, ErrorKind, Exchange, FailedReply, Family, Operation, Outgoing, Provider,
    ProviderSettings, Result,
};
use llmux_wire::{openai, rerank::RerankForm};

use crate::{
    Variables, rerank, shape, speak,
    target::{Target, setting},
};

/// One host.
struct Host {
    name: &'static str,
    title: &'static str,
    /// Where the paths start; `None`: every server has its own address.
    base_url: Option<&'static str>,
    key_env: &'static [&'static str],
    base_env: &'static [&'static str],
    /// The name of OpenAI's `dimensions`.
    dimensions: &'static str,
    form: RerankForm,
}

static HOSTS: &[Host] = &[
    Host {
        name: "infinity",
        title: "Infinity",
        base_url: None,
        key_env: &["INFINITY_API_KEY"],
        base_env: &["INFINITY_API_BASE"],
        dimensions: "dimensions",
        form: RerankForm::Jina,
    },
    Host {
        name: "jina_ai",
        title: "Jina AI",
        base_url: Some("https://api.jina.ai/v1"),
        key_env: &["JINA_AI_API_KEY", "JINA_API_KEY"],
        base_env: &["JINA_AI_API_BASE"],
        dimensions: "dimensions",
        form: RerankForm::Jina,
    },
    Host {
        name: "voyage",
        title: "Voyage AI",
        base_url: Some("https://api.voyageai.com/v1"),
        key_env: &["VOYAGE_API_KEY"],
        base_env: &["VOYAGE_API_BASE"],
        dimensions: "output_dimension",
        form: RerankForm::Voyage,
    },
];

/// Adds every host.
pub(crate) fn register(providers: &mut Family<dyn Provider, ProviderSettings>) {
    for host in HOSTS {
        providers.register_as(host.name, move |settings| {
            Ok(Arc::new(Retrieval::build(host, settings)?) as Arc<dyn Provider>)
        });
    }
}

/// The hosts that can be used as soon as their key is in the environment.
pub(crate) fn well_known() -> impl Iterator<Item = Variables> {
    let public = HOSTS.iter().filter(|host| host.base_url.is_some());
    public.map(|host| (host.name, host.key_env, host.base_env))
}

/// A host, bound to a deployment's settings.
struct Retrieval {
    host: &'static Host,
    settings: ProviderSettings,
    target: Target,
    embeddings: Uri,
    rerank: Uri,
}

impl Retrieval {
    fn build(host: &'static Host, settings: &ProviderSettings) -> Result<Self> {
        let given = settings.base_url.clone().or_else(|| settings.environment.first(host.base_env));
        let base = given.as_deref().or(host.base_url);
        let base = base.ok_or_else(|| setting("api_base", "is required: every such server has its own"))?;
        let base = base.trim_end_matches('/');
        let ends = ["/embeddings", "/rerank"];
        let root = ends.iter().find_map(|end| base.strip_suffix(end)).unwrap_or(base);
        let mut target = Target::new(root, settings);
        let key =
            settings.api_key.clone().or_else(|| settings.environment.first(host.key_env).map(Into::into));
        if let Some(key) = key {
            target.bearer(&key)?;
        }
        Ok(Self {
            host,
            settings: settings.clone(),
            embeddings: target.uri("/embeddings")?,
            rerank: target.uri("/rerank")?,
            target,
        })
    }

    /// Vectors are always asked for as numbers, which every host gives, and given as the client wants them. Fields
    /// that only the host knows, such as `input_type`, go along.
    fn embed(&self, call: &Call<'_>) -> Result<Exchange> {
        let shaping = &self.settings.shaping;
        let prepared = shape::prepared(call, false, shaping);
        let request = speak::read_embeddings(call.dialect, &prepared)?;
        let mut body = serde_json::Map::new();
        body.insert("model".into(), call.model.into());
        body.insert("input".into(), request.inputs.clone().into());
        body.extend(request.dimensions.map(|count| (self.host.dimensions.to_owned(), count.into())));
        if call.dialect == Dialect::OpenAi {
            let own = request.extra.iter().filter(|(name, _)| name.as_str() != "user");
            body.extend(own.map(|(name, value)| (name.clone(), value.clone())));
        }
        body.extend(shaping.extra_body.clone());
        let body = Bytes::from(serde_json::Value::Object(body).to_string());
        let reply = speak::embedded(call, request, openai::read_embeddings);
        Ok(Exchange::new(Outgoing::Send(self.target.post(&self.embeddings, body)), reply, false))
    }
}

impl Provider for Retrieval {
    fn name(&self) -> &str {
        self.host.name
    }

    fn base_url(&self) -> &str {
        self.target.base()
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        match call.operation {
            Operation::Embeddings => self.embed(call),
            Operation::Rerank => {
                rerank::exchange(call, &self.settings, &self.target, &self.rerank, self.host.form)
            }
            operation => Err(Error::client(
                ErrorKind::InvalidRequest,
                format!("{} has no {operation}; choose a model of another provider", self.host.title),
            )
            .with_param("model")),
        }
    }

    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        openai::read_error(failed.status, failed.headers, failed.body, self.host.title)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use llmux_wire::json::envelope;
    use serde_json::{Value, json};

    use super::*;

    fn sent(name: &str, operation: Operation, dialect: Dialect, body: &Value) -> (String, Value) {
        let host = HOSTS.iter().find(|host| host.name == name).unwrap();
        let mut settings = ProviderSettings::default();
        settings.base_url = host.base_url.is_none().then(|| "http://a:7997".to_owned());
        let provider = Retrieval::build(host, &settings).unwrap();
        let body = Bytes::from(body.to_string());
        let (fields, headers) = (envelope::read(&body).unwrap(), HeaderMap::new());
        let call = Call::new(operation, dialect, "up", &body, &fields, &headers);
        match provider.prepare(&call).unwrap().outgoing {
            Outgoing::Send(request) => {
                (request.uri().to_string(), serde_json::from_slice(request.body()).unwrap())
            }
            Outgoing::Answered(_) => panic!("must be sent"),
        }
    }

    #[test]
    fn embeddings_get_the_hosts_names() {
        let body = json!({"model": "m", "input": ["a"], "dimensions": 256, "encoding_format": "base64",
            "input_type": "query", "user": "u"});
        let expected =
            |dimensions: &str| json!({"model": "up", "input": ["a"], dimensions: 256, "input_type": "query"});
        let (uri, voyage) = sent("voyage", Operation::Embeddings, Dialect::OpenAi, &body);
        assert_eq!(
            (uri.as_str(), voyage),
            ("https://api.voyageai.com/v1/embeddings", expected("output_dimension"))
        );
        let (uri, jina) = sent("jina_ai", Operation::Embeddings, Dialect::OpenAi, &body);
        assert_eq!((uri.as_str(), jina), ("https://api.jina.ai/v1/embeddings", expected("dimensions")));
    }

    #[test]
    fn rankings_get_the_hosts_form() {
        let body = json!({"model": "m", "query": "q", "documents": ["a", {"text": "b"}], "top_n": 1});
        let (uri, voyage) = sent("voyage", Operation::Rerank, Dialect::Cohere, &body);
        assert_eq!(uri, "https://api.voyageai.com/v1/rerank");
        assert_eq!(voyage, json!({"model": "up", "query": "q", "documents": ["a", "b"], "top_k": 1}));
        let (uri, infinity) = sent("infinity", Operation::Rerank, Dialect::Cohere, &body);
        assert_eq!((uri.as_str(), &infinity["top_n"]), ("http://a:7997/rerank", &json!(1)));
    }

    #[test]
    fn a_server_of_ones_own_needs_its_address() {
        let error = Retrieval::build(&HOSTS[0], &ProviderSettings::default()).err().unwrap();
        assert_eq!(error.param(), Some("api_base"));
    }
}
