//! A client that goes away takes its request along: nobody pays for an answer that nobody reads.

use http_body_util::BodyExt;
use llmux_core::Dialect;
use llmux_router::{AnswerBody, Router};
use llmux_testkit::{Answer, Gate, ScriptedUpstream};
use llmux_wire::tap::{Ending, Tap};
use tokio::sync::oneshot;

use crate::{
    asking::{DIALECTS, Request},
    hosts::{Host, over_http},
};

fn pairs() -> impl Iterator<Item = (Host, Dialect)> {
    Host::ALL.into_iter().flat_map(|host| DIALECTS.map(|dialect| (host, dialect)))
}

async fn serving(host: Host, answer: Answer) -> (ScriptedUpstream, Router) {
    let upstream = ScriptedUpstream::answering([answer]).await;
    let router = over_http().deployment(host.deployment("a", "m", "up", &upstream.url())).build().unwrap();
    (upstream, router)
}

async fn open(dialect: Dialect, router: &Router) -> Tap {
    match Request::new(dialect, "m").streamed().ask(router).await.unwrap().body {
        AnswerBody::Stream(tap) => *tap,
        _ => panic!("a stream was asked for"),
    }
}

/// Asks in a task of its own and drops it once the provider has the request.
async fn leave_while_waiting(request: Request, upstream: &ScriptedUpstream, router: Router) {
    let asking = tokio::spawn(async move { request.ask(&router).await.map(drop) });
    upstream.wait_for_requests(1).await;
    asking.abort();
    upstream.wait_for_disconnect().await;
    upstream.wait_for_open_connections(0).await;
    assert_eq!(upstream.requests().len(), 1, "a client that left is not tried again for");
}

#[tokio::test]
async fn leaving_before_the_answer_cancels_it() {
    for (host, dialect) in pairs() {
        for request in [Request::new(dialect, "m"), Request::new(dialect, "m").streamed()] {
            let (upstream, router) = serving(host, Answer::never()).await;
            leave_while_waiting(request, &upstream, router).await;
        }
    }
}

#[tokio::test]
async fn leaving_between_the_head_and_the_first_byte_cancels_it() {
    for (host, dialect) in pairs() {
        let gate = Gate::new();
        let (upstream, router) = serving(host, host.stream(&["x"]).hold_after(0, &gate)).await;
        leave_while_waiting(Request::new(dialect, "m").streamed(), &upstream, router).await;
        let (upstream, router) = serving(host, host.chat("x").hold_after(0, &gate)).await;
        leave_while_waiting(Request::new(dialect, "m"), &upstream, router).await;
    }
}

#[tokio::test]
async fn pain_18_leaving_after_the_first_byte_cancels_it_and_what_was_used_is_told() {
    for (host, dialect) in pairs() {
        let answer = host.stream(&["x", "y"]).stall_after(host.pieces_to_first_word());
        let (upstream, router) = serving(host, answer).await;
        let (tell, told) = oneshot::channel();
        let mut tap = open(dialect, &router).await.on_end(Box::new(move |report, ending| {
            tell.send((report, ending)).unwrap();
        }));
        let first = tap.frame().await.unwrap().unwrap_or_else(|never| match never {});
        assert!(!first.into_data().unwrap().is_empty());
        drop(tap);
        let (report, ending) = told.await.unwrap();
        assert!(matches!(ending, Ending::Dropped));
        assert!(!report.cut_short && report.stream_error.is_none(), "the provider did nothing wrong");
        // Anthropic says at the beginning what was read; OpenAI says it at the end, which never came.
        assert_eq!(report.usage_reported, host == Host::Anthropic);
        upstream.wait_for_disconnect().await;
        upstream.wait_for_open_connections(0).await;
    }
}

#[tokio::test]
async fn leaving_in_the_pause_between_two_attempts_asks_nobody_again() {
    let (upstream, router) =
        serving(Host::OpenAi, Host::OpenAi.error(429, "later").with_header("retry-after", "50")).await;
    let asking = tokio::spawn(async move { Request::openai("m").ask(&router).await.map(drop) });
    upstream.wait_for_requests(1).await;
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    assert_eq!(upstream.requests().len(), 1);
}
