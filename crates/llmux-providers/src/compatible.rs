//! Every host that speaks OpenAI's dialect: one engine, and a table of what each does differently.

mod adapt;
pub(crate) mod media;
mod messages;
mod replay;
mod responses;
pub mod table;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, Request, Uri};
use llmux_core::{
    Call, Dialect, Error, ErrorKind, Exchange, FailedReply, Family, Operation, Outgoing, Provider,
    ProviderSettings, Relay, Result,
};
use llmux_wire::{
    chat::{Fit, ToolNames},
    json::{edit::Edits, envelope},
    openai,
    rerank::RerankForm,
};
use table::{Auth, Host, hosts};

use crate::{
    estimate, known, rerank, shape, speak,
    target::{Target, setting},
};

/// Adds every host of the table under its name and aliases.
pub(crate) fn register(providers: &mut Family<dyn Provider, ProviderSettings>) {
    for host in hosts() {
        register_host(providers, host);
    }
}

/// The host of the table that is Ollama's OpenAI route.
pub(crate) const OLLAMA: &str = "ollama_openai";

/// Builds a host of the table.
pub(crate) fn build(name: &str, settings: &ProviderSettings) -> Result<Arc<dyn Provider>> {
    let host = hosts().find(|host| host.name == name);
    let host = host.ok_or_else(|| Error::new(ErrorKind::Internal, format!("no host is called {name}")))?;
    Ok(Arc::new(Compatible::build(host, settings)?))
}

/// Adds one host under its name and aliases.
pub(crate) fn register_host(providers: &mut Family<dyn Provider, ProviderSettings>, host: &'static Host) {
    for name in std::iter::once(&host.name).chain(host.aliases) {
        providers.register_as(*name, move |settings| {
            Ok(Arc::new(Compatible::build(host, settings)?) as Arc<dyn Provider>)
        });
    }
}

/// A host, bound to a deployment's settings.
pub(crate) struct Compatible {
    host: &'static Host,
    settings: ProviderSettings,
    target: Target,
    chat: Uri,
    completions: Option<Uri>,
    embeddings: Option<Uri>,
    responses: Option<Uri>,
    /// Where images, sound and moderations are asked for.
    media: Vec<(Operation, Uri)>,
    rerank: Option<(Uri, RerankForm)>,
}

impl Compatible {
    /// Binds a host to a deployment's settings.
    ///
    /// # Errors
    /// When the base URL is missing or wrong, or the key cannot stand in a header.
    pub(crate) fn build(host: &'static Host, settings: &ProviderSettings) -> Result<Self> {
        let mut target = Target::new(&base_url(host, settings)?, settings);
        for (name, value) in host.headers {
            target.header(HeaderName::from_static(name), value)?;
        }
        if let Some(organization) = &settings.organization {
            target.header(HeaderName::from_static("openai-organization"), organization)?;
        }
        authorize(host, settings, &mut target)?;
        Ok(Self {
            host,
            settings: settings.clone(),
            chat: target.uri(host.paths.chat)?,
            completions: host.paths.completions.map(|path| target.uri(path)).transpose()?,
            embeddings: host.paths.embeddings.map(|path| target.uri(path)).transpose()?,
            responses: host.paths.responses.map(|path| target.uri(path)).transpose()?,
            media: host
                .paths
                .media
                .offered()
                .map(|(operation, path)| Ok((operation, target.uri(path)?)))
                .collect::<Result<_>>()?,
            rerank: host.paths.rerank.map(|(path, form)| Ok((target.uri(path)?, form))).transpose()?,
            target,
        })
    }

    fn fit(&self, call: &Call<'_>) -> Fit<'_> {
        Fit::new(self.host.title, &self.settings.shaping).dropping(call.drop_params)
    }

    /// The client speaks this dialect already: its bytes go on with only what must change.
    fn pass(&self, call: &Call<'_>, uri: &Uri) -> Result<Exchange> {
        let mut fit = self.fit(call);
        let adapted = adapt::adapt(self, call, call.body, call.envelope, &mut fit)?;
        let reply = speak::passthrough(Dialect::OpenAi, adapted.hides_usage);
        let request = self.target.post(uri, adapted.body);
        let exchange = Exchange::new(Outgoing::Send(request), reply, call.stream).with_more(adapted.more);
        Ok(exchange.with_dropped(fit.into_dropped()))
    }

    /// The client speaks another dialect: its request is written anew.
    fn translate(&self, call: &Call<'_>) -> Result<Exchange> {
        let mut edits = Edits::new();
        // Else it would go on to the host, or be refused in its name.
        shape::strip(call.body, call.envelope, true, &mut edits);
        let mut request = speak::read(call, &edits.apply(call.body, call.envelope))?;
        let names = ToolNames::fit(&mut request, speak::MOST_OF_A_NAME);
        let mut fit = self.fit(call);
        let body: Bytes = openai::write_request(&request, call.model, &mut fit)?;
        let fields = envelope::read(&body)?;
        let adapted = adapt::adapt(self, call, &body, &fields, &mut fit)?;
        let reader = names.watching(openai::StreamReader::new());
        let read = names.reading(openai::read_answer);
        let reply = speak::translated(call, request.stream_usage, read, reader);
        let request = self.target.post(&self.chat, adapted.body);
        let exchange = Exchange::new(Outgoing::Send(request), reply, call.stream).with_more(adapted.more);
        Ok(exchange.with_dropped(fit.into_dropped()))
    }

    /// The client asks for embeddings in another dialect.
    fn embed(&self, call: &Call<'_>, uri: &Uri) -> Result<Exchange> {
        let request = speak::read_embeddings(call.dialect, call.body)?;
        let body = openai::write_embeddings_request(&request, call.model);
        let fields = envelope::read(&body)?;
        let mut fit = self.fit(call);
        let adapted = adapt::adapt(self, call, &body, &fields, &mut fit)?;
        let reply = speak::embedded(call, request, openai::read_embeddings);
        let request = self.target.post(uri, adapted.body);
        let exchange = Exchange::new(Outgoing::Send(request), reply, false).with_more(adapted.more);
        Ok(exchange.with_dropped(fit.into_dropped()))
    }

    /// Hands a request for something else than text on to an address.
    ///
    /// # Errors
    /// When the request is malformed.
    pub(crate) fn pass_media(&self, call: &Call<'_>, uri: &Uri) -> Result<Exchange> {
        media::pass(self, call, uri)
    }

    fn lacks(&self, operation: Operation) -> Error {
        Error::client(
            ErrorKind::InvalidRequest,
            format!("{} has no {operation}; choose a model of another provider", self.host.title),
        )
        .with_param("model")
    }
}

impl Provider for Compatible {
    fn name(&self) -> &str {
        self.host.name
    }

    fn base_url(&self) -> &str {
        self.target.base()
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        match (call.operation, call.dialect) {
            (Operation::Chat, Dialect::OpenAi) => self.pass(call, &self.chat),
            (Operation::Chat, Dialect::OpenAiResponses) => match &self.responses {
                Some(uri) => Ok(responses::pass(self, call, uri)),
                None => self.translate(call),
            },
            (Operation::Chat, _) => self.translate(call),
            (Operation::Completion, dialect) => match &self.completions {
                Some(uri) if dialect == Dialect::OpenAi => self.pass(call, uri),
                _ => self.translate(call),
            },
            (Operation::Embeddings, dialect) => match &self.embeddings {
                Some(uri) if dialect == Dialect::OpenAi => self.pass(call, uri),
                Some(uri) => self.embed(call, uri),
                None => Err(self.lacks(call.operation)),
            },
            (Operation::Rerank, _) => match &self.rerank {
                Some((uri, form)) => rerank::exchange(call, &self.settings, &self.target, uri, *form),
                None => Err(self.lacks(call.operation)),
            },
            (Operation::CountTokens, _) => estimate::answer(call, self.settings.tokens.as_deref()),
            (
                Operation::ReadResponse
                | Operation::DeleteResponse
                | Operation::CancelResponse
                | Operation::ListResponseInput,
                _,
            ) => match &self.responses {
                Some(uri) => responses::kept(self, call, uri),
                None => Err(self.lacks(call.operation)),
            },
            (operation, _) => match self.media.iter().find(|(offered, _)| *offered == operation) {
                Some((_, uri)) => media::pass(self, call, uri),
                None => Err(self.lacks(operation)),
            },
        }
    }

    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        openai::read_error(failed.status, failed.headers, failed.body, self.host.title)
    }

    fn relay(&self, head: Request<()>) -> Result<Relay> {
        let known = known::openai(&head);
        Ok(Relay::new(self.target.relay(head)?).with_known(known))
    }
}

/// The base URL: the deployment's, else the environment's, else the host's own with its variables filled in.
fn base_url(host: &Host, settings: &ProviderSettings) -> Result<String> {
    let given = settings.base_url.clone().or_else(|| settings.environment.first(host.base_env));
    if let Some(url) = given {
        return Ok(url);
    }
    let Some(url) = host.base_url else {
        return Err(setting("api_base", &format!("is required: every {} server has its own", host.title)));
    };
    host.variables.iter().try_fold(url.to_owned(), |url, variable| {
        let value = settings.environment.first(variable.env).ok_or_else(|| {
            let names = variable.env.join(" or ");
            setting(
                "api_base",
                &format!("is required for {}, or the environment variable {names}", host.title),
            )
        })?;
        Ok(url.replace(&format!("{{{}}}", variable.name), value.trim()))
    })
}

fn authorize(host: &Host, settings: &ProviderSettings, target: &mut Target) -> Result<()> {
    let key = settings.api_key.clone().or_else(|| settings.environment.first(host.key_env).map(Into::into));
    let Some(key) = key else {
        // Many servers of one's own take no key; a host that wants one says so itself, with a 401.
        return Ok(());
    };
    match host.auth {
        Auth::Bearer | Auth::OptionalBearer => target.bearer(&key),
        Auth::Header(name) => target.key(HeaderName::from_static(name), "", &key),
    }
}

#[cfg(test)]
mod tests;
