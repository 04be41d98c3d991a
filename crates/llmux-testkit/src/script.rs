//! Which answer the next request gets, and what was asked so far.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use tokio::{sync::watch, time};

use crate::Answer;

/// How long a test waits for something that must happen, before it fails. Never reached when all is well.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request as a scripted provider saw it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recorded {
    /// The method.
    pub method: Method,
    /// The path and the query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Recorded {
    pub(crate) fn new(method: Method, path: String, headers: HeaderMap, body: Bytes) -> Self {
        Self { method, path, headers, body }
    }

    /// The body as JSON; panics when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{} {}: the body is no JSON: {error}", self.method, self.path))
    }

    /// A header's value as text, `None` when it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("the header is text"))
    }
}

type Choose = Arc<dyn Fn(&Recorded) -> Answer + Send + Sync>;

#[derive(Default)]
struct Queues {
    choose: Option<Choose>,
    by_path: HashMap<String, VecDeque<Answer>>,
    any: VecDeque<Answer>,
}

/// What happened so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) requests: usize,
    pub(crate) disconnects: usize,
    pub(crate) open: usize,
    pub(crate) accepted: usize,
}

/// The script of a provider and the record of its requests.
pub(crate) struct Script {
    queues: Mutex<Queues>,
    requests: Mutex<Vec<Recorded>>,
    progress: watch::Sender<Progress>,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self {
            queues: Mutex::default(),
            requests: Mutex::default(),
            progress: watch::Sender::new(Progress::default()),
        }
    }

    pub(crate) fn set_any(&self, answers: impl IntoIterator<Item = Answer>) {
        self.with_queues(|queues| queues.any = answers.into_iter().collect());
    }

    pub(crate) fn set_at(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        let answers = answers.into_iter().collect();
        self.with_queues(|queues| queues.by_path.insert(path.to_owned(), answers));
    }

    pub(crate) fn set_choice(&self, choose: impl Fn(&Recorded) -> Answer + Send + Sync + 'static) {
        self.with_queues(|queues| queues.choose = Some(Arc::new(choose)));
    }

    /// Records the request and gives its answer.
    pub(crate) fn answer(&self, recorded: Recorded) -> Answer {
        let choose = self.with_queues(|queues| queues.choose.clone());
        let answer = match choose {
            Some(choose) => choose(&recorded),
            None => self.next(&recorded),
        };
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(recorded);
        self.note(|progress| progress.requests += 1);
        answer
    }

    fn next(&self, recorded: &Recorded) -> Answer {
        let path = recorded.path.split('?').next().unwrap_or_default();
        self.with_queues(|queues| {
            let queue = queues.by_path.get_mut(path).unwrap_or(&mut queues.any);
            let last = queue.len() == 1;
            let answer = if last { queue.front().cloned() } else { queue.pop_front() };
            answer.unwrap_or_else(|| {
                let text = format!("the test has no answer scripted for {} {path}", recorded.method);
                Answer::status(StatusCode::NOT_IMPLEMENTED).with_text(text)
            })
        })
    }

    fn with_queues<T>(&self, change: impl FnOnce(&mut Queues) -> T) -> T {
        change(&mut self.queues.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn note(&self, change: impl FnOnce(&mut Progress)) {
        self.progress.send_modify(change);
    }

    pub(crate) fn progress(&self) -> Progress {
        *self.progress.borrow()
    }

    /// Waits until `reached` holds; `what` is said when it never does.
    pub(crate) async fn wait(&self, what: &dyn fmt::Display, reached: impl Fn(&Progress) -> bool) {
        let mut progress = self.progress.subscribe();
        let waited = time::timeout(PATIENCE, progress.wait_for(|progress| reached(progress))).await;
        if waited.is_err() {
            panic!("{what} did not happen; so far: {:?}", self.progress());
        }
    }
}
