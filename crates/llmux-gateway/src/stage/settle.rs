//! `settle` and `report`: exactly once for each request, whatever happened to it.

use std::{sync::Arc, time::Duration};

use http::HeaderMap;
use llmux_core::{Bill, Error, ReplyReport, RequestContext};
use llmux_router::Deployment;
use llmux_wire::tap::Ending;

use crate::{
    bill::{self, Biller},
    tenancy::{Charge, End, Receipt},
};

/// Owns the duty to account for one request. Dropping it unfulfilled means that the client went away.
pub(crate) struct Settle {
    cx: RequestContext,
    model: String,
    open: bool,
    /// Whom it is charged to, where somebody keeps account.
    charge: Option<Box<Charge>>,
}

impl Settle {
    pub(crate) fn new(cx: &RequestContext, model: &str, charge: Option<Box<Charge>>) -> Self {
        Self { cx: cx.clone(), model: model.to_owned(), open: true, charge }
    }

    /// Tells when what the request cost is written down, where that is done at all.
    pub(crate) fn receipt(&mut self) -> Option<Receipt> {
        self.charge.as_mut().map(|charge| charge.receipt())
    }

    /// Tells the client what is left of its limits.
    pub(crate) fn tell_limits(&self, headers: &mut HeaderMap) {
        if let Some(charge) = &self.charge {
            charge.tell(headers);
        }
    }

    /// What bills the stream that this deployment answers with, while it passes.
    pub(crate) fn biller(&self, deployment: &Arc<Deployment>) -> Biller {
        Biller::new(&self.cx, &self.model, deployment)
    }

    /// A whole answer went out after this time. Gives its bill, if a price is known.
    pub(crate) fn complete(
        mut self,
        report: &ReplyReport,
        elapsed: Duration,
        deployment: &Deployment,
    ) -> Option<Bill> {
        let bill = bill::bill(&self.cx, &self.model, deployment, report, elapsed);
        let bill_of = bill.as_ref();
        let deployment = Some(deployment);
        self.report(End { outcome: "ok", report: Some(report), bill: bill_of, deployment, error: None });
        bill
    }

    /// A stream is over.
    pub(crate) fn ended(mut self, report: &ReplyReport, ending: &Ending, deployment: &Deployment) {
        // Also what broke off or was left is billed, as far as it went.
        let bill = bill::bill(&self.cx, &self.model, deployment, report, self.cx.received.elapsed());
        self.over(report, ending, bill.as_ref(), Some(deployment));
    }

    /// An answer that passed untouched is over. It is of no deployment, so somebody else knows its price.
    pub(crate) fn passed(
        mut self,
        report: &ReplyReport,
        ending: &Ending,
        price: impl FnOnce(&RequestContext) -> Option<Bill>,
    ) {
        let bill = price(&self.cx);
        self.over(report, ending, bill.as_ref(), None);
    }

    fn over(
        &mut self,
        report: &ReplyReport,
        ending: &Ending,
        bill: Option<&Bill>,
        deployment: Option<&Deployment>,
    ) {
        let (outcome, error) = match ending {
            Ending::Broken(error) => ("broken", Some(error)),
            Ending::Dropped => ("client_closed", None),
            _ if report.cut_short => ("cut_short", None),
            _ if report.stream_error.is_some() => ("stream_error", None),
            _ => ("ok", None),
        };
        self.report(End { outcome, report: Some(report), error, bill, deployment });
    }

    /// No deployment answered.
    pub(crate) fn refused(mut self, error: &Error) {
        self.report(End { outcome: "refused", error: Some(error), ..End::default() });
    }

    fn report(&mut self, end: End<'_>) {
        self.open = false;
        if let Some(charge) = self.charge.take() {
            charge.close(&self.cx, &self.model, end);
        }
        let End { outcome, report, error, bill, .. } = end;
        // Successful requests cost no log line unless somebody asks for them.
        if outcome == "ok" && !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let usage = report.map(|report| report.usage).unwrap_or_default();
        let milliseconds = self.cx.received.elapsed().as_millis();
        let error = error.map(tracing::field::display);
        let cost = bill.map(|bill| tracing::field::display(bill.total));
        let (id, operation, dialect) = (&self.cx.id, self.cx.operation, self.cx.dialect);
        let (input, output) = (usage.prompt_total(), usage.completion_total());
        let model = self.model.as_str();
        if outcome == "ok" {
            tracing::debug!(
                request_id = %id, %operation, %dialect, model, outcome, milliseconds, input, output, cost,
                "request answered"
            );
        } else {
            tracing::info!(
                request_id = %id, %operation, %dialect, model, outcome, milliseconds, input, output, cost, error,
                "request not completed"
            );
        }
    }
}

impl Drop for Settle {
    fn drop(&mut self) {
        if self.open {
            self.report(End { outcome: "client_closed", ..End::default() });
        }
    }
}
