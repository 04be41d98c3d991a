//! Calls that take several exchanges: what follows the first answer, within the request's time.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, uri::Authority};
use llmux_core::{Error, ErrorKind, Result, Step, StepAnswer, Steps, TransportReply};
use tokio::time::Instant;

use crate::attempt::{Line, collect};

/// How a call of several exchanges ends.
pub(crate) enum Outcome {
    /// With the whole of what its reply reads.
    Whole(StatusCode, HeaderMap, Bytes),
    /// With an answer that its reply reads.
    Answer(TransportReply),
}

/// Asks one thing after the other, from the answer to the first request on. `home` is where that went: only there
/// requests are signed.
///
/// # Errors
/// When an exchange or the job fails, or the time is over.
pub(crate) async fn walk(
    line: &Line<'_>,
    home: Option<&Authority>,
    mut steps: Box<dyn Steps>,
    first: TransportReply,
    started: Instant,
    max_answer: usize,
) -> Result<Outcome> {
    let TransportReply { mut status, mut headers, body, .. } = first;
    let mut body = collect(body, max_answer, false).await?;
    loop {
        let next = steps.next(&StepAnswer::new(status, &headers, &body))?;
        let (request, after, form, last) = match next {
            Step::Done(bytes) => return Ok(Outcome::Whole(status, headers, bytes)),
            Step::Last(request) => (request, Duration::ZERO, None, true),
            Step::Ask(asking) => (asking.request, asking.after, asking.form, false),
            _ => return Err(Error::new(ErrorKind::Internal, "an unknown step of a call")),
        };
        let mut timeouts = line.timeouts;
        if let Some(total) = timeouts.total {
            let left = total.saturating_sub(started.elapsed());
            if left <= after {
                tokio::time::sleep(left).await;
                return Err(timed_out());
            }
            timeouts.total = Some(left.saturating_sub(after));
        }
        if !after.is_zero() {
            tokio::time::sleep(after).await;
        }
        let signed = request.uri().authority() == home;
        let answer = line.send(request, Vec::new(), form, timeouts, signed).await?;
        if !answer.status.is_success() {
            return Err(line.refusal(answer).await.0);
        }
        if last {
            return Ok(Outcome::Answer(answer));
        }
        (status, headers) = (answer.status, answer.headers);
        body = collect(answer.body, max_answer, false).await?;
    }
}

fn timed_out() -> Error {
    Error::upstream(ErrorKind::Timeout, "timed out: the provider's job was not done in time")
}
