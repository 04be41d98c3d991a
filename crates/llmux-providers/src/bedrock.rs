//! Amazon Bedrock, by the published model of its runtime: Converse for every client, `invoke` for Anthropic's own
//! dialect and for embeddings.

mod access;
mod invoke;
mod region;
mod route;

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Uri, uri::PathAndQuery};
use llmux_core::{
    Call, Component, Credentials, Dialect, Error, ErrorKind, Exchange, FailedReply, Operation, Outgoing,
    Provider, ProviderSettings, Relay, Reply, Result, Usage,
};
use llmux_credentials::aws;
use llmux_wire::{
    anthropic, bedrock,
    bedrock::{Embedder, Family, Native, NativeReader, Unwrapped},
    chat::{ChatRequest, Fit, ToolNames},
    convert::Converted,
    inline::may_name_media,
    json::edit::Edits,
    openai,
    passthrough::Passthrough,
    rerank::RerankForm,
};

use self::{
    access::Signers,
    route::{Api, Route},
};
use crate::{
    rerank, shape, speak,
    target::{Target, setting},
};

/// The name in `bedrock/model`.
pub(crate) const NAME: &str = "bedrock";
/// Environment variables that may hold the bearer key.
pub(crate) const KEY_ENV: &[&str] = access::KEY_ENV;
/// Environment variables that may hold another address of the runtime.
pub(crate) const BASE_ENV: &[&str] = &["AWS_BEDROCK_RUNTIME_ENDPOINT"];

/// Bedrock, bound to a deployment's settings.
pub(crate) struct Bedrock {
    settings: ProviderSettings,
    target: Target,
    region: String,
    /// Requests go to the target whatever region the model names.
    fixed: bool,
    /// `None` when a bearer key stands in the headers.
    signers: Option<Signers>,
}

impl Component for Bedrock {
    type Output = dyn Provider;
    type Config = ProviderSettings;
    const KIND: &'static str = NAME;

    fn build(settings: &ProviderSettings) -> Result<Arc<dyn Provider>> {
        let region = aws::region(settings).unwrap_or_else(|| region::DEFAULT.to_owned());
        let given = settings.base_url.clone();
        let given = given.or_else(|| settings.option("aws_bedrock_runtime_endpoint", BASE_ENV));
        let base = given.clone().unwrap_or_else(|| region::endpoint(&region));
        let mut target = Target::new(&base, settings);
        let _: Uri = target.uri("/model")?;
        let signers = match access::bearer(settings) {
            Some(key) => {
                target.bearer(&key)?;
                None
            }
            None => Some(Signers::new(settings, &region)?),
        };
        Ok(Arc::new(Self { settings: settings.clone(), target, region, fixed: given.is_some(), signers }))
    }
}

impl Bedrock {
    fn request(&self, route: &Route<'_>, method: &str, body: Bytes) -> Result<Request<Bytes>> {
        let path = route.path(method);
        let url = match route.region.filter(|region| !self.fixed && *region != self.region) {
            Some(other) => format!("{}{path}", region::endpoint(other)),
            None => format!("{}{path}", self.target.base()),
        };
        let uri = url.parse().map_err(|_| {
            Error::client(ErrorKind::InvalidRequest, "the model's name cannot stand in a URL")
                .with_param("model")
        })?;
        Ok(self.target.post(&uri, body))
    }

    fn fit(&self, call: &Call<'_>) -> Fit<'_> {
        Fit::new("Bedrock", &self.settings.shaping).dropping(call.drop_params)
    }

    /// The client speaks Converse already. Model and stream, which stand in the path, are no fields here.
    fn pass(&self, call: &Call<'_>, route: &Route<'_>) -> Result<Exchange> {
        let mut edits = Edits::new();
        let (body, envelope, shaping) = (call.body, call.envelope, &self.settings.shaping);
        shape::strip(body, envelope, true, &mut edits);
        let method = if call.operation == Operation::Chat {
            shape::apply(body, envelope, shaping, &mut edits);
            shape::force(shaping, &mut edits);
            if call.stream { "converse-stream" } else { "converse" }
        } else {
            "count-tokens"
        };
        for name in ["model", "stream"] {
            if envelope.find(body, name).is_some() {
                edits.remove(name);
            }
        }
        let request = self.request(route, method, edits.apply(body, envelope))?;
        let reply = Box::new(Passthrough::new(bedrock::ConverseWatch::new(route.model)));
        Ok(Exchange::new(Outgoing::Send(request), reply, call.stream))
    }

    /// The request of a client of another dialect, and what its tools are called here.
    fn read(&self, call: &Call<'_>) -> Result<(ChatRequest, ToolNames)> {
        let shaping = &self.settings.shaping;
        speak::read_fitting(call, &shape::prepared(call, true, shaping), shaping, speak::MOST_OF_A_NAME)
    }

    /// A client of another dialect is answered through Converse: the deployment's defaults are in its words too.
    fn converse(&self, call: &Call<'_>, route: &Route<'_>) -> Result<Exchange> {
        let (request, names) = self.read(call)?;
        let mut fit = self.fit(call);
        let body =
            shape::forced(bedrock::write_request(&request, route.model, &mut fit)?, &self.settings.shaping)?;
        let method = if call.stream { "converse-stream" } else { "converse" };
        let outgoing = Outgoing::Send(self.request(route, method, body)?);
        let (id, model) = (speak::answer_id(call), route.model.to_owned());
        let reader = names.watching(bedrock::StreamReader::new(id.clone(), model.clone()));
        let read = names.reading(move |body: &[u8]| bedrock::read_answer(body, &id, &model));
        let reply = speak::translated(call, request.stream_usage, read, reader);
        Ok(Exchange::new(outgoing, reply, call.stream).with_dropped(fit.into_dropped()))
    }

    /// A client of Anthropic's dialect talks to its models in it.
    fn invoke_pass(&self, call: &Call<'_>, route: &Route<'_>) -> Result<Exchange> {
        let shaping = &self.settings.shaping;
        let body = shape::forced(shape::prepared(call, true, shaping), shaping)?;
        let reply = Box::new(Passthrough::new(anthropic::AnthropicWatch::new()));
        self.invoke(call, route, &body, reply, Vec::new())
    }

    /// A client of another dialect talks to Anthropic's models in theirs, since the model's name asks for it.
    fn invoke_translated(&self, call: &Call<'_>, route: &Route<'_>) -> Result<Exchange> {
        let (request, names) = self.read(call)?;
        let mut fit = self.fit(call);
        let body = shape::forced(
            anthropic::write_request(&request, route.model, &mut fit)?,
            &self.settings.shaping,
        )?;
        let reader = names.watching(anthropic::StreamReader::new());
        let read = names.reading(anthropic::read_answer);
        let reply = speak::translated(call, request.stream_usage, read, reader);
        self.invoke(call, route, &body, reply, fit.into_dropped())
    }

    /// A client talks to another maker's models in that maker's form, since the model's name asks for it.
    fn invoke_native(&self, call: &Call<'_>, route: &Route<'_>, maker: Native) -> Result<Exchange> {
        let shaping = &self.settings.shaping;
        let request = speak::read(call, &shape::prepared(call, true, shaping))?;
        let mut fit = self.fit(call);
        let body = shape::forced(maker.write_request(&request, route.model, &mut fit)?, shaping)?;
        let (id, model) = (speak::answer_id(call), route.model.to_owned());
        let reader = NativeReader::new(maker, id.clone(), model.clone());
        let read = move |body: &[u8]| maker.read_answer(body, &id, &model);
        let reply = speak::translated(call, request.stream_usage, read, reader);
        let method = if call.stream { "invoke-with-response-stream" } else { "invoke" };
        let mut request = self.request(route, method, Bytes::new())?;
        *request.body_mut() = invoke::move_to_headers(body, request.headers_mut())?;
        let reply: Box<dyn Reply> = if call.stream { Box::new(Unwrapped::new(reply)) } else { reply };
        let exchange = Exchange::new(Outgoing::Send(request), reply, call.stream);
        Ok(exchange.with_dropped(fit.into_dropped()))
    }

    fn invoke(
        &self,
        call: &Call<'_>,
        route: &Route<'_>,
        body: &Bytes,
        reply: Box<dyn Reply>,
        mut dropped: Vec<String>,
    ) -> Result<Exchange> {
        let body = invoke::adapt(body, call.headers, call.dialect, &mut dropped)?;
        let method = if call.stream { "invoke-with-response-stream" } else { "invoke" };
        let mut request = self.request(route, method, Bytes::new())?;
        *request.body_mut() = invoke::move_to_headers(body, request.headers_mut())?;
        let reply: Box<dyn Reply> = if call.stream { Box::new(Unwrapped::new(reply)) } else { reply };
        Ok(Exchange::new(Outgoing::Send(request), reply, call.stream).with_dropped(dropped))
    }

    /// Rankings are made by the service for agents, which names models by their ARNs.
    fn rank(&self, call: &Call<'_>, route: &Route<'_>) -> Result<Exchange> {
        let region = route.region.unwrap_or(&self.region);
        let base = if self.fixed { self.target.base().to_owned() } else { region::agents_endpoint(region) };
        let uri = format!("{base}/rerank").parse();
        let uri: Uri = uri.map_err(|_| setting("aws_region_name", "cannot stand in a URL"))?;
        let arn = route.arn(region);
        let mut call = *call;
        call.model = &arn;
        rerank::exchange(&call, &self.settings, &self.target, &uri, RerankForm::Bedrock)
    }

    fn count(&self, call: &Call<'_>, route: &Route<'_>) -> Result<Exchange> {
        let mut dropped = Vec::new();
        let body = if call.dialect == Dialect::Anthropic && Family::of(route.model) == Family::Claude {
            let mut edits = Edits::new();
            shape::strip(call.body, call.envelope, true, &mut edits);
            if call.envelope.find(call.body, "max_tokens").is_none() {
                // What is counted must be a whole request.
                edits.set_raw("max_tokens", "1");
            }
            let body = edits.apply(call.body, call.envelope);
            bedrock::write_invoke_count_request(&invoke::adapt(
                &body,
                call.headers,
                call.dialect,
                &mut dropped,
            )?)
        } else {
            let mut fit = self.fit(call);
            let body = bedrock::write_count_request(&speak::read_count(call)?, route.model, &mut fit)?;
            dropped = fit.into_dropped();
            body
        };
        let dialect = call.dialect;
        let reply = Converted::new(move |body| {
            let tokens = bedrock::read_count(body)?;
            let mut usage = Usage::default();
            usage.input = tokens;
            Ok((speak::write_count(dialect, tokens), Some(usage)))
        });
        let outgoing = Outgoing::Send(self.request(route, "count-tokens", body)?);
        Ok(Exchange::new(outgoing, Box::new(reply), false).with_dropped(dropped))
    }

    fn embed(&self, call: &Call<'_>, route: &Route<'_>) -> Result<Exchange> {
        let shaping = &self.settings.shaping;
        let embedder = Embedder::of(route.model).ok_or_else(|| {
            Error::client(ErrorKind::InvalidRequest, "this model of Bedrock's makes no embeddings")
                .with_param("model")
        })?;
        let request = openai::read_embeddings_request(call.body)?;
        let body =
            shape::forced(embedder.write_request(&request, &shape::prepared(call, true, shaping))?, shaping)?;
        let (name, base64) = (call.model.to_owned(), request.base64);
        let reply = Converted::new(move |body| {
            let (vectors, usage) = bedrock::read_embeddings(body)?;
            let told = usage.unwrap_or_default();
            Ok((openai::write_embeddings(&name, &vectors, base64, &told), usage))
        });
        Ok(Exchange::new(Outgoing::Send(self.request(route, "invoke", body)?), Box::new(reply), false))
    }
}

impl Provider for Bedrock {
    fn name(&self) -> &str {
        NAME
    }

    fn base_url(&self) -> &str {
        self.target.base()
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        let route = Route::of(call.model);
        if let Some(other) = route.region.filter(|region| !self.fixed && *region != self.region)
            && region::position(other).is_none()
        {
            return Err(setting("model", &format!("names the region `{other}`, which is not known here")));
        }
        let invokes = route.invokes_claude();
        let native = Native::of(route.model).filter(|_| route.api == Some(Api::Invoke));
        if let (Some(maker), Operation::Chat | Operation::Completion) = (native, call.operation) {
            return self.invoke_native(call, &route, maker);
        }
        match (call.operation, call.dialect) {
            (Operation::Chat, Dialect::Anthropic) if invokes => self.invoke_pass(call, &route),
            (Operation::Chat | Operation::Completion, _) if invokes && route.api == Some(Api::Invoke) => {
                self.invoke_translated(call, &route)
            }
            (Operation::Chat | Operation::CountTokens, Dialect::BedrockConverse) => self.pass(call, &route),
            (Operation::Chat | Operation::Completion, _) => self.converse(call, &route),
            (Operation::CountTokens, _) => self.count(call, &route),
            (Operation::Embeddings, _) => self.embed(call, &route),
            (Operation::Rerank, _) => self.rank(call, &route),
            (operation, _) => Err(Error::client(
                ErrorKind::InvalidRequest,
                format!("Bedrock has no {operation}; choose a model of another provider"),
            )
            .with_param("model")),
        }
    }

    fn wants_media(&self, call: &Call<'_>) -> bool {
        call.dialect != Dialect::BedrockConverse && may_name_media(call.body)
    }

    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        bedrock::read_error(failed.status, failed.headers, failed.body, NAME)
    }

    fn relay(&self, head: Request<()>) -> Result<Relay> {
        let agents = !self.fixed && region::is_for_agents(head.uri().path());
        let mut head = self.target.relay(head)?;
        if agents {
            let path = head.uri().path_and_query().map_or("/", PathAndQuery::as_str);
            let uri = format!("{}{path}", region::agents_endpoint(&self.region)).parse();
            *head.uri_mut() = uri.map_err(|_| setting("aws_region_name", "cannot stand in a URL"))?;
        }
        Ok(Relay::new(head))
    }

    fn credentials(&self, model: &str) -> Option<&Arc<dyn Credentials>> {
        let signers = self.signers.as_ref()?;
        let region = Route::of(model).region.filter(|_| !self.fixed).unwrap_or(&self.region);
        signers.of(region)
    }
}

#[cfg(test)]
mod tests;
