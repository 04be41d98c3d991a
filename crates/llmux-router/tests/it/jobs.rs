//! Calls that take several exchanges: in order, within the request's time, and over when the client leaves.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use llmux_core::{
    Call, Error, ErrorKind, Exchange, FailedReply, Provider, Result, Step, StepAnswer, Steps, Timeouts,
};
use llmux_router::Deployment;
use llmux_testkit::{Answer, ScriptedTransport, answers};

use crate::{
    asking::Request,
    hosts::{member, router},
};

/// An ordinary provider whose answer is there after so many looks, each five seconds after the one before.
struct Slow {
    plain: Deployment,
    looks: u32,
}

struct Looks {
    left: u32,
    request: http::Request<Bytes>,
}

impl Steps for Looks {
    fn next(&mut self, answer: &StepAnswer<'_>) -> Result<Step> {
        if answer.body.starts_with(b"{\"failed\"") {
            return Err(Error::upstream(ErrorKind::ProviderFault, "the job has failed"));
        }
        if self.left == 0 {
            return Ok(Step::Done(answer.body.clone()));
        }
        self.left -= 1;
        Ok(Step::ask_after(Duration::from_secs(5), self.request.clone()))
    }
}

impl Provider for Slow {
    fn name(&self) -> &str {
        self.plain.provider().name()
    }

    fn base_url(&self) -> &str {
        self.plain.provider().base_url()
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        let exchange = self.plain.provider().prepare(call)?;
        let request = http::Request::get("http://host/job").body(Bytes::new()).unwrap();
        Ok(exchange.with_steps(Box::new(Looks { left: self.looks, request })))
    }

    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        self.plain.provider().classify(failed)
    }
}

fn slow(transport: &ScriptedTransport, looks: u32) -> llmux_router::Router {
    let provider = Arc::new(Slow { plain: member("a"), looks });
    router(transport.clone()).deployment(Deployment::new("a", "m", "model", provider)).build().unwrap()
}

/// Answers to looks.
fn working(state: &'static str) -> Answer {
    Answer::body(state).with_header("content-type", "application/json")
}

fn total(seconds: u64) -> Timeouts {
    let mut timeouts = Timeouts::default();
    timeouts.total = Some(Duration::from_secs(seconds));
    timeouts
}

#[tokio::test(start_paused = true)]
async fn a_job_is_looked_at_until_it_is_done() {
    let transport =
        ScriptedTransport::answering([working("{}"), working("{}"), answers::openai_chat("hello")]);
    let started = tokio::time::Instant::now();
    let said = Request::openai("m").timeouts(total(60)).said(&slow(&transport, 2)).await.unwrap();
    assert_eq!((said.text.as_str(), said.retries), ("hello", 0));
    assert_eq!(started.elapsed().as_secs(), 10, "two pauses");
    let asked: Vec<_> = transport.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(asked[1..], ["/job", "/job"]);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_takes_longer_than_the_request_may_is_given_up() {
    let transport = ScriptedTransport::answering([working("{}")]);
    let started = tokio::time::Instant::now();
    let request = Request::openai("m").retries(0).timeouts(total(12));
    let refused = request.refused(&slow(&transport, 100)).await;
    assert_eq!((refused.error.kind(), started.elapsed().as_secs()), (ErrorKind::Timeout, 12));
    assert_eq!(transport.requests().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_and_a_look_that_is_refused_are_errors_of_the_attempt() {
    for (second, kind) in [
        (working("{\"failed\":1}"), ErrorKind::ProviderFault),
        (answers::openai_error(429, "rate_limit_exceeded", "slow down"), ErrorKind::RateLimited),
    ] {
        let transport = ScriptedTransport::answering([working("{}"), second]);
        let refused = Request::openai("m").retries(0).refused(&slow(&transport, 5)).await;
        assert_eq!(refused.error.kind(), kind);
        assert_eq!(transport.requests().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_more_is_asked_for_a_client_that_left() {
    let transport = ScriptedTransport::answering([working("{}")]);
    let router = slow(&transport, 100);
    let request = Request::openai("m");
    let asking = tokio::time::timeout(Duration::from_secs(8), request.ask(&router));
    assert!(asking.await.is_err());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(transport.requests().len(), 2);
}
