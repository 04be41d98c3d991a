//! Long runs over deployments that are slow, limited and out of order, in time that only the run moves: nothing is lost,
//! nothing happens twice, no limit is exceeded. `LLMUX_REPLAY=1000000` makes each run that long; release builds take
//! seconds for it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Full};
use llmux_core::{Error, LimitUse, Timeouts, Transport, TransportReply};
use llmux_router::{Exclusion, Router, RouterBuilder, RouterState};
use llmux_testkit::answers;
use tokio::time::{Instant, advance, sleep, sleep_until};

use crate::{
    asking::Request,
    hosts::{member_with, ordered, registry, statuses, strategy},
    simulation::{CRITICAL_2, chi_squared},
};

/// Requests of each run.
fn length() -> usize {
    std::env::var("LLMUX_REPLAY").ok().and_then(|text| text.parse().ok()).unwrap_or(4_000)
}

/// Hosts: the middle of their times in milliseconds, and their requests per minute.
const HOSTS: [(&str, u64, Option<u64>); 6] = [
    ("quick", 20, None),
    ("even", 60, None),
    ("slow", 300, None),
    ("tight", 30, Some(40)),
    ("limited", 30, Some(400)),
    ("shaky", 40, None),
];

/// Requests each second.
const RATE: u64 = 100;

/// Hosts that take their time by chance, and one that is out of order now and then.
struct World {
    began: Instant,
    chance: AtomicU64,
    answered: AtomicUsize,
    failed: AtomicUsize,
    /// Requests by minute and host.
    sent: Mutex<BTreeMap<(u64, String), u64>>,
    body: Bytes,
}

impl World {
    fn new() -> Arc<Self> {
        let (chance, answered, failed) = (AtomicU64::new(1), AtomicUsize::new(0), AtomicUsize::new(0));
        let body = answers::openai_chat("hello").bytes();
        let sent = Mutex::default();
        Arc::new(Self { began: Instant::now(), chance, answered, failed, sent, body })
    }

    fn random(&self) -> u64 {
        let mut z = self.chance.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z ^ (z >> 27)
    }

    /// `shaky` does not work in the second and third of every ten seconds.
    fn is_out(&self, host: &str) -> bool {
        host == "shaky" && (2..4).contains(&(self.began.elapsed().as_secs() % 10))
    }
}

struct Wire(Arc<World>);

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: http::Request<Bytes>, _: Timeouts) -> Result<TransportReply, Error> {
        let world = &self.0;
        let host = request.uri().host().unwrap().to_owned();
        // The router's clock begins with a minute.
        let minute = world.began.elapsed().as_secs() / 60;
        *world.sent.lock().unwrap().entry((minute, host.clone())).or_default() += 1;
        let (_, middle, _) = HOSTS.iter().find(|(name, ..)| *name == host).unwrap();
        // Mostly about the middle, sometimes four times as long.
        let spread = world.random() % 100;
        let time = middle * if spread > 95 { 4 } else { 1 } + middle * spread / 100;
        let out = world.is_out(&host);
        sleep(Duration::from_millis(time)).await;
        let (status, body) = if out {
            world.failed.fetch_add(1, Ordering::Relaxed);
            (StatusCode::SERVICE_UNAVAILABLE, Bytes::from_static(b"{}"))
        } else {
            world.answered.fetch_add(1, Ordering::Relaxed);
            (StatusCode::OK, world.body.clone())
        };
        let body = Full::new(body).map_err(|never| match never {});
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/json".parse().unwrap());
        Ok(TransportReply::new(status, headers, Box::pin(body)))
    }
}

fn build(kind: &str, world: &Arc<World>) -> Router {
    let builder = RouterBuilder::new(Arc::new(Wire(Arc::clone(world))), strategy(kind));
    let members = HOSTS.map(|(host, _, rpm)| member_with(host, |settings| settings.rpm = rpm));
    let builder = members.into_iter().fold(builder, RouterBuilder::deployment);
    let builder = builder.policy(|policy| policy.limits = LimitUse::Enforce);
    builder.state(RouterState::seeded(3)).build().unwrap()
}

/// One run: answers and refusals.
async fn run(router: &Router, requests: usize) -> (usize, usize) {
    let request = Request::openai("m");
    let mut running = FuturesUnordered::new();
    let (mut good, mut bad) = (0, 0);
    let mut note = |ok: bool| if ok { good += 1 } else { bad += 1 };
    let mut next = Instant::now();
    for _ in 0..requests {
        running.push(async { request.said(router).await.is_ok() });
        next += Duration::from_micros(1_000_000 / RATE);
        let pause = sleep_until(next);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                biased;
                () = &mut pause => break,
                Some(ok) = running.next(), if !running.is_empty() => note(ok),
            }
        }
    }
    while let Some(ok) = running.next().await {
        note(ok);
    }
    (good, bad)
}

#[tokio::test(start_paused = true)]
async fn requests_are_neither_lost_nor_answered_twice_whatever_happens() {
    let kinds: Vec<_> = registry().strategies.kinds().map(str::to_owned).collect();
    for kind in kinds {
        let (world, requests) = (World::new(), length());
        let router = build(&kind, &world);
        let (good, bad) = run(&router, requests).await;
        assert_eq!((good, bad), (requests, 0), "{kind}: others could always serve");
        assert_eq!(
            world.answered.load(Ordering::Relaxed),
            requests,
            "{kind}: every answer reaches its client"
        );
        for ((minute, host), count) in &*world.sent.lock().unwrap() {
            let (_, _, limit) = HOSTS.iter().find(|(name, ..)| name == host).unwrap();
            assert!(
                limit.is_none_or(|limit| *count <= limit),
                "{kind}: {host} got {count} in minute {minute}"
            );
        }
        let status = router.status();
        let outcomes: Vec<(u64, u64)> = status.iter().map(|one| one.outcomes).collect();
        assert!(status.iter().all(|one| one.in_flight == 0), "{kind}: {outcomes:?}");
        // A fifth of the time one of six hosts is out. Who goes by latency likes it otherwise; nobody takes it for idle.
        let failed = world.failed.load(Ordering::Relaxed);
        assert!(failed * 12 < requests, "{kind}: {failed} of {requests} went into outages");
    }
}

#[tokio::test(start_paused = true)]
async fn over_a_long_run_equals_get_equal_shares_and_weights_are_shares() {
    let wire = AtOnce::new;
    let run = async |kind: &str, wire: &AtOnce, weights: [Option<f64>; 3]| {
        let builder =
            RouterBuilder::new(Arc::new(wire.clone()), strategy(kind)).state(RouterState::seeded(5));
        let members = ["a", "b", "c"].into_iter().zip(weights);
        let members = members.map(|(id, weight)| member_with(id, |settings| settings.weight = weight));
        let router = members.fold(builder, RouterBuilder::deployment).build().unwrap();
        let request = Request::openai("m");
        for _ in 0..length() {
            assert!(request.said(&router).await.is_ok(), "{kind}");
        }
    };
    let even = ["a", "b", "c"].map(|id| (id, 1.0 / 3.0));
    for kind in [
        "round-robin",
        "priority",
        "power-of-two-choices",
        "latency-based-routing",
        "latency-ewma",
        "usage-based-routing",
        "usage-based-routing-v2",
    ] {
        let wire = wire();
        run(kind, &wire, [None; 3]).await;
        wire.is_shared(kind, &even);
    }
    let (plain, weighted) = (wire(), wire());
    run("simple-shuffle", &plain, [None; 3]).await;
    plain.is_shared("simple-shuffle", &even);
    run("simple-shuffle", &weighted, [Some(5.0), Some(3.0), Some(2.0)]).await;
    weighted.is_shared("simple-shuffle", &[("a", 0.5), ("b", 0.3), ("c", 0.2)]);
    // Nobody is busy and all cost the same, so the first of them is as good as any.
    for kind in ["least-busy", "cost-based-routing"] {
        let wire = wire();
        run(kind, &wire, [None; 3]).await;
        assert_eq!(wire.counts(), BTreeMap::from([("a".to_owned(), length())]), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cooldown_ends_with_its_last_millisecond_whatever_the_strategy() {
    for kind in registry().strategies.kinds() {
        let wire = statuses([("sick", 429)]);
        let builder = RouterBuilder::new(Arc::new(wire), strategy(kind)).state(RouterState::seeded(9));
        // The order makes the first choice certain.
        let members = [ordered("sick", 1), ordered("well", 2)];
        let router = members.into_iter().fold(builder, RouterBuilder::deployment).build().unwrap();
        let request = Request::openai("m");
        let excluded = || {
            let explained = request.explained(&router);
            explained.deployments.iter().find(|one| one.id == "sick").unwrap().excluded
        };
        assert_eq!(excluded(), None, "{kind}");
        for round in 0..3 {
            assert_eq!(request.said(&router).await.unwrap().by, "well", "{kind}");
            for (wait, why) in [(0, Some(Exclusion::Cooldown)), (4_999, Some(Exclusion::Cooldown)), (1, None)]
            {
                advance(Duration::from_millis(wait)).await;
                assert_eq!(excluded(), why, "{kind}, {wait} ms on, round {round}");
            }
        }
    }
}

/// A wire that answers at once, and counts who was asked.
#[derive(Clone)]
struct AtOnce {
    body: Bytes,
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl AtOnce {
    fn new() -> Self {
        Self { body: answers::openai_chat("hello").bytes(), asked: Arc::default() }
    }

    fn counts(&self) -> BTreeMap<String, usize> {
        self.asked.lock().unwrap().clone()
    }

    fn is_shared(&self, kind: &str, shares: &[(&str, f64)]) {
        let statistic = chi_squared(&self.counts(), shares);
        assert!(statistic < CRITICAL_2, "{kind}: {statistic}: {:?}", self.counts());
    }
}

#[async_trait]
impl Transport for AtOnce {
    async fn send(&self, request: http::Request<Bytes>, _: Timeouts) -> Result<TransportReply, Error> {
        let host = request.uri().host().unwrap();
        match self.asked.lock().unwrap() {
            mut asked if asked.contains_key(host) => *asked.get_mut(host).unwrap() += 1,
            mut asked => _ = asked.insert(host.to_owned(), 1),
        }
        let body = Full::new(self.body.clone()).map_err(|never| match never {});
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/json".parse().unwrap());
        Ok(TransportReply::new(StatusCode::OK, headers, Box::pin(body)))
    }
}

#[test]
fn sixty_four_threads_leave_every_counter_where_it_belongs() {
    const THREADS: usize = 64;
    const EACH: usize = 25;
    let kinds: Vec<_> = registry().strategies.kinds().map(str::to_owned).collect();
    for kind in kinds {
        let wire = AtOnce::new();
        let members = ["a", "b", "c", "d"].map(|id| {
            member_with(id, |settings| {
                settings.max_parallel_requests = Some(3);
                (settings.itpm, settings.otpm) = (Some(1 << 30), Some(1 << 30));
            })
        });
        let builder = RouterBuilder::new(Arc::new(wire), strategy(&kind)).state(RouterState::seeded(1));
        let builder = members.into_iter().fold(builder, RouterBuilder::deployment);
        let builder = builder.policy(|policy| {
            policy.max_queued_requests = 100_000;
            policy.limits = LimitUse::Enforce;
        });
        let router = builder.build().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let router = &router;
                scope.spawn(move || {
                    let runtime =
                        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                    let request = Request::openai("m")
                        .directed(|directions| directions.priority = u8::try_from(thread % 5).ok());
                    let asking = (0..EACH).map(|_| request.said(router));
                    let answers = runtime.block_on(join_all(asking));
                    assert!(answers.iter().all(Result::is_ok));
                });
            }
        });
        let status = router.status();
        let sum = |of: fn(&llmux_router::DeploymentStatus) -> u64| status.iter().map(of).sum::<u64>();
        let all = (THREADS * EACH) as u64;
        assert_eq!(sum(|one| one.in_flight), 0, "{kind}");
        assert_eq!((sum(|one| one.outcomes.0), sum(|one| one.outcomes.1)), (all, 0), "{kind}");
        assert_eq!((sum(|one| one.rpm), sum(|one| one.tpm)), (all, all * 18), "{kind}");
    }
}
