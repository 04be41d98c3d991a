//! `settle` and `report`: exactly once for each request, whatever happened to it.

use llmux_core::{Error, ReplyReport, RequestContext};
use llmux_wire::tap::Ending;

/// Owns the duty to account for one request. Dropping it unfulfilled means that the client went away.
pub(crate) struct Settle {
    cx: RequestContext,
    model: String,
    open: bool,
}

impl Settle {
    pub(crate) fn new(cx: &RequestContext, model: &str) -> Self {
        Self { cx: cx.clone(), model: model.to_owned(), open: true }
    }

    /// A whole answer went out.
    pub(crate) fn complete(mut self, report: &ReplyReport) {
        self.report("ok", Some(report), None);
    }

    /// A stream is over.
    pub(crate) fn ended(mut self, report: &ReplyReport, ending: &Ending) {
        match ending {
            Ending::Broken(error) => self.report("broken", Some(report), Some(error)),
            Ending::Dropped => self.report("client_closed", Some(report), None),
            _ if report.cut_short => self.report("cut_short", Some(report), None),
            _ if report.stream_error.is_some() => self.report("stream_error", Some(report), None),
            _ => self.report("ok", Some(report), None),
        }
    }

    /// No deployment answered.
    pub(crate) fn refused(mut self, error: &Error) {
        self.report("refused", None, Some(error));
    }

    fn report(&mut self, outcome: &'static str, report: Option<&ReplyReport>, error: Option<&Error>) {
        self.open = false;
        // Successful requests cost no log line unless somebody asks for them.
        if outcome == "ok" && !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let usage = report.map(|report| report.usage).unwrap_or_default();
        let milliseconds = self.cx.received.elapsed().as_millis();
        let error = error.map(tracing::field::display);
        let (id, operation, dialect) = (&self.cx.id, self.cx.operation, self.cx.dialect);
        let (input, output) = (usage.prompt_total(), usage.completion_total());
        let model = self.model.as_str();
        if outcome == "ok" {
            tracing::debug!(
                request_id = %id, %operation, %dialect, model, outcome, milliseconds, input, output,
                "request answered"
            );
        } else {
            tracing::info!(
                request_id = %id, %operation, %dialect, model, outcome, milliseconds, input, output, error,
                "request not completed"
            );
        }
    }
}

impl Drop for Settle {
    fn drop(&mut self) {
        if self.open {
            self.report("client_closed", None, None);
        }
    }
}
