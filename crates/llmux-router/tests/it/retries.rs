//! What follows a failed attempt. Time is paused: pauses pass at once and can be measured exactly.

use std::time::Duration;

use llmux_core::ErrorKind;
use llmux_router::{RetryPolicy, Router};
use llmux_testkit::{Answer, ScriptedTransport, answers};
use tokio::time::Instant;

use crate::{
    asking::Request,
    hosts::{asked, member, member_with, ordered, router},
};

fn fails(status: u16) -> Answer {
    answers::openai_error(status, "some_error", &format!("failed with {status}"))
}

fn works() -> Answer {
    answers::openai_chat("hello")
}

/// A router of one deployment that gives these answers.
fn alone(answers: impl IntoIterator<Item = Answer>) -> (Router, ScriptedTransport) {
    let transport = ScriptedTransport::answering(answers);
    (router(transport.clone()).deployment(member("a")).build().unwrap(), transport)
}

/// A router that asks `a`, then `b`, which always answer with these statuses; 200 is a proper answer.
fn pair(a: u16, b: u16) -> (Router, ScriptedTransport) {
    let transport = ScriptedTransport::new();
    transport.answer_with(move |sent| match if sent.header("host") == Some("a") { a } else { b } {
        200 => works(),
        status => fails(status),
    });
    let router = router(transport.clone()).deployment(ordered("a", 1)).deployment(ordered("b", 2));
    (router.build().unwrap(), transport)
}

async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let started = Instant::now();
    (work.await, started.elapsed())
}

#[tokio::test(start_paused = true)]
async fn passing_faults_are_tried_on_another_deployment_at_once() {
    for status in [408, 409, 429, 500, 502, 503, 504, 529] {
        let (router, transport) = pair(status, 200);
        let (said, took) = timed(Request::openai("m").said(&router)).await;
        let said = said.unwrap();
        assert_eq!((said.by.as_str(), said.retries, took), ("b", 1, Duration::ZERO), "{status}");
        assert_eq!(asked(&transport), ["a", "b"], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clients_mistake_is_told_at_once_and_tried_nowhere_else() {
    for status in [400, 413, 422] {
        let (router, transport) = pair(status, 200);
        let refusal = Request::openai("m").refused(&router).await;
        assert_eq!(refusal.error.status().as_u16(), status);
        assert_eq!(refusal.error.message(), format!("failed with {status}"));
        assert_eq!(refusal.deployment.unwrap().id().as_str(), "a");
        assert_eq!((refusal.retries, asked(&transport)), (0, vec!["a".to_owned()]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_the_account_is_tried_elsewhere_but_never_on_the_same_deployment() {
    for status in [401, 402, 403, 404] {
        let (router, _) = pair(status, 200);
        assert_eq!(Request::openai("m").said(&router).await.unwrap().by, "b", "{status}");
        let (router, transport) = alone([fails(status), works()]);
        let (refusal, took) = timed(Request::openai("m").refused(&router)).await;
        assert_eq!((refusal.error.status().as_u16(), took), (status, Duration::ZERO));
        assert_eq!(transport.requests().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_refused_is_left_alone_after_a_pause_as_well() {
    let (router, transport) = pair(401, 503);
    let refusal = Request::openai("m").retries(3).refused(&router).await;
    assert_eq!(asked(&transport), ["a", "b", "b", "b"]);
    assert_eq!((refusal.error.kind(), refusal.retries), (ErrorKind::Unavailable, 3));
}

#[tokio::test(start_paused = true)]
async fn the_same_deployment_is_tried_again_after_a_growing_pause() {
    let (router, transport) = alone([fails(503), fails(503), works()]);
    let (said, took) = timed(Request::openai("m").said(&router)).await;
    assert_eq!((said.unwrap().retries, transport.requests().len()), (2, 3));
    // Between a quarter and all of half a second and of a second.
    let (least, most) = (Duration::from_millis(375), Duration::from_millis(1_502));
    assert!((least..=most).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_asks_for_a_wait_gets_it() {
    for (header, value, wait) in [("retry-after", "7", 7_000), ("retry-after-ms", "250", 250)] {
        let (router, _) = alone([fails(429).with_header(header, value), works()]);
        let (said, took) = timed(Request::openai("m").said(&router)).await;
        assert_eq!(said.unwrap().retries, 1);
        let wait = Duration::from_millis(wait);
        assert!((wait..=wait + wait / 4 + Duration::from_millis(1)).contains(&took), "{value}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_longer_than_the_limit_is_the_clients_to_decide() {
    let (router, transport) = alone([fails(429).with_header("retry-after", "600"), works()]);
    let (refusal, took) = timed(Request::openai("m").refused(&router)).await;
    assert_eq!((refusal.error.kind(), took), (ErrorKind::RateLimited, Duration::ZERO));
    assert_eq!(refusal.error.retry_after(), Some(Duration::from_secs(600)));
    assert_eq!(transport.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_attempts_is_the_requests_else_the_first_deployments_else_the_routers() {
    let transport = ScriptedTransport::answering([fails(500)]);
    let mut policy = RetryPolicy::default();
    policy.retries = 4;
    let tries = |id, weight, retries| {
        member_with(id, |settings| (settings.weight, settings.num_retries) = (Some(weight), retries))
    };
    let build = |first, second| {
        let router = router(transport.clone()).retry(policy.clone());
        router.deployment(tries("a", 1.0, first)).deployment(tries("b", 0.0, second)).build().unwrap()
    };
    for (router, request, attempts) in [
        (build(None, None), Request::openai("m"), 5),
        (build(Some(1), Some(9)), Request::openai("m"), 2),
        (build(Some(0), None), Request::openai("m"), 1),
        (build(Some(1), None), Request::openai("m").retries(2), 3),
        (build(Some(1), None), Request::openai("m").retries(0), 1),
    ] {
        let before = transport.requests().len();
        let refusal = request.refused(&router).await;
        assert_eq!(transport.requests().len() - before, attempts);
        assert_eq!(refusal.retries as usize, attempts - 1);
    }
}

#[tokio::test(start_paused = true)]
async fn every_deployment_has_its_turn_before_one_is_asked_again() {
    let transport = ScriptedTransport::answering([fails(500)]);
    let mut router = router(transport.clone());
    for id in ["a", "b", "c"] {
        router = router.deployment(member(id));
    }
    Request::openai("m").retries(5).refused(&router.build().unwrap()).await;
    for round in asked(&transport).chunks(3) {
        let mut hosts = round.to_vec();
        hosts.sort();
        assert_eq!(hosts, ["a", "b", "c"]);
    }
}
