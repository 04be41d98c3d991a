//! Everything that a provider can do wrong before its answer has begun, over real sockets: what it becomes, and
//! whether another deployment takes over. Each fault meets each client dialect, each wire format of providers,
//! and both whole and streamed answers.

use std::time::Duration;

use llmux_core::{ErrorKind, Timeouts};
use llmux_testkit::{Answer, ClosedPort, ScriptedUpstream};

use crate::{
    asking::{DIALECTS, Request},
    hosts::{Host, over_http},
};

/// Largest answer that the routers here take.
const MAX_ANSWER: usize = 256 << 10;

/// What becomes of a fault.
struct Fault {
    name: String,
    answer: Answer,
    kind: ErrorKind,
    status: u16,
    /// Whether another deployment is tried.
    passes_on: bool,
    /// What its message says.
    says: &'static str,
    /// How long its deployment may take to begin, for faults that are nothing else than waiting.
    patience: Option<Duration>,
}

/// One exchange: who asks, who answers, and how.
#[derive(Clone, Debug)]
struct Exchange {
    host: Host,
    request: Request,
    stream: bool,
}

impl Exchange {
    fn all() -> impl Iterator<Item = Self> {
        let pairs = Host::ALL.into_iter().flat_map(|host| DIALECTS.map(|dialect| (host, dialect)));
        pairs.flat_map(|(host, dialect)| {
            let whole = Request::new(dialect, "m");
            let streamed = whole.clone().streamed();
            [(whole, false), (streamed, true)].map(|(request, stream)| Self { host, request, stream })
        })
    }

    /// A proper answer.
    fn good(&self, text: &str) -> Answer {
        if self.stream { self.host.stream(&[text]) } else { self.host.chat(text) }
    }

    /// The fault at the first of two deployments, and what the client gets of it.
    async fn meets(&self, fault: &Fault) {
        let broken = ScriptedUpstream::answering([fault.answer.clone()]).await;
        self.fails_at(&broken.url(), fault).await;
        assert!(!broken.requests().is_empty());
    }

    async fn fails_at(&self, url: &str, fault: &Fault) {
        let place = format!("{} at {self:?}", fault.name);
        let healthy = ScriptedUpstream::answering([self.good("hello")]).await;
        let mut limits = Timeouts::default();
        limits.first_byte = fault.patience;
        let mut first = llmux_router::DeploymentSettings::default();
        (first.weight, first.timeouts) = (Some(1.0), limits);
        let router = over_http()
            .max_answer(MAX_ANSWER)
            .policy(|policy| policy.cooldown.disabled = true)
            .deployment(self.host.deployment("broken", "m", "up", url).with_settings(first))
            .deployment(self.host.deployment("healthy", "m", "up", &healthy.url()))
            .build()
            .unwrap();

        let refusal = self.request.clone().retries(0).refused(&router).await;
        let error = refusal.error;
        assert_eq!((error.kind(), error.status().as_u16()), (fault.kind, fault.status), "{place}: {error}");
        assert!(error.message().contains(fault.says), "{place}: {error}");
        assert!(error.provider().is_some(), "{place} names the provider");
        assert_eq!(refusal.deployment.unwrap().id().as_str(), "broken");
        assert!(!format!("{error:?} {error}").contains("key-of-broken"), "{place}: {error:?}");
        assert!(healthy.requests().is_empty());

        match self.request.said(&router).await {
            Ok(said) => {
                assert!(fault.passes_on, "{place} was tried elsewhere");
                assert_eq!((said.by.as_str(), said.retries, said.text.as_str()), ("healthy", 1, "hello"));
                assert!(said.complete && said.error.is_none(), "{place}: {said:?}");
            }
            Err(refusal) => {
                assert!(!fault.passes_on, "{place} was not tried elsewhere: {}", refusal.error);
                assert!(healthy.requests().is_empty());
            }
        }
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a request in {}", self.dialect)
    }
}

fn fault(name: &str, answer: Answer, kind: ErrorKind, says: &'static str) -> Fault {
    let status = kind.default_status().as_u16();
    Fault { name: name.to_owned(), answer, kind, status, passes_on: true, says, patience: None }
}

#[tokio::test]
async fn error_statuses_keep_status_and_message_and_are_judged_by_them() {
    for exchange in Exchange::all() {
        for (status, kind, passes_on) in [
            (400, ErrorKind::InvalidRequest, false),
            (401, ErrorKind::Authentication, true),
            (403, ErrorKind::PermissionDenied, true),
            (404, ErrorKind::NotFound, true),
            (408, ErrorKind::Timeout, true),
            (413, ErrorKind::PayloadTooLarge, false),
            (429, ErrorKind::RateLimited, true),
            (500, ErrorKind::ProviderFault, true),
            (503, ErrorKind::Unavailable, true),
            (529, ErrorKind::Unavailable, true),
        ] {
            let name = status.to_string();
            let answer = exchange.host.error(status, "what went wrong");
            let says = "what went wrong";
            exchange.meets(&Fault { status, passes_on, ..fault(&name, answer, kind, says) }).await;
        }
    }
}

#[tokio::test]
async fn the_wait_that_a_rate_limit_asks_for_reaches_the_client() {
    for exchange in Exchange::all() {
        let answer = exchange.host.error(429, "slow down").with_header("retry-after", "17");
        let upstream = ScriptedUpstream::answering([answer]).await;
        let deployment = exchange.host.deployment("a", "m", "up", &upstream.url());
        let router = over_http().deployment(deployment).build().unwrap();
        let error = exchange.request.clone().retries(0).refused(&router).await.error;
        assert_eq!(error.retry_after(), Some(Duration::from_secs(17)), "{exchange:?}");
    }
}

#[tokio::test]
async fn an_exchange_that_fails_before_the_answer_is_tried_elsewhere() {
    for exchange in Exchange::all() {
        for fault in [
            fault("reset", Answer::reset(), ErrorKind::Connection, "gave no answer"),
            fault("closed", Answer::close(), ErrorKind::Connection, "gave no answer"),
            fault("no HTTP", Answer::not_http(), ErrorKind::Connection, "no HTTP"),
        ] {
            exchange.meets(&fault).await;
        }
        let silence = fault("silence", Answer::never(), ErrorKind::Timeout, "first-byte timeout");
        exchange.meets(&Fault { patience: Some(Duration::from_millis(50)), ..silence }).await;
        let refused = fault("refused", Answer::empty(), ErrorKind::Connection, "connection refused");
        exchange.fails_at(&ClosedPort::new().url(), &refused).await;
    }
}

#[tokio::test]
async fn what_is_no_answer_is_tried_elsewhere() {
    for exchange in Exchange::all() {
        let page = Answer::html_error(200);
        let stray = Answer::json(serde_json::json!({"unexpected": true}));
        for fault in [
            fault("garbage", Answer::garbage(), ErrorKind::BadReply, ""),
            fault("a web page", page, ErrorKind::BadReply, ""),
            fault("nothing", Answer::empty(), ErrorKind::BadReply, ""),
            fault("another object", stray, ErrorKind::BadReply, ""),
            fault("too much", Answer::oversized(MAX_ANSWER + 1), ErrorKind::BadReply, ""),
            fault("a proxy's page", Answer::html_error(502), ErrorKind::BadReply, "web page: 502"),
        ] {
            exchange.meets(&fault).await;
        }
        if exchange.stream {
            let empty = Answer::sse([""; 0]);
            exchange.meets(&fault("an empty stream", empty, ErrorKind::BadReply, "before the answer")).await;
            let whole = exchange.host.chat("hello");
            exchange.meets(&fault("a whole answer", whole, ErrorKind::BadReply, "did not stream")).await;
        }
    }
}

#[tokio::test]
async fn a_whole_answer_that_breaks_off_is_tried_elsewhere() {
    for exchange in Exchange::all().filter(|exchange| !exchange.stream) {
        for answer in [exchange.good("x").reset_mid_body(30), exchange.good("x").close_mid_body(30)] {
            exchange.meets(&fault("mid-body", answer, ErrorKind::Connection, "broke off")).await;
        }
    }
}

#[tokio::test]
async fn a_whole_answer_that_drips_meets_the_total_limit_only() {
    let drip = |host: Host| host.chat("x").drip(Duration::from_millis(5));
    for exchange in Exchange::all().filter(|exchange| !exchange.stream) {
        let upstream = ScriptedUpstream::answering([drip(exchange.host)]).await;
        let deployment = exchange.host.deployment("a", "m", "up", &upstream.url());
        let router = over_http().deployment(deployment).build().unwrap();
        let mut limits = Timeouts::default();
        (limits.total, limits.between_bytes) =
            (Some(Duration::from_millis(100)), Some(Duration::from_secs(600)));
        let error = exchange.request.clone().timeouts(limits).retries(0).refused(&router).await.error;
        assert!(error.message().starts_with("total timeout"), "{error}");
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }
}

#[tokio::test]
async fn what_is_odd_but_can_be_read_is_an_answer() {
    for exchange in Exchange::all() {
        let good = exchange.good("hello");
        let mislabelled = good.clone().wrong_content_type();
        for answer in [good.clone().gzip(), mislabelled, good.drip(Duration::ZERO)] {
            let upstream = ScriptedUpstream::answering([answer]).await;
            let deployment = exchange.host.deployment("a", "m", "up", &upstream.url());
            let router = over_http().deployment(deployment).build().unwrap();
            let said = exchange.request.said(&router).await.unwrap();
            assert_eq!((said.text.as_str(), said.retries, said.complete), ("hello", 0, true), "{exchange:?}");
            assert!(said.report.usage_reported);
        }
    }
}
