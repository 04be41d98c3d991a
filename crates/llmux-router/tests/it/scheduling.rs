//! Requests with a priority, limits for prompts and answers apart, time limits by class of service, and what single
//! models remember.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::join_all;
use llmux_core::{Error, ErrorKind, LimitUse, Timeouts, Transport, TransportReply};
use llmux_router::{Remembered, Router, TierTimeouts};
use llmux_testkit::{ScriptedTransport, answers};
use serde_json::json;
use tokio::time::{Instant, advance};

use crate::{
    asking::Request,
    hosts::{member, member_with, router, statuses, tally},
};

fn urgent(priority: u8) -> Request {
    Request::openai("m").directed(|directions| directions.priority = Some(priority))
}

/// The order in which requests of these priorities are served that come one after the other.
async fn order(router: &Router, priorities: &[u8]) -> Vec<u8> {
    let served = Mutex::new(Vec::new());
    let serve = async |priority: u8| {
        urgent(priority).said(router).await.unwrap();
        served.lock().unwrap().push(priority);
    };
    join_all(priorities.iter().map(|priority| serve(*priority))).await;
    served.into_inner().unwrap()
}

#[tokio::test(start_paused = true)]
async fn of_those_that_wait_for_a_full_deployment_the_lowest_number_goes_first() {
    let transport = ScriptedTransport::new();
    transport.answer_with(|_| answers::openai_chat("hello").with_head_delay(Duration::from_millis(10)));
    let one = member_with("a", |settings| settings.max_parallel_requests = Some(1));
    let router = router(transport).deployment(one).build().unwrap();
    assert_eq!(order(&router, &[9, 200, 3, 3, 0]).await, [9, 0, 3, 3, 200], "the first one found it free");
    assert_eq!(router.status()[0].in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn with_a_priority_a_request_waits_for_the_end_of_a_cooldown_where_others_are_refused() {
    let (transport, refusals) = (ScriptedTransport::new(), AtomicUsize::new(2));
    transport.answer_with(move |_| {
        let one_less = |left: usize| left.checked_sub(1);
        match refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) {
            Ok(_) => answers::openai_error(429, "x", "no"),
            Err(_) => answers::openai_chat("hello"),
        }
    });
    let members = [member("a"), member("b")].into_iter();
    let router = members.fold(router(transport.clone()), llmux_router::RouterBuilder::deployment);
    let router = router.policy(|policy| policy.retry.retries = 0).build().unwrap();
    for _ in 0..2 {
        Request::openai("m").refused(&router).await;
    }
    let error = Request::openai("m").refused(&router).await.error;
    assert_eq!(error.kind(), ErrorKind::CoolingDown);
    let started = Instant::now();
    assert_eq!(order(&router, &[7, 1]).await, [1, 7]);
    assert!((5_000..5_100).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_is_told_so_and_a_default_priority_is_everybodys() {
    let transport = statuses([("a", 401)]);
    let router = router(transport).deployment(member("a")).policy(|policy| {
        policy.retry.retries = 0;
        policy.cooldown.time = Duration::from_secs(100);
        policy.default_priority = Some(5);
    });
    let router = router.build().unwrap();
    assert_eq!(Request::openai("m").refused(&router).await.error.status().as_u16(), 401);
    let mut patience = Timeouts::default();
    patience.total = Some(Duration::from_secs(2));
    let started = Instant::now();
    let late = Request::openai("m").timeouts(patience).refused(&router).await.error;
    assert_eq!((late.kind(), late.status().as_u16()), (ErrorKind::Timeout, 408));
    assert!((2_000..2_050).contains(&started.elapsed().as_millis()));
}

#[tokio::test(start_paused = true)]
async fn prompts_and_answers_have_limits_of_their_own_that_are_set_right_afterwards() {
    let transport = ScriptedTransport::new();
    transport.answer_with(|_| answers::openai_chat("hello").with_head_delay(Duration::from_millis(10)));
    // Each request reserves 50 tokens for its answer, and uses fewer.
    let limited = member_with("a", |settings| settings.otpm = Some(120));
    let router = router(transport.clone()).deployment(limited).policy(|policy| {
        policy.limits = LimitUse::Enforce;
        policy.retry.retries = 0;
    });
    let router = router.build().unwrap();
    let many = |count: usize| {
        let router = &router;
        async move {
            let asking = (0..count).map(|_| async { Request::openai("m").said(router).await.is_ok() });
            join_all(asking).await.into_iter().filter(|ok| *ok).count()
        }
    };
    assert_eq!(many(10).await, 2, "two reservations fit at once");
    assert_eq!(many(1).await, 1, "what was not used is free again");
    let refused = loop {
        if let Err(refusal) = Request::openai("m").said(&router).await {
            break refusal.error;
        }
    };
    assert_eq!(refused.status().as_u16(), 429);
    assert!(refused.message().contains("otpm"), "{refused}");
    advance(Duration::from_secs(60)).await;
    assert_eq!(many(1).await, 1);

    let failing = statuses([("a", 500)]);
    let limited = member_with("a", |settings| settings.itpm = Some(25));
    let router = crate::hosts::router(failing).deployment(limited).policy(|policy| {
        policy.limits = LimitUse::Enforce;
        policy.retry.retries = 0;
        policy.cooldown.disabled = true;
    });
    let router = router.build().unwrap();
    for _ in 0..10 {
        let error = Request::openai("m").refused(&router).await.error;
        assert_eq!(error.status().as_u16(), 500, "a failure gives back what it reserved: {error}");
    }
    let long =
        Request::openai("m").field("messages", json!([{"role": "user", "content": "word ".repeat(100)}]));
    assert_eq!(long.refused(&router).await.error.status().as_u16(), 429);
}

/// A transport that sends nothing, and notes how long it might take.
struct Limits(Arc<Mutex<Option<Duration>>>);

#[async_trait]
impl Transport for Limits {
    async fn send(&self, _: http::Request<Bytes>, timeouts: Timeouts) -> Result<TransportReply, Error> {
        *self.0.lock().unwrap() = timeouts.total;
        Err(Error::upstream(ErrorKind::Connection, "nobody is there"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_class_of_service_has_time_limits_of_its_own() {
    let seen = Arc::new(Mutex::new(None));
    let mut tiers = TierTimeouts::default();
    tiers.whole.insert("flex".to_owned(), Duration::from_secs(900));
    tiers.stream.insert("flex".to_owned(), Duration::from_secs(300));
    let slow = member_with("a", |settings| {
        settings.timeouts.total = Some(Duration::from_secs(60));
        settings.tier_timeouts = Some(Box::new(tiers));
    });
    let router = router(Limits(Arc::clone(&seen))).deployment(slow).policy(|policy| policy.retry.retries = 0);
    let router = router.build().unwrap();
    let mut own = Timeouts::default();
    own.total = Some(Duration::from_secs(7));
    let flex = || Request::openai("m").field("service_tier", json!("flex"));
    for (request, seconds) in [
        (Request::openai("m"), 60),
        (Request::openai("m").field("service_tier", json!("auto")), 60),
        (flex(), 900),
        (flex().streamed(), 300),
        (flex().timeouts(own), 7),
    ] {
        _ = request.ask(&router).await;
        assert_eq!(*seen.lock().unwrap(), Some(Duration::from_secs(seconds)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_single_model_remembers_what_it_is_told_to() {
    let transport = statuses([]);
    let members = ["a", "b", "c", "d"].into_iter().map(member);
    let router = members.fold(router(transport.clone()), llmux_router::RouterBuilder::deployment);
    let mut remembered = Remembered::default();
    remembered.caller = true;
    let router = router.policy(|policy| _ = policy.affinity.by_group.insert("m".to_owned(), remembered));
    let router = router.build().unwrap();
    let request = Request::openai("m").directed(|directions| directions.caller = Some(7));
    for _ in 0..20 {
        request.said(&router).await.unwrap();
    }
    assert_eq!(tally(&transport).len(), 1, "all of one caller's requests go to one deployment");
}

#[test]
fn what_contradicts_itself_is_refused() {
    let group = |name: &str, models: &[&str]| llmux_router::RoutingGroup {
        name: name.to_owned(),
        models: models.iter().map(|model| (*model).to_owned()).collect(),
        strategy: crate::hosts::shuffle(),
        priorities: std::collections::HashMap::new(),
    };
    let build = || router(statuses([])).deployment(member("a"));
    for (wrong, word) in [
        (build().alias("x", "y", false).alias("y", "x", false), "the alias `x` stands for itself"),
        (build().routing_group(group("empty", &[])), "`empty` has no models"),
        (build().routing_group(group("g", &["m"])).routing_group(group("g", &["n"])), "two routing groups"),
    ] {
        let error = wrong.build().err().unwrap();
        assert!(error.message().contains(word), "{error}");
    }
    assert!(build().alias("x", "y", false).alias("y", "m", false).build().is_ok(), "a chain is no loop");
}

#[tokio::test(start_paused = true)]
async fn fallbacks_that_lead_in_circles_end() {
    let transport = statuses([("a", 500), ("b", 500)]);
    let router = router(transport.clone())
        .deployment(member("a"))
        .deployment(crate::hosts::of_group("n", "b"))
        .policy(|policy| {
            policy.retry.retries = 0;
            policy
                .fallbacks
                .general
                .add("m", [llmux_router::Fallback::to("n"), llmux_router::Fallback::to("m")]);
            policy
                .fallbacks
                .general
                .add("n", [llmux_router::Fallback::to("m"), llmux_router::Fallback::to("n")]);
        });
    let router = Arc::new(router.build().unwrap());
    assert_eq!(Request::openai("m").refused(&router).await.error.status().as_u16(), 500);
    assert_eq!(tally(&transport).values().sum::<usize>(), 2, "none is asked twice");
}
