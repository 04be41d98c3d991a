//! What an answer is billed.

use std::{sync::Arc, time::Duration};

use llmux_core::{Bill, ModelFacts, Operation, ReplyReport, RequestContext, Terms};
use llmux_router::Deployment;

/// What is needed to bill an answer, found before it comes.
#[derive(Clone)]
pub(crate) struct Biller {
    cx: RequestContext,
    model: String,
    deployment: Arc<Deployment>,
}

impl Biller {
    /// `model` is the one that the client asked for.
    pub(crate) fn new(cx: &RequestContext, model: &str, deployment: &Arc<Deployment>) -> Self {
        Self { cx: cx.clone(), model: model.to_owned(), deployment: Arc::clone(deployment) }
    }

    pub(crate) fn bill(&self, report: &ReplyReport) -> Option<Bill> {
        bill(&self.cx, &self.model, &self.deployment, report, self.cx.received.elapsed())
    }
}

/// The bill for what a report tells; nothing where no price is known, nothing was reported, or nothing was made.
pub(crate) fn bill(
    cx: &RequestContext,
    model: &str,
    deployment: &Deployment,
    report: &ReplyReport,
    elapsed: Duration,
) -> Option<Bill> {
    let facts = deployment.settings().facts.as_ref()?;
    // The provider's name: where one deployment serves several models it follows from the client's.
    bill_by(cx, facts.as_ref(), Some(&deployment.model_for(model)), report, elapsed)
}

/// The same by what is known of a model that is `asked` for by the provider's name for it.
pub(crate) fn bill_by(
    cx: &RequestContext,
    facts: &dyn ModelFacts,
    asked: Option<&str>,
    report: &ReplyReport,
    elapsed: Duration,
) -> Option<Bill> {
    // A count is free, whatever it counts.
    let reported = report.usage_reported || !report.usage.is_empty();
    if cx.operation == Operation::CountTokens || !reported {
        return None;
    }
    let terms = Terms::new()
        .with_service(report.service)
        .with_elapsed(elapsed)
        .with_models(asked, report.model.as_deref());
    facts.bill(&report.usage, &terms)
}
