//! A transport without a socket, for tests of what sits above it.

use std::{future, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::Request;
use http_body_util::StreamBody;
use llmux_core::{Error, ErrorKind, Result, Timeouts, Transport, TransportBody, TransportReply};
use tokio::time;

use crate::{
    Answer, Recorded,
    answer::{Ending, Step},
    script::Script,
};

/// Answers by script, with the faults of [`Answer`] as the errors that a real transport makes of them.
///
/// It keeps the timeouts that it is given, so tests with paused time need not wait for them. Clones share
/// script and record.
#[derive(Clone)]
pub struct ScriptedTransport {
    script: Arc<Script>,
}

impl ScriptedTransport {
    /// A transport without a script: it answers 501 until it has one.
    #[must_use]
    pub fn new() -> Self {
        Self { script: Arc::new(Script::new()) }
    }

    /// A transport that gives these answers, see [`script`](Self::script).
    #[must_use]
    pub fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        let transport = Self::new();
        transport.script(answers);
        transport
    }

    /// Gives these answers one after the other to requests of any path; the last one is repeated.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.script.set_any(answers);
    }

    /// As [`script`](Self::script), for requests of one path only (without its query). These come first.
    pub fn script_at(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        self.script.set_at(path, answers);
    }

    /// Lets the test choose each answer; scripts are not looked at any more. The host of the request stands
    /// in its `host` header.
    pub fn answer_with(&self, choose: impl Fn(&Recorded) -> Answer + Send + Sync + 'static) {
        self.script.set_choice(choose);
    }

    /// What was asked so far, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.script.requests()
    }

    /// Waits until `count` requests have been sent and gives all there are.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<Recorded> {
        self.script.wait(&format!("request {count}"), |progress| progress.requests >= count).await;
        self.requests()
    }

    /// Waits until `count` answers have been dropped before their end.
    pub async fn wait_for_disconnects(&self, count: usize) {
        self.script.wait(&format!("disconnect {count}"), |progress| progress.disconnects >= count).await;
    }

    async fn head(&self, answer: &Answer) -> Result<()> {
        for step in &answer.before_head {
            pause(step).await;
        }
        match answer.is_headless().then_some(answer.ending) {
            None => Ok(()),
            Some(Ending::Stall) => future::pending().await,
            Some(_) => Err(broken("the connection closed before an answer")),
        }
    }
}

impl Default for ScriptedTransport {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Transport for ScriptedTransport {
    async fn send(&self, request: Request<Bytes>, timeouts: Timeouts) -> Result<TransportReply> {
        let mut unfinished = Unfinished::new(&self.script);
        let answer = self.script.answer(recorded(request));
        let limit = [timeouts.first_byte, timeouts.total].into_iter().flatten().min();
        let head = within(limit, "first byte", self.head(&answer)).await;
        unfinished.done();
        head??;
        Ok(TransportReply::new(answer.status, answer.framed_headers(), body(answer, timeouts, &self.script)))
    }
}

fn recorded(request: Request<Bytes>) -> Recorded {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    if let Some(host) = head.uri.authority().and_then(|authority| authority.as_str().parse().ok()) {
        head.headers.entry(http::header::HOST).or_insert(host);
    }
    Recorded::new(head.method, path, head.headers, body)
}

fn body(answer: Answer, timeouts: Timeouts, script: &Arc<Script>) -> TransportBody {
    let unfinished = Unfinished::new(script);
    let steps = answer.steps.into_iter();
    let state = (steps, answer.ending, Some(unfinished));
    let frames = stream::unfold(state, move |(mut steps, ending, mut unfinished)| async move {
        unfinished.as_ref()?;
        let piece = within(timeouts.between_bytes, "next byte", piece(&mut steps, ending)).await;
        let piece = piece.and_then(|piece| piece).transpose();
        if !matches!(piece, Some(Ok(_)))
            && let Some(mut unfinished) = unfinished.take()
        {
            unfinished.done();
        }
        Some((piece?.map(http_body::Frame::data), (steps, ending, unfinished)))
    });
    Box::pin(StreamBody::new(frames.boxed()))
}

/// The next piece of the body; `None` at its proper end.
async fn piece(steps: &mut std::vec::IntoIter<Step>, ending: Ending) -> Result<Option<Bytes>> {
    for step in steps.by_ref() {
        match step {
            Step::Send(bytes) if bytes.is_empty() => {}
            Step::Send(bytes) => return Ok(Some(bytes)),
            other => pause(&other).await,
        }
    }
    match ending {
        Ending::Complete => Ok(None),
        Ending::Stall => future::pending().await,
        Ending::Reset | Ending::Close => Err(broken("the connection broke off")),
    }
}

async fn pause(step: &Step) {
    match step {
        Step::Wait(delay) => time::sleep(*delay).await,
        Step::Hold(gate) => gate.passed().await,
        Step::Send(_) => {}
    }
}

async fn within<T>(limit: Option<Duration>, phase: &str, work: impl Future<Output = T>) -> Result<T> {
    let Some(limit) = limit else { return Ok(work.await) };
    let late = |_| Error::upstream(ErrorKind::Timeout, format!("no {phase} within {limit:?}"));
    time::timeout(limit, work).await.map_err(late)
}

fn broken(message: &str) -> Error {
    Error::upstream(ErrorKind::Connection, message)
}

/// Counts an exchange that is dropped before its end.
struct Unfinished(Option<Arc<Script>>);

impl Unfinished {
    fn new(script: &Arc<Script>) -> Self {
        Self(Some(Arc::clone(script)))
    }

    fn done(&mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(script) = &self.0 {
            script.note(|progress| progress.disconnects += 1);
        }
    }
}
