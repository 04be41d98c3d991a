//! Several replicas of a router that share what they know: in one process, on a clock of their own.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use llmux_core::{DeploymentId, LimitUse, TokenPrices};
use llmux_router::{Budget, Deployment, ReplicationOptions, Router, RouterPolicy, RouterState, SharedLimits};
use llmux_state::MemoryHub;
use llmux_testkit::{Gate, ScriptedTransport, answers};
use tokio::{task::JoinHandle, time::sleep};

use crate::{
    asking::Request,
    hosts::{member, member_with, router},
};

/// When the clocks of seeded states begin: with a minute.
const START: u64 = 1_800_000_000_000;

/// A replica, for as long as its background runs.
struct Replica {
    router: Arc<Router>,
    background: JoinHandle<()>,
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.background.abort();
    }
}

/// What the replicas of a test have in common.
struct Setting {
    hub: Arc<MemoryHub>,
    options: ReplicationOptions,
    transport: ScriptedTransport,
    deployments: fn() -> Vec<Deployment>,
    policy: fn(&mut RouterPolicy),
}

impl Setting {
    fn new(deployments: fn() -> Vec<Deployment>) -> Self {
        let transport = ScriptedTransport::answering([answers::openai_chat("hi")]);
        let (hub, options) = (MemoryHub::starting_at(START), ReplicationOptions::default());
        Self { hub, options, transport, deployments, policy: |_| {} }
    }

    fn limited(limits: SharedLimits, deployments: fn() -> Vec<Deployment>) -> Self {
        let mut setting = Self::new(deployments);
        setting.options.limits = limits;
        setting.policy = |policy| policy.limits = LimitUse::Enforce;
        setting
    }

    fn join(&self, name: &str) -> Replica {
        let state = RouterState::seeded(7);
        let replication = state.share(self.hub.join(name), self.options).unwrap();
        let mut builder = router(self.transport.clone()).policy(self.policy).state(state);
        for deployment in (self.deployments)() {
            builder = builder.deployment(deployment);
        }
        let background = tokio::spawn(async move {
            replication.greet().await;
            replication.run().await;
        });
        Replica { router: Arc::new(builder.build().unwrap()), background }
    }

    /// Replicas that have got to know each other.
    async fn replicas(&self, count: usize) -> Vec<Replica> {
        let replicas = (0..count).map(|at| self.join(&format!("replica {at}"))).collect();
        sleep(Duration::from_millis(2_500)).await;
        replicas
    }
}

fn two() -> Vec<Deployment> {
    vec![member("a"), member("b")]
}

fn of(router: &Router, id: &str) -> llmux_router::DeploymentStatus {
    router.status().into_iter().find(|status| status.deployment.id().as_str() == id).unwrap()
}

/// How many of so many requests at once, spread over the replicas, are answered.
async fn burst(replicas: &[Replica], count: usize) -> usize {
    let asks = (0..count).map(|at| {
        let router = Arc::clone(&replicas[at % replicas.len()].router);
        tokio::spawn(async move { Request::openai("m").retries(0).said(&router).await.is_ok() })
    });
    join_all(asks).await.into_iter().filter(|answered| *answered.as_ref().unwrap()).count()
}

#[tokio::test(start_paused = true)]
async fn a_cooldown_reaches_every_replica_within_a_tenth_of_a_second_and_ends_at_the_same_time() {
    let setting = Setting::new(two);
    setting.transport.answer_with(|_| answers::openai_error(429, "rate_limit", "slow down"));
    let replicas = setting.replicas(3).await;
    Request::openai("m").retries(0).refused(&replicas[0].router).await;
    let left_alone = |replica: &Replica| replica.router.status().into_iter().find_map(|one| one.cooldown);
    let first = left_alone(&replicas[0]).unwrap();
    sleep(Duration::from_millis(100)).await;
    for replica in &replicas[1..] {
        let heard = left_alone(replica).expect("the others have heard of it");
        let apart = heard.until.millis().abs_diff(first.until.millis());
        assert!(apart < 100 && heard.status == 429 && heard.message == first.message, "{heard:?}");
    }
    for _ in 0..4 {
        sleep(Duration::from_secs(1)).await;
        let late: Vec<_> = replicas.iter().map(|one| left_alone(one).unwrap().until.millis()).collect();
        assert!(late.iter().all(|until| until.abs_diff(first.until.millis()) < 100), "{late:?}");
    }
    sleep(Duration::from_secs(1)).await;
    assert!(replicas.iter().all(|replica| left_alone(replica).is_none()));
}

#[tokio::test(start_paused = true)]
async fn who_comes_later_is_told_what_the_others_know() {
    let setting = Setting::new(two);
    setting.transport.answer_with(|_| answers::openai_error(401, "wrong_key", "no"));
    let first = setting.replicas(1).await;
    Request::openai("m").retries(0).refused(&first[0].router).await;
    let id = DeploymentId::from("b");
    first[0].router.state().deployment(&id).set_health(false, first[0].router.state().now());
    let late = setting.join("late");
    sleep(Duration::from_millis(100)).await;
    assert!(late.router.status().iter().any(|one| one.cooldown.is_some()));
    assert!(matches!(of(&late.router, "b").health, Some((false, _))));
    let one = first[0].router.status().into_iter().find(|one| one.cooldown.is_some()).unwrap();
    first[0].router.state().deployment(one.deployment.id()).end_cooldown();
    sleep(Duration::from_millis(100)).await;
    assert!(late.router.status().iter().all(|one| one.cooldown.is_none()), "an end is told too");
}

#[tokio::test(start_paused = true)]
async fn requests_under_way_and_usage_of_all_replicas_are_seen_by_each_until_one_is_gone() {
    let setting = Setting::new(|| vec![member("a")]);
    let gate = Gate::new();
    let held = gate.clone();
    setting.transport.answer_with(move |_| answers::openai_chat("hi").hold_until(&held));
    let mut replicas = setting.replicas(3).await;
    let router = Arc::clone(&replicas[0].router);
    let asked = tokio::spawn(async move { Request::openai("m").said(&router).await.is_ok() });
    setting.transport.wait_for_requests(1).await;
    sleep(Duration::from_millis(100)).await;
    for replica in &replicas {
        let status = of(&replica.router, "a");
        assert_eq!((status.in_flight, status.rpm), (1, 1));
    }
    gate.open();
    assert!(asked.await.unwrap());
    sleep(Duration::from_millis(100)).await;
    for replica in &replicas {
        let status = of(&replica.router, "a");
        let tokens = answers::PROMPT_TOKENS + answers::COMPLETION_TOKENS;
        assert_eq!((status.in_flight, status.rpm, status.tpm, status.outcomes), (0, 1, tokens, (1, 0)));
        let stats = replica.router.state().deployment(&"a".into());
        let now = replica.router.state().now();
        assert_eq!(stats.stats().latency().recent(9, 60, now).count(), 1, "one measurement, told once");
    }

    let never = Gate::new();
    setting.transport.answer_with(move |_| answers::openai_chat("hi").hold_until(&never));
    let router = Arc::clone(&replicas[0].router);
    let cut = tokio::spawn(async move { Request::openai("m").said(&router).await.is_ok() });
    setting.transport.wait_for_requests(2).await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(of(&replicas[1].router, "a").in_flight, 1);
    drop(replicas.remove(0));
    sleep(Duration::from_secs(7)).await;
    let status = of(&replicas[0].router, "a");
    assert_eq!((status.in_flight, status.rpm), (0, 2), "what was counted stays counted");
    cut.abort();
}

fn ten() -> Vec<Deployment> {
    vec![member_with("a", |settings| settings.rpm = Some(10))]
}

fn hundred() -> Vec<Deployment> {
    vec![member_with("a", |settings| settings.rpm = Some(100))]
}

#[tokio::test(start_paused = true)]
async fn an_exact_limit_is_reached_and_never_passed_minute_by_minute() {
    let setting = Setting::limited(SharedLimits::Exact, ten);
    let replicas = setting.replicas(4).await;
    for _ in 0..3 {
        assert_eq!(burst(&replicas, 40).await, 10);
        assert_eq!(burst(&replicas, 8).await, 0, "nothing is left of this minute");
        sleep(Duration::from_secs(60)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn leases_exceed_a_limit_by_their_share_at_most_and_leave_little_unused() {
    let setting = Setting::limited(SharedLimits::Leased, hundred);
    let replicas = setting.replicas(4).await;
    for _ in 0..3 {
        let mut answered = 0;
        for _ in 0..20 {
            answered += burst(&replicas, 40).await;
            sleep(Duration::from_millis(60)).await;
        }
        assert!((90..=114).contains(&answered), "100, a tenth of it and one for each replica: {answered}");
        sleep(Duration::from_secs(60)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_replicas_do_not_share_is_kept_by_each_as_far_as_it_knows() {
    let setting = Setting::limited(SharedLimits::Local, ten);
    let replicas = setting.replicas(2).await;
    assert_eq!(burst(&replicas[..1], 20).await, 10);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(burst(&replicas, 20).await, 0, "what others use is known a moment later");
}

#[tokio::test(start_paused = true)]
async fn without_the_store_each_replica_uses_its_part_of_what_was_left() {
    for limits in [SharedLimits::Exact, SharedLimits::Leased] {
        let setting = Setting::limited(limits, hundred);
        let replicas = setting.replicas(4).await;
        let before = burst(&replicas, 20).await;
        sleep(Duration::from_millis(500)).await;
        setting.hub.set_reachable(false);
        sleep(Duration::from_secs(10)).await;
        let mut answered = before;
        for _ in 0..10 {
            answered += burst(&replicas, 80).await;
        }
        assert!((80..=114).contains(&answered), "{limits:?}: traffic goes on, within bounds: {answered}");
        sleep(Duration::from_secs(60)).await;
        let next = burst(&replicas, 800).await;
        assert!((80..=114).contains(&next), "{limits:?}: the next minute too: {next}");

        setting.hub.empty();
        setting.hub.set_reachable(true);
        sleep(Duration::from_millis(500)).await;
        let more = burst(&replicas, 80).await;
        assert!(next + more <= 114, "{limits:?}: what was used meanwhile is not forgotten: {next} + {more}");
        sleep(Duration::from_secs(60)).await;
        let mut again = 0;
        for _ in 0..20 {
            again += burst(&replicas, 40).await;
            sleep(Duration::from_millis(60)).await;
        }
        assert!((90..=114).contains(&again), "{limits:?}: {again}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_fails_closed_is_not_even_reached_without_the_store() {
    for limits in [SharedLimits::Exact, SharedLimits::Leased] {
        let mut setting = Setting::limited(limits, || {
            let mut deployments = hundred();
            deployments.push(member("free"));
            deployments
        });
        setting.options.fail_closed = true;
        let replicas = setting.replicas(2).await;
        setting.hub.set_reachable(false);
        sleep(Duration::from_secs(61)).await;
        let before = setting.transport.requests().len();
        assert_eq!(burst(&replicas, 50).await, 50, "deployments without limits serve");
        let asked = setting.transport.requests();
        assert!(asked[before..].iter().all(|request| request.header("host") == Some("free")), "{limits:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn money_that_one_replica_spends_is_missing_at_the_others() {
    let mut setting = Setting::new(|| {
        vec![member_with("a", |settings| {
            settings.prices = Some(TokenPrices { input: 0.0, output: 1.0 });
            settings.budget = Some(Budget { limit: 20.0, period: Duration::from_secs(3_600) });
        })]
    });
    setting.policy = |policy| policy.cooldown.disabled = true;
    let replicas = setting.replicas(2).await;
    let ask = async |at: usize| Request::openai("m").retries(0).said(&replicas[at].router).await.is_ok();
    // Seven dollars each.
    assert!(ask(0).await && ask(1).await);
    sleep(Duration::from_millis(1_100)).await;
    setting.hub.empty();
    assert!(ask(0).await);
    sleep(Duration::from_millis(1_100)).await;
    assert!(!ask(0).await && !ask(1).await, "twenty-one dollars are spent");
    let late = setting.join("late");
    sleep(Duration::from_millis(1_100)).await;
    let refused = Request::openai("m").retries(0).refused(&late.router).await;
    assert!(refused.error.message().contains("21 >= 20"), "{}", refused.error);
    sleep(Duration::from_secs(3_600)).await;
    assert!(ask(1).await, "the period ends for all");
}

#[tokio::test(start_paused = true)]
async fn what_strangers_say_changes_nothing() {
    use llmux_core::SharedState as _;
    let setting = Setting::new(two);
    let replicas = setting.replicas(1).await;
    let stranger = setting.hub.join("stranger");
    for what in [
        "",
        "{}",
        "[]",
        "null",
        "\u{0}",
        r#"{"from": "x", "deployments": [{"id": "nobody", "in_flight": 9}]}"#,
    ] {
        stranger.tell(what.to_owned().into()).await.unwrap();
    }
    sleep(Duration::from_millis(200)).await;
    assert!(replicas[0].router.status().iter().all(|one| one.in_flight == 0 && one.cooldown.is_none()));
    assert_eq!(burst(&replicas, 3).await, 3);
}

#[tokio::test]
async fn a_state_is_shared_once() {
    let (hub, state) = (MemoryHub::new(), RouterState::new());
    assert!(state.share(hub.join("one"), ReplicationOptions::default()).is_some());
    assert!(state.share(hub.join("other"), ReplicationOptions::default()).is_none());
}
