//! How far a streamed answer has come: what a reply that passes and one that translates have in common.

use llmux_core::{Error, ErrorKind, ReplyReport, Result};

/// Where a stream stands, and what was learnt on the way.
#[derive(Debug, Default)]
pub(crate) struct Course {
    pub(crate) report: ReplyReport,
    /// Something of the answer has gone out, so an error can only follow as a frame.
    pub(crate) started: bool,
    /// Nothing more goes out.
    pub(crate) over: bool,
}

impl Course {
    /// The stream ends in an error.
    pub(crate) fn fail(&mut self, error: &Error) {
        self.over = true;
        self.report.stream_error = Some(error.message().to_owned());
    }

    /// The stream ended without its terminal event. Gives the error to end it with.
    ///
    /// # Errors
    /// When nothing has gone out, so that another deployment can be tried.
    pub(crate) fn cut_short(&mut self) -> Result<Error> {
        self.report.cut_short = true;
        if self.started { Ok(cut_short()) } else { Err(cut_short()) }
    }

    /// Whether the stream ended in an error.
    pub(crate) fn has_failed(&self) -> bool {
        self.report.stream_error.is_some()
    }
}

/// The error for a stream that ended without its terminal event.
#[must_use]
pub(crate) fn cut_short() -> Error {
    Error::upstream(ErrorKind::BadReply, "the provider's stream ended before the answer was complete")
}
