//! Which time limits an attempt gets, and that a limit that passes counts as a passing fault.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use llmux_core::{ErrorKind, Result, Timeouts, Transport, TransportReply};
use llmux_testkit::{Answer, ScriptedTransport, answers};

use crate::{
    asking::Request,
    hosts::{member_with, ordered, router},
};

/// Notes the limits that it is given.
#[derive(Clone)]
struct Noting(ScriptedTransport, Arc<Mutex<Vec<Timeouts>>>);

#[async_trait]
impl Transport for Noting {
    async fn send(&self, request: http::Request<Bytes>, timeouts: Timeouts) -> Result<TransportReply> {
        self.1.lock().unwrap().push(timeouts);
        self.0.send(request, timeouts).await
    }
}

fn limits(connect: u64, first_byte: u64, between: u64, total: u64) -> Timeouts {
    let seconds = |n| (n > 0).then(|| Duration::from_secs(n));
    let mut limits = Timeouts::default();
    limits.connect = seconds(connect);
    limits.first_byte = seconds(first_byte);
    limits.between_bytes = seconds(between);
    limits.total = seconds(total);
    limits
}

#[tokio::test]
async fn a_requests_limits_beat_the_deployments_which_beat_the_routers() {
    let noted = Arc::default();
    let scripted = ScriptedTransport::new();
    let build = |own: Timeouts, own_stream: Timeouts| {
        router(Noting(scripted.clone(), Arc::clone(&noted)))
            .timeouts(limits(1, 1, 1, 1), limits(0, 2, 0, 0))
            .deployment(member_with("a", |settings| {
                (settings.timeouts, settings.stream_timeouts) = (own, own_stream);
            }))
            .build()
            .unwrap()
    };
    let none = Timeouts::default();
    for (own, own_stream, asked, whole, streamed) in [
        (none, none, none, limits(1, 1, 1, 1), limits(1, 2, 1, 1)),
        (limits(0, 3, 0, 0), none, none, limits(1, 3, 1, 1), limits(1, 3, 1, 1)),
        (limits(0, 3, 3, 0), limits(0, 4, 0, 0), none, limits(1, 3, 3, 1), limits(1, 4, 3, 1)),
        (limits(3, 3, 3, 3), limits(4, 4, 0, 0), limits(0, 0, 0, 5), limits(3, 3, 3, 5), limits(4, 4, 3, 5)),
    ] {
        let router = build(own, own_stream);
        scripted.script([answers::openai_chat("hello")]);
        Request::openai("m").timeouts(asked).said(&router).await.unwrap();
        scripted.script([answers::openai_stream(&["hello"])]);
        Request::openai("m").timeouts(asked).streamed().said(&router).await.unwrap();
        assert_eq!(noted.lock().unwrap().split_off(0), [whole, streamed]);
    }
}

#[tokio::test]
async fn connecting_is_limited_even_if_nothing_is_configured() {
    let noted = Arc::default();
    let scripted = ScriptedTransport::answering([answers::openai_chat("hello")]);
    let router = router(Noting(scripted, Arc::clone(&noted))).deployment(ordered("a", 1)).build().unwrap();
    Request::openai("m").said(&router).await.unwrap();
    assert_eq!(*noted.lock().unwrap(), [limits(10, 0, 0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_does_not_answer_in_time_gives_way_to_another() {
    let transport = ScriptedTransport::new();
    for stream in [false, true] {
        let answer =
            |stream| if stream { answers::openai_stream(&["hello"]) } else { answers::openai_chat("hello") };
        transport.answer_with(move |sent| match sent.header("host") {
            Some("a") => Answer::never(),
            _ => answer(stream),
        });
        let router = router(transport.clone())
            .timeouts(limits(0, 5, 0, 0), Timeouts::default())
            .deployment(member_with("a", |settings| settings.weight = Some(1.0)))
            .deployment(member_with("b", |settings| settings.weight = Some(0.0)))
            .build()
            .unwrap();
        let request = Request::openai("m");
        let request = if stream { request.streamed() } else { request };
        let said = request.said(&router).await.unwrap();
        assert_eq!((said.by.as_str(), said.text.as_str()), ("b", "hello"));
        let refusal = request.retries(0).refused(&router).await;
        assert_eq!((refusal.error.kind(), refusal.error.status().as_u16()), (ErrorKind::Timeout, 408));
    }
}
