//! Whom a request is charged to, and settling it.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use llmux_core::{
    Bill, Error, ReplyReport, RequestContext,
    tenancy::{SpendEvent, SpendStatus, Timestamp},
};
use llmux_limits::{LimitKind, Pass};
use llmux_router::Deployment;

use tokio::sync::oneshot;

use super::{Caller, Receipt, Tenancy, admit::now};

/// The duty to write down what a request cost, once.
pub(crate) struct Charge {
    tenancy: Arc<Tenancy>,
    caller: Option<Caller>,
    pass: Option<Pass>,
    /// The customer that the request names.
    end_user: Option<String>,
    /// Who waits until it is written down.
    written: Option<oneshot::Sender<()>>,
}

/// How a request ended.
#[derive(Clone, Copy, Default)]
pub(crate) struct End<'a> {
    pub(crate) outcome: &'static str,
    pub(crate) report: Option<&'a ReplyReport>,
    pub(crate) error: Option<&'a Error>,
    pub(crate) bill: Option<&'a Bill>,
    pub(crate) deployment: Option<&'a Deployment>,
}

impl End<'_> {
    fn status(&self) -> (SpendStatus, u16) {
        match (self.outcome, self.error) {
            ("ok", _) => (SpendStatus::Success, 200),
            ("client_closed", _) => (SpendStatus::Aborted, 499),
            (_, Some(error)) => (SpendStatus::Failure, error.status().as_u16()),
            _ => (SpendStatus::Failure, 200),
        }
    }
}

impl Charge {
    /// Of a request that nothing limits.
    pub(super) fn free(tenancy: &Arc<Tenancy>, caller: Option<Caller>) -> Box<Self> {
        Box::new(Self { tenancy: Arc::clone(tenancy), caller, pass: None, end_user: None, written: None })
    }

    /// Whose key the request came with; none for the master key.
    pub(crate) fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// Tells when what the request cost is written down, or that it never will be.
    pub(crate) fn receipt(&mut self) -> Receipt {
        let (written, receipt) = Receipt::pair();
        self.written = Some(written);
        receipt
    }

    /// Holds what was reserved.
    pub(super) fn hold(&mut self, pass: Pass) {
        self.pass = Some(pass);
    }

    /// Says which customer the request names.
    pub(super) fn name_end_user(&mut self, end_user: Option<String>) {
        self.end_user = end_user;
    }

    /// Of a request about something that is kept, which costs nothing and which nothing limits.
    pub(crate) fn of_kept(tenancy: Option<&Arc<Tenancy>>, caller: Option<Caller>) -> Option<Box<Self>> {
        tenancy.map(|tenancy| Self::free(tenancy, caller))
    }

    /// What is left of the limits, under OpenAI's names and LiteLLM's.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        let Some(pass) = &self.pass else { return };
        for (kind, limit, remaining, reset) in OPENAI {
            if let Some(room) = pass.tightest(kind) {
                headers.insert(HeaderName::from_static(limit), room.limit.into());
                headers.insert(HeaderName::from_static(remaining), room.remaining.into());
                if let Ok(seconds) = HeaderValue::from_str(&format!("{}s", room.resets_in)) {
                    headers.insert(HeaderName::from_static(reset), seconds);
                }
            }
        }
        for (scope, kind, room) in pass.rooms() {
            let (scope, kind) = (scope.kind.as_str(), kind.as_str());
            for (what, count) in [("limit", room.limit), ("remaining", room.remaining)] {
                if let Ok(name) = format!("x-ratelimit-{scope}-{what}-{kind}").parse::<HeaderName>() {
                    headers.insert(name, count.into());
                }
            }
        }
    }

    /// Settles the reservation and writes the event.
    pub(crate) fn close(mut self, cx: &RequestContext, model: &str, end: End<'_>) {
        let usage = end.report.map(|report| report.usage).unwrap_or_default();
        let cost = end.bill.map(|bill| bill.total).unwrap_or_default();
        if let Some(pass) = self.pass.take()
            && end.report.is_some()
        {
            for soft in pass.settle(usage.total(), cost, now()) {
                tracing::warn!(scope = %soft.scope, amount = %soft.amount, "a soft budget was reached");
            }
        }
        let elapsed = u64::try_from(cx.received.elapsed().as_millis()).unwrap_or(u64::MAX);
        let began = Timestamp::now().plus(i64::try_from(elapsed).unwrap_or(0).saturating_neg());
        let mut event = SpendEvent::new(cx.id.as_str(), began, cx.operation);
        (event.status, event.http_status) = end.status();
        (event.duration_ms, event.usage, event.cost) = (elapsed, usage, cost);
        event.model_group = plain(model);
        if let Some(deployment) = end.deployment {
            event.model = plain(&deployment.model_for(model));
            deployment.id().as_str().clone_into(&mut event.deployment);
            deployment.provider().name().clone_into(&mut event.provider);
        }
        event.end_user = self.end_user.take().map(|named| plain(&named));
        if let Some(caller) = &self.caller {
            attribute(&mut event, caller);
        }
        self.tenancy.record(event, self.written.take());
    }
}

/// Characters that are kept of what a client calls things.
const LONGEST: usize = 256;

/// A client's text as a database can keep and find it: not too long, and of visible characters.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect()
}

/// Says whom an event is billed to.
fn attribute(event: &mut SpendEvent, caller: &Caller) {
    let identity = &caller.identity;
    let key = &identity.key;
    event.key = Some(key.hash);
    event.user.clone_from(&key.user_id);
    event.team.clone_from(&key.team_id);
    event.organization = identity.organization.as_ref().map(|of| of.organization_id.clone());
    event.tags = identity.tags().map(str::to_owned).collect();
}

/// OpenAI's headers: limit, what is left, and when all of it is there again.
const OPENAI: [(LimitKind, &str, &str, &str); 2] = [
    (
        LimitKind::Requests,
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    ),
    (
        LimitKind::Tokens,
        "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-tokens",
    ),
];
