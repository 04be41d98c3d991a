//! The loop: candidates, choice, attempt, and what follows a failure.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use llmux_core::{
    Call, Dialect, Envelope, Error, ErrorKind, Operation, PickContext, ReplyReport, Retry, Strategy,
    Timeouts, Transport,
};
use llmux_wire::{raw::Raw, tap::Tap};

use crate::{
    attempt::attempt,
    deployment::Deployment,
    retry::{Decision, RetryPolicy},
    table::{Group, Listing, Table},
    upload::Upload,
};

/// One request to the router.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Ask<'a> {
    /// What is asked.
    pub operation: Operation,
    /// The wire format of the body, and of the answer.
    pub dialect: Dialect,
    /// The model group, alias or deployment id.
    pub model: &'a str,
    /// The body.
    pub body: &'a Bytes,
    /// Where its top-level fields are.
    pub envelope: &'a Envelope,
    /// The client's headers.
    pub headers: &'a HeaderMap,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// When the request came, in seconds since 1970.
    pub created: u64,
    /// What this request wants otherwise.
    pub overrides: Overrides,
    /// Headers that go to the provider, unless the deployment sets them itself.
    pub forwarded: Option<&'a HeaderMap>,
    /// The form that the client sends; [`body`](Self::body) holds its fields as far as they are known.
    pub upload: Option<&'a Upload>,
}

impl<'a> Ask<'a> {
    /// A request that does not stream and overrides nothing.
    #[must_use]
    pub fn new(
        operation: Operation,
        dialect: Dialect,
        model: &'a str,
        body: &'a Bytes,
        envelope: &'a Envelope,
        headers: &'a HeaderMap,
    ) -> Self {
        let overrides = Overrides::default();
        let (stream, created, forwarded, upload) = (false, 0, None, None);
        Self {
            operation,
            dialect,
            model,
            body,
            envelope,
            headers,
            stream,
            created,
            overrides,
            forwarded,
            upload,
        }
    }

    /// Sets the form that the client sends.
    #[must_use]
    pub fn with_upload(mut self, upload: &'a Upload) -> Self {
        self.upload = Some(upload);
        self
    }

    /// Sets headers that go to the provider, unless the deployment sets them itself.
    #[must_use]
    pub fn with_forwarded(mut self, headers: &'a HeaderMap) -> Self {
        self.forwarded = Some(headers);
        self
    }

    /// Says whether the answer is to be streamed.
    #[must_use]
    pub fn with_stream(mut self, stream: bool) -> Self {
        self.stream = stream;
        self
    }

    /// Says when the request came, in seconds since 1970.
    #[must_use]
    pub fn with_created(mut self, created: u64) -> Self {
        self.created = created;
        self
    }

    /// Sets what this request wants otherwise.
    #[must_use]
    pub fn with_overrides(mut self, overrides: Overrides) -> Self {
        self.overrides = overrides;
        self
    }
}

/// What one request wants otherwise than configured.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Overrides {
    /// Further attempts after the first.
    pub retries: Option<u32>,
    /// Time limits.
    pub timeouts: Timeouts,
    /// Drop what a provider cannot carry instead of refusing the request.
    pub drop_params: bool,
}

/// An answer that has begun.
#[non_exhaustive]
pub struct Answer {
    /// The status, always a success.
    pub status: StatusCode,
    /// The provider's headers.
    pub headers: HeaderMap,
    /// The body, in the client's dialect.
    pub body: AnswerBody,
    /// Who answered.
    pub deployment: Arc<Deployment>,
    /// Attempts that failed before.
    pub retries: u32,
    /// Request fields that were left out because the provider cannot carry them.
    pub dropped: Vec<String>,
}

/// The body of an answer.
pub enum AnswerBody {
    /// All of it, and what was learnt from it.
    Whole(Bytes, Box<ReplyReport>),
    /// A stream; what was learnt is told at its end.
    Stream(Box<Tap>),
    /// Bytes as they come, such as sound; what was learnt is told at their end.
    Bytes(Box<Raw>),
}

/// A request that no deployment answered.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// The last attempt's error, or why there was none.
    pub error: Error,
    /// The deployment that was tried last.
    pub deployment: Option<Arc<Deployment>>,
    /// Attempts beyond the first.
    pub retries: u32,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, deployment: None, retries: 0 }
    }
}

/// An attempt's success.
pub(crate) struct Opened {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: AnswerBody,
    pub(crate) dropped: Vec<String>,
}

/// The engine; see [`RouterBuilder`](crate::RouterBuilder).
pub struct Router {
    pub(crate) table: ArcSwap<Table>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) strategy: Arc<dyn Strategy>,
    pub(crate) retry: RetryPolicy,
    pub(crate) timeouts: Timeouts,
    pub(crate) stream_timeouts: Timeouts,
    pub(crate) max_answer: usize,
}

impl Router {
    /// Finds a deployment that answers.
    ///
    /// # Errors
    /// When the model is unknown, the request is at fault, or every attempt failed.
    pub async fn ask(&self, ask: &Ask<'_>) -> Result<Answer, Refusal> {
        let table = self.table.load();
        let group = Arc::clone(table.resolve(ask.model)?);
        let requested = table.real_name(ask.model).to_owned();
        drop(table);
        let mut tried = Tried::default();
        let mut attempts = 0;
        let mut policy = None;
        loop {
            let deployment = self.pick(&group, &tried)?;
            let error = match self.attempt(&deployment, ask, &requested).await {
                Ok(opened) => return Ok(answer(opened, deployment, attempts)),
                // What has gone out cannot be sent a second time.
                Err(error) if ask.upload.is_some_and(Upload::is_spent) => error.with_retry(Retry::Never),
                Err(error) => error,
            };
            tried.add(&group, &deployment, error.retry());
            let policy = policy.get_or_insert_with(|| self.policy(ask, &deployment));
            let untried = tried.count() < group.deployments.len();
            let decision = policy.decide(&error, attempts, untried, rand::random());
            tracing::debug!(
                deployment = %deployment.id(), attempt = attempts, error = %error, decision = ?decision,
                "attempt failed"
            );
            match decision {
                Decision::Stop => {
                    return Err(Refusal { error, deployment: Some(deployment), retries: attempts });
                }
                Decision::Elsewhere => {}
                Decision::After(pause) => {
                    tokio::time::sleep(pause).await;
                    tried.forget_passing_faults();
                }
            }
            attempts += 1;
        }
    }

    /// The models that clients can ask for, in the order of the configuration.
    #[must_use]
    pub fn models(&self) -> Vec<Listing> {
        self.table.load().listings().to_vec()
    }

    /// Whether a request for this model would find a deployment.
    #[must_use]
    pub fn knows(&self, model: &str) -> bool {
        self.table.load().resolve(model).is_ok()
    }

    /// Every deployment, in no particular order.
    #[must_use]
    pub fn deployments(&self) -> Vec<Arc<Deployment>> {
        self.table.load().deployments().cloned().collect()
    }

    async fn attempt(
        &self,
        deployment: &Deployment,
        ask: &Ask<'_>,
        requested: &str,
    ) -> Result<Opened, Error> {
        let model = deployment.model_for(requested);
        let call = Call::new(ask.operation, ask.dialect, &model, ask.body, ask.envelope, ask.headers)
            .with_stream(ask.stream)
            .with_created(ask.created)
            .with_drop_params(ask.overrides.drop_params)
            .with_form(ask.upload.is_some());
        let timeouts = self.timeouts(ask, deployment);
        attempt(deployment, &call, ask, &*self.transport, timeouts, self.max_answer).await
    }

    /// One of the deployments of the lowest order that have not been tried.
    fn pick(&self, group: &Group, tried: &Tried) -> Result<Arc<Deployment>, Error> {
        let none = || Error::new(ErrorKind::RateLimited, "no deployment of this model is available");
        // Most groups of most installations: nothing to choose, nothing to allocate.
        if let ([only], 0) = (group.deployments.as_slice(), tried.count()) {
            return Ok(Arc::clone(only));
        }
        let left = || group.deployments.iter().enumerate().filter(|(at, _)| !tried.has(*at)).map(|(_, d)| d);
        let order = left().filter_map(|deployment| deployment.settings().order).min();
        let eligible: Vec<_> =
            left().filter(|deployment| order.is_none() || deployment.settings().order == order).collect();
        let candidates: Vec<_> = eligible.iter().map(|deployment| deployment.candidate()).collect();
        let picked = self.strategy.pick(&candidates, &PickContext::new(rand::random()));
        picked.and_then(|at| eligible.get(at)).map(|deployment| Arc::clone(deployment)).ok_or_else(none)
    }

    fn policy(&self, ask: &Ask<'_>, deployment: &Deployment) -> RetryPolicy {
        let retries = ask.overrides.retries.or(deployment.settings().num_retries);
        RetryPolicy { retries: retries.unwrap_or(self.retry.retries), ..self.retry }
    }

    fn timeouts(&self, ask: &Ask<'_>, deployment: &Deployment) -> Timeouts {
        let settings = deployment.settings();
        if ask.stream {
            let own = settings.stream_timeouts.or(settings.timeouts);
            ask.overrides.timeouts.or(own).or(self.stream_timeouts).or(self.timeouts)
        } else {
            ask.overrides.timeouts.or(settings.timeouts).or(self.timeouts)
        }
    }
}

fn answer(opened: Opened, deployment: Arc<Deployment>, retries: u32) -> Answer {
    let Opened { status, headers, body, dropped } = opened;
    Answer { status, headers, body, deployment, retries, dropped }
}

/// Which deployments of a group were tried, by their place in it, and whether trying them again makes sense.
#[derive(Default)]
struct Tried(Vec<(usize, Retry)>);

impl Tried {
    fn add(&mut self, group: &Group, deployment: &Arc<Deployment>, retry: Retry) {
        if let Some(at) = group.deployments.iter().position(|member| Arc::ptr_eq(member, deployment)) {
            self.0.push((at, retry));
        }
    }

    /// After a pause all may be tried again, but for those that would refuse again.
    fn forget_passing_faults(&mut self) {
        self.0.retain(|(_, retry)| *retry != Retry::Anywhere);
    }

    fn has(&self, at: usize) -> bool {
        self.0.iter().any(|(tried, _)| *tried == at)
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}
