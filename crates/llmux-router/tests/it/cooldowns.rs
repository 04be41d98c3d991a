//! Deployments that are left alone after failures.

use std::time::Duration;

use llmux_core::ErrorKind;
use llmux_router::{Exception, PerException, Router, RouterState};
use llmux_testkit::{Answer, Gate, ScriptedTransport, answers};
use tokio::time::advance;

use crate::{
    asking::Request,
    hosts::{asked, member, member_with, router, statuses, tally},
};

fn fails(status: u16) -> Answer {
    answers::openai_error(status, "some_error", "no")
}

/// `a` is asked first while it is not left alone; `b` always answers.
fn preferring_a(a: u16) -> (Router, ScriptedTransport) {
    let transport = statuses([("a", a)]);
    let heavy = member_with("a", |settings| settings.weight = Some(1.0));
    let light = member_with("b", |settings| settings.weight = Some(0.0));
    (router(transport.clone()).deployment(heavy).deployment(light).build().unwrap(), transport)
}

#[tokio::test(start_paused = true)]
async fn a_rate_limited_deployment_is_left_alone_for_five_seconds_and_then_asked_again() {
    let (router, transport) = preferring_a(429);
    for _ in 0..3 {
        assert_eq!(Request::openai("m").answered_by(&router).await, "b");
    }
    assert_eq!(tally(&transport)["a"], 1);
    advance(Duration::from_millis(4_999)).await;
    Request::openai("m").said(&router).await.unwrap();
    assert_eq!(tally(&transport)["a"], 1);
    advance(Duration::from_millis(1)).await;
    Request::openai("m").said(&router).await.unwrap();
    assert_eq!(tally(&transport)["a"], 2);
}

/// The failure is judged where it happens, each one, and the end of the cooldown is an absolute time: looking at it
/// does not move it.
#[tokio::test(start_paused = true)]
async fn pain_24_every_failed_attempt_counts_and_a_cooldown_ends_when_it_says() {
    let transport = ScriptedTransport::answering([fails(429).with_header("retry-after", "90")]);
    let router = router(transport.clone()).deployment(member("a")).deployment(member("b")).build().unwrap();
    let refused = Request::openai("m").retries(5).refused(&router).await;
    assert_eq!(asked(&transport).len(), 2, "each was asked once, and then left alone");
    assert_eq!(refused.error.kind(), ErrorKind::RateLimited);
    let until: Vec<_> = router.status().iter().map(|one| one.cooldown.clone().unwrap().until).collect();
    for _ in 0..89 {
        advance(Duration::from_secs(1)).await;
        let refused = Request::openai("m").refused(&router).await;
        assert_eq!(refused.error.kind(), ErrorKind::CoolingDown);
        let now: Vec<_> = router.status().iter().map(|one| one.cooldown.clone().unwrap().until).collect();
        assert_eq!(now, until);
    }
    advance(Duration::from_secs(1)).await;
    assert!(router.status().iter().all(|one| one.cooldown.is_none()));
    transport.script([answers::openai_chat("back")]);
    assert_eq!(Request::openai("m").said(&router).await.unwrap().text, "back");
}

#[tokio::test(start_paused = true)]
async fn when_all_are_left_alone_the_client_is_told_how_long_in_litellms_words() {
    let router = router(statuses([("a", 401), ("b", 401)]))
        .deployment(member("a"))
        .deployment(member("b"))
        .build()
        .unwrap();
    Request::openai("m").refused(&router).await;
    advance(Duration::from_secs(2)).await;
    let error = Request::openai("m").refused(&router).await.error;
    assert_eq!((error.status().as_u16(), error.kind().openai_type()), (429, "all_deployments_in_cooldown"));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
    assert_eq!(
        error.message(),
        "No deployments available for selected model, Try again in 3 seconds. All deployments for selected model \
         are in cooldown. Passed model=m. pre-call-checks=False, cooldown_list=['a', 'b']"
    );
}

#[tokio::test(start_paused = true)]
async fn the_only_deployment_of_a_model_is_not_left_alone_for_being_busy() {
    for (status, left_alone) in [(429, false), (500, false), (401, true), (404, true)] {
        let router = router(statuses([("a", status)])).deployment(member("a")).build().unwrap();
        for _ in 0..10 {
            Request::openai("m").retries(0).refused(&router).await;
        }
        assert_eq!(router.status()[0].cooldown.is_some(), left_alone, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_asked_for_by_its_id_is_judged_as_one_of_its_group() {
    let (router, _) = preferring_a(429);
    Request::openai("a").retries(0).refused(&router).await;
    assert!(router.status()[0].cooldown.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_policy_by_class_decides_how_many_failures_are_tolerated() {
    let transport = statuses([("a", 503)]);
    let router = router(transport.clone())
        .deployment(member_with("a", |settings| settings.weight = Some(1.0)))
        .deployment(member_with("b", |settings| settings.weight = Some(0.0)))
        .policy(|policy| {
            policy.cooldown.allowed_fails_by_class =
                PerException::default().with(Exception::ServiceUnavailable, 3);
            policy.cooldown.time = Duration::from_secs(60);
        })
        .build()
        .unwrap();
    for _ in 0..9 {
        Request::openai("m").said(&router).await.unwrap();
    }
    assert_eq!(tally(&transport)["a"], 4);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_left_alone_when_cooldowns_are_disabled() {
    let transport = statuses([("a", 429)]);
    let builder = router(transport.clone())
        .deployment(member_with("a", |settings| settings.weight = Some(1.0)))
        .deployment(member_with("b", |settings| settings.weight = Some(0.0)));
    let router = builder.policy(|policy| policy.cooldown.disabled = true).build().unwrap();
    for _ in 0..5 {
        Request::openai("m").said(&router).await.unwrap();
    }
    assert_eq!(tally(&transport)["a"], 5);
}

#[tokio::test(start_paused = true)]
async fn counters_and_cooldowns_survive_a_new_configuration_with_the_same_id() {
    let state = RouterState::seeded(1);
    let build = |transport: ScriptedTransport, weight| {
        let heavy = member_with("a", |settings| settings.weight = Some(weight));
        router(transport).deployment(heavy).deployment(member("b")).state(state.clone()).build().unwrap()
    };
    let before = build(statuses([("a", 429)]), 1.0);
    Request::openai("m").said(&before).await.unwrap();
    let after = build(statuses([]), 2.0);
    drop(before);
    let status = after.status();
    assert_eq!((status[0].rpm, status[1].rpm), (1, 1));
    assert!(status[0].cooldown.is_some() && status[1].cooldown.is_none());
    assert_eq!(Request::openai("m").answered_by(&after).await, "b");
    drop(after);
    let other = router(statuses([])).deployment(member("b")).state(state.clone()).build().unwrap();
    drop(other);
    let again = build(statuses([]), 1.0);
    assert_eq!(again.status()[0].rpm, 0, "what nobody uses is forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_broken_stream_counts_against_the_deployment_that_broke_it() {
    let transport = ScriptedTransport::answering([answers::openai_stream(&["a", "b"]).reset_mid_stream(2)]);
    let router = router(transport).deployment(member("a")).deployment(member("b")).build().unwrap();
    for _ in 0..12 {
        let answer = Request::openai("m").streamed().ask(&router).await;
        match answer {
            Ok(answer) => _ = crate::asking::Said::read(llmux_core::Dialect::OpenAi, answer).await,
            Err(refusal) => assert_eq!(refusal.error.kind(), ErrorKind::CoolingDown),
        }
    }
    let status = router.status();
    assert!(status.iter().all(|one| one.cooldown.is_some() && one.outcomes == (0, 5) && one.in_flight == 0));
}

#[tokio::test(start_paused = true)]
async fn after_a_cooldown_only_one_request_at_a_time_finds_out_whether_it_works_again() {
    let gate = Gate::new();
    let (transport, held) = (ScriptedTransport::new(), gate.clone());
    let state = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let broken = state.clone();
    transport.answer_with(move |sent| match sent.header("host") {
        Some("a") if broken.load(std::sync::atomic::Ordering::Relaxed) => fails(429),
        Some("a") => answers::openai_chat("back").hold_until(&held),
        _ => answers::openai_chat("b"),
    });
    let router = router(transport.clone())
        .deployment(member_with("a", |settings| settings.weight = Some(1.0)))
        .deployment(member_with("b", |settings| settings.weight = Some(0.0)))
        .policy(|policy| policy.cooldown.half_open_probes = true)
        .build()
        .unwrap();
    Request::openai("m").said(&router).await.unwrap();
    state.store(false, std::sync::atomic::Ordering::Relaxed);
    advance(Duration::from_secs(6)).await;
    let router = std::sync::Arc::new(router);
    let probing = tokio::spawn({
        let router = router.clone();
        async move { Request::openai("m").answered_by(&router).await }
    });
    transport.wait_for_requests(3).await;
    for _ in 0..3 {
        assert_eq!(Request::openai("m").answered_by(&router).await, "b");
    }
    gate.open();
    assert_eq!(probing.await.unwrap(), "a");
    assert_eq!(Request::openai("m").answered_by(&router).await, "a");
}

#[tokio::test(start_paused = true)]
async fn a_retry_budget_ends_a_storm() {
    let transport = statuses([("a", 500)]);
    let router = router(transport.clone())
        .deployment(member("a"))
        .policy(|policy| {
            policy.retry.budget = Some(llmux_router::RetryBudget { share: 0.2, least: 2 });
            policy.retry.base_pause = Duration::ZERO;
        })
        .build()
        .unwrap();
    for _ in 0..50 {
        Request::openai("m").retries(3).refused(&router).await;
    }
    assert_eq!(transport.requests().len(), 50 + 10);
}
