//! Many requests against scripted deployments, in time that only the simulation moves and with chance that is the
//! same each time: distributions, limits, outages, and counters that end where they belong.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use llmux_core::{LimitUse, Registry, TokenPrices};
use llmux_router::{Deployment, DeploymentSettings, Router, RouterBuilder, RouterState};
use llmux_testkit::{Answer, Recorded, ScriptedTransport, answers, conformance};
use serde_json::Value;
use tokio::time::{advance, sleep};

use crate::{
    asking::Request,
    hosts::{member_with, registry, strategy, tally},
};

/// Every strategy there is.
fn kinds() -> Vec<String> {
    registry().strategies.kinds().map(str::to_owned).collect()
}

/// A router whose chance is the same each time.
fn simulated(
    kind: &str,
    transport: &ScriptedTransport,
    members: impl IntoIterator<Item = Deployment>,
) -> RouterBuilder {
    let builder =
        RouterBuilder::new(Arc::new(transport.clone()), strategy(kind)).state(RouterState::seeded(7));
    members.into_iter().fold(builder, RouterBuilder::deployment)
}

fn plain<const N: usize>(ids: [&str; N]) -> Vec<Deployment> {
    ids.into_iter().map(|id| member_with(id, |_| {})).collect()
}

/// Answers after a time that depends on the host.
fn taking(times: &'static [(&'static str, u64)]) -> ScriptedTransport {
    answering(move |sent| {
        let time = times.iter().find(|(host, _)| sent.header("host") == Some(*host));
        answers::openai_chat("hello")
            .with_head_delay(Duration::from_millis(time.map_or(1, |(_, time)| *time)))
    })
}

fn answering(choose: impl Fn(&Recorded) -> Answer + Send + Sync + 'static) -> ScriptedTransport {
    let transport = ScriptedTransport::new();
    transport.answer_with(choose);
    transport
}

/// Rounds of requests that run at the same time; how many were answered.
async fn traffic(router: &Router, rounds: usize, at_once: usize) -> usize {
    let mut answered = 0;
    for _ in 0..rounds {
        let asking = (0..at_once).map(|_| async { Request::openai("m").said(router).await.is_ok() });
        answered += join_all(asking).await.into_iter().filter(|ok| *ok).count();
    }
    answered
}

/// Pearson's statistic for counts against the shares that they should have.
pub(crate) fn chi_squared(counts: &BTreeMap<String, usize>, shares: &[(&str, f64)]) -> f64 {
    let total: usize = counts.values().sum();
    let term = |(id, share): &(&str, f64)| {
        let expected = share * total as f64;
        (counts.get(*id).copied().unwrap_or_default() as f64 - expected).powi(2) / expected
    };
    shares.iter().map(term).sum()
}

/// The value that chi-squared with two degrees of freedom exceeds once in a thousand times.
pub(crate) const CRITICAL_2: f64 = 13.82;

fn counters_are_at_rest(router: &Router, kind: &str) {
    for one in router.status() {
        assert_eq!(one.in_flight, 0, "{kind}: {}", one.deployment.id());
    }
}

#[test]
fn every_strategy_keeps_the_rules_of_the_trait() {
    for kind in kinds() {
        conformance::strategy(&*strategy(&kind));
    }
    let mut empty = Registry::empty();
    llmux_strategies::register(&mut empty);
    assert!(empty.strategies.build("lar1", &Value::Null).is_err());
}

#[tokio::test(start_paused = true)]
async fn every_request_is_answered_once_and_every_counter_ends_at_zero_whatever_the_strategy() {
    for kind in kinds() {
        let transport = taking(&[("a", 3), ("b", 5), ("c", 9)]);
        let router = simulated(&kind, &transport, plain(["a", "b", "c"])).build().unwrap();
        assert_eq!(traffic(&router, 20, 64).await, 1_280, "{kind}");
        assert_eq!(transport.requests().len(), 1_280, "{kind}");
        counters_are_at_rest(&router, &kind);
        let answers: u64 = router.status().iter().map(|one| one.outcomes.0).sum();
        let tokens: u64 = router.status().iter().map(|one| one.tpm).sum();
        assert_eq!((answers, tokens), (1_280, 1_280 * 18), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn weights_are_the_shares_of_simple_shuffle() {
    let transport = taking(&[]);
    let weighted = |id, weight| member_with(id, |settings| settings.weight = Some(weight));
    let members = [weighted("a", 5.0), weighted("b", 3.0), weighted("c", 2.0)];
    let router = simulated("simple-shuffle", &transport, members).build().unwrap();
    traffic(&router, 100, 100).await;
    let statistic = chi_squared(&tally(&transport), &[("a", 0.5), ("b", 0.3), ("c", 0.2)]);
    assert!(statistic < CRITICAL_2, "{statistic}: {:?}", tally(&transport));
}

#[tokio::test(start_paused = true)]
async fn without_differences_all_get_the_same_share() {
    for kind in ["simple-shuffle", "round-robin", "priority", "power-of-two-choices"] {
        let transport = taking(&[("a", 5), ("b", 5), ("c", 5)]);
        let router = simulated(kind, &transport, plain(["a", "b", "c"])).build().unwrap();
        traffic(&router, 60, 50).await;
        let third = 1.0 / 3.0;
        let statistic = chi_squared(&tally(&transport), &[("a", third), ("b", third), ("c", third)]);
        assert!(statistic < CRITICAL_2, "{kind}: {statistic}: {:?}", tally(&transport));
    }
}

#[tokio::test(start_paused = true)]
async fn round_robin_takes_turns_exactly() {
    let transport = taking(&[]);
    let router = simulated("round-robin", &transport, plain(["a", "b", "c"])).build().unwrap();
    traffic(&router, 10, 30).await;
    assert!(tally(&transport).values().all(|count| *count == 100));
}

#[tokio::test(start_paused = true)]
async fn least_busy_gives_a_deployment_ten_times_slower_a_tenth_of_the_load() {
    let transport = taking(&[("quick", 10), ("slow", 100)]);
    let router = simulated("least-busy", &transport, plain(["quick", "slow"])).build().unwrap();
    let router = Arc::new(router);
    let mut running = Vec::new();
    for _ in 0..2_000 {
        let router = router.clone();
        running.push(tokio::spawn(async move { Request::openai("m").said(&router).await.is_ok() }));
        sleep(Duration::from_millis(1)).await;
    }
    assert!(join_all(running).await.into_iter().all(|ok| ok.unwrap()));
    let slow = tally(&transport)["slow"] as f64 / 2_000.0;
    assert!((0.05..0.15).contains(&slow), "{slow}");
    counters_are_at_rest(&router, "least-busy");
}

#[tokio::test(start_paused = true)]
async fn latency_based_strategies_find_the_fastest_and_notice_when_it_is_another_one() {
    for kind in ["latency-based-routing", "latency-ewma"] {
        let swapped = Arc::new(AtomicBool::new(false));
        let now = swapped.clone();
        let transport = answering(move |sent| {
            let first = (sent.header("host") == Some("a")) != now.load(Ordering::Relaxed);
            let time = if first { 70 } else { 700 };
            answers::openai_chat("hello").with_head_delay(Duration::from_millis(time))
        });
        let router = simulated(kind, &transport, plain(["a", "b"])).build().unwrap();
        traffic(&router, 100, 1).await;
        assert!(tally(&transport)["a"] >= 99, "{kind}: {:?}", tally(&transport));
        swapped.store(true, Ordering::Relaxed);
        let before = tally(&transport)["b"];
        traffic(&router, 100, 1).await;
        // The newest samples of the other one are as slow as these.
        assert!(tally(&transport)["b"] > before, "{kind}: {:?}", tally(&transport));
    }
}

#[tokio::test(start_paused = true)]
async fn usage_based_strategies_level_tokens_and_stay_below_limits_under_concurrency() {
    for kind in ["usage-based-routing", "usage-based-routing-v2"] {
        let transport = taking(&[("a", 2), ("b", 2)]);
        let router = simulated(kind, &transport, plain(["a", "b"])).build().unwrap();
        traffic(&router, 200, 1).await;
        let counts = tally(&transport);
        assert!(counts["a"].abs_diff(counts["b"]) <= 1, "{kind}: {counts:?}");
    }
    let transport = taking(&[("a", 20), ("b", 20)]);
    let limited = |id, rpm| member_with(id, |settings| settings.rpm = Some(rpm));
    let router = simulated("usage-based-routing-v2", &transport, [limited("a", 60), limited("b", 30)]);
    let router = router.policy(|policy| policy.max_queued_requests = 10_000).build().unwrap();
    for minute in 1..=5 {
        assert_eq!(traffic(&router, 4, 64).await, 90, "minute {minute}");
        let counts = tally(&transport);
        assert_eq!((counts["a"], counts["b"]), (60 * minute, 30 * minute));
        advance(Duration::from_secs(60)).await;
    }
    counters_are_at_rest(&router, "usage-based-routing-v2");
}

#[tokio::test(start_paused = true)]
async fn no_strategy_exceeds_limits_when_they_are_enforced() {
    for kind in kinds() {
        let transport = taking(&[("a", 3), ("b", 3), ("c", 3)]);
        let limited = |id, rpm| member_with(id, |settings| settings.rpm = Some(rpm));
        let members = [limited("a", 7), limited("b", 11), limited("c", 13)];
        let router = simulated(&kind, &transport, members).policy(|policy| {
            policy.limits = LimitUse::Enforce;
            policy.retry.retries = 0;
        });
        let router = router.build().unwrap();
        assert_eq!(traffic(&router, 3, 40).await, 31, "{kind}");
        let counts = tally(&transport);
        assert_eq!((counts["a"], counts["b"], counts["c"]), (7, 11, 13), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn cost_based_routing_takes_the_cheapest_and_the_next_one_when_that_is_full() {
    let transport = taking(&[]);
    let priced = |id, price, rpm| {
        member_with(id, |settings| {
            settings.prices = Some(TokenPrices { input: price, output: price });
            settings.rpm = rpm;
        })
    };
    let members =
        [priced("dear", 3e-6, None), priced("cheap", 1e-6, Some(10)), member_with("unknown", |_| {})];
    let router = simulated("cost-based-routing", &transport, members).build().unwrap();
    traffic(&router, 30, 1).await;
    let counts = tally(&transport);
    assert_eq!((counts["cheap"], counts["dear"], counts.contains_key("unknown")), (10, 20, false));
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_left_alone_and_its_end_is_noticed() {
    for kind in kinds() {
        let out = Arc::new(AtomicBool::new(true));
        let broken = out.clone();
        let transport = answering(move |sent| {
            if sent.header("host") == Some("a") && broken.load(Ordering::Relaxed) {
                answers::openai_error(503, "overloaded", "no").with_head_delay(Duration::from_millis(2))
            } else {
                answers::openai_chat("hello").with_head_delay(Duration::from_millis(2))
            }
        });
        let router = simulated(&kind, &transport, plain(["a", "b", "c"])).build().unwrap();
        assert_eq!(traffic(&router, 50, 20).await, 1_000, "{kind}: nobody notices the outage");
        let wasted = tally(&transport).get("a").copied().unwrap_or_default();
        assert!(wasted < 100, "{kind}: {wasted} requests went into the outage");
        out.store(false, Ordering::Relaxed);
        advance(Duration::from_secs(61)).await;
        assert!(router.status().iter().all(|one| one.cooldown.is_none()), "{kind}");
        assert_eq!(traffic(&router, 20, 20).await, 400, "{kind}");
        let again = tally(&transport).get("a").copied().unwrap_or_default() - wasted;
        assert!(again >= 100, "{kind}: of 400 requests {again} went to the one that works again");
        counters_are_at_rest(&router, &kind);
    }
}

#[tokio::test(start_paused = true)]
async fn a_routing_group_has_its_own_strategy_and_priorities_make_it_callable() {
    let transport = answering(|sent| match sent.header("host") {
        Some("p1") => answers::openai_error(500, "x", "no"),
        _ => answers::openai_chat("hello"),
    });
    let of = |group: &str, id: &str| crate::hosts::of_group_with(group, id, |_: &mut DeploymentSettings| {});
    let priorities = [("first", 1), ("second", 2), ("third", 2)].map(|(name, n)| (name.to_owned(), n)).into();
    let models = ["first", "second", "third"].map(str::to_owned).into();
    let router = simulated("simple-shuffle", &transport, plain(["a", "b"]))
        .deployment(of("first", "p1"))
        .deployment(of("second", "p2"))
        .deployment(of("third", "p3"))
        .routing_group(llmux_router::RoutingGroup {
            name: "best".to_owned(),
            models,
            strategy: strategy("priority"),
            priorities,
        })
        .routing_group(llmux_router::RoutingGroup {
            name: "turns".to_owned(),
            models: vec!["m".to_owned()],
            strategy: strategy("round-robin"),
            priorities: std::collections::HashMap::new(),
        })
        .build()
        .unwrap();
    for _ in 0..20 {
        let said = Request::openai("best").said(&router).await.unwrap();
        assert!(
            ["p2", "p3"].contains(&said.by.as_str()) && said.retries == 1
                || router.status()[2].cooldown.is_some()
        );
    }
    assert!(router.knows("best") && !router.knows("turns"));
    traffic(&router, 10, 1).await;
    assert_eq!((tally(&transport)["a"], tally(&transport)["b"]), (5, 5));
}

#[test]
fn contradictions_are_refused_when_a_router_is_built() {
    let transport = ScriptedTransport::new();
    let group = |name: &str| llmux_router::RoutingGroup {
        name: name.to_owned(),
        models: vec!["m".to_owned()],
        strategy: strategy("round-robin"),
        priorities: std::collections::HashMap::new(),
    };
    let build = || simulated("simple-shuffle", &transport, plain(["a"]));
    let twice = build().routing_group(group("x")).routing_group(group("y")).build().err().unwrap();
    assert!(twice.message().contains("more than one routing group"), "{twice}");
    let looped = build().alias("loop", "loop", false).build().err().unwrap();
    assert!(looped.message().contains("stands for itself"), "{looped}");
    assert!(simulated("simple-shuffle", &transport, plain(["a", "a"])).build().is_err());
}
