//! Who may serve a request, and who may not.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use llmux_core::{Dialect, ErrorKind, LimitUse, Timeouts, TokenCounter, TokenPrices};
use llmux_router::{Budget, DeploymentSettings, Exclusion, RetryBudget, Router, RouterPolicy};
use llmux_testkit::{Gate, ScriptedTransport, answers};
use serde_json::json;
use tokio::time::advance;

use crate::{
    asking::Request,
    hosts::{member, member_with, ordered, router, statuses, tally},
};

type Change = fn(&mut DeploymentSettings);

fn of<const N: usize>(members: [(&str, Change); N], change: impl FnOnce(&mut RouterPolicy)) -> Router {
    over(statuses([]), members, change)
}

fn over<const N: usize>(
    transport: ScriptedTransport,
    members: [(&str, Change); N],
    change: impl FnOnce(&mut RouterPolicy),
) -> Router {
    let builder = members
        .into_iter()
        .fold(router(transport), |router, (id, change)| router.deployment(member_with(id, change)));
    builder.policy(change).build().unwrap()
}

/// Everybody who may answer, over many choices.
async fn answering(router: &Router, request: &Request) -> Vec<String> {
    let mut by = Vec::new();
    for _ in 0..40 {
        by.push(request.answered_by(router).await);
    }
    by.sort();
    by.dedup();
    by
}

fn excluded(router: &Router, request: &Request) -> HashMap<String, Option<Exclusion>> {
    let all = request.explained(router).deployments;
    all.into_iter().map(|one| (one.id, one.excluded)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_paused_deployment_gets_no_requests_and_asked_for_alone_is_unavailable() {
    let router = of([("a", |s| s.blocked = true), ("b", |_| {})], |_| {});
    assert_eq!(answering(&router, &Request::openai("m")).await, ["b"]);
    assert_eq!(Request::openai("a").refused(&router).await.error.status().as_u16(), 503);
    router.set_paused(&"b".into(), true).unwrap();
    assert_eq!(Request::openai("m").refused(&router).await.error.status().as_u16(), 429);
    router.set_paused(&"b".into(), false).unwrap();
    assert_eq!(Request::openai("m").answered_by(&router).await, "b");
    assert!(router.set_paused(&"nobody".into(), true).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_prompt_goes_where_it_fits_and_nowhere_if_it_fits_nobody() {
    let members: [(&str, Change); 2] =
        [("small", |s| s.max_input_tokens = Some(100)), ("large", |s| s.max_input_tokens = Some(10_000))];
    let router = of(members, |policy| policy.pre_call_checks = true);
    let long = |words: usize| {
        let messages = json!([{"role": "user", "content": "word ".repeat(words)}]);
        Request::openai("m").field("messages", messages)
    };
    assert_eq!(answering(&router, &Request::openai("m")).await, ["large", "small"]);
    assert_eq!(answering(&router, &long(400)).await, ["large"]);
    let error = long(40_000).refused(&router).await.error;
    assert_eq!((error.kind(), error.status().as_u16()), (ErrorKind::ContextWindowExceeded, 400));
    let unchecked = of(members, |_| {});
    assert_eq!(answering(&unchecked, &long(400)).await, ["large", "small"]);
}

/// Reads a long text as this many tokens, but for the model of `thrifty`.
#[derive(Debug)]
struct Counted(u64);

impl TokenCounter for Counted {
    fn count(&self, model: &str, text: &str) -> u64 {
        if text.starts_with("xx") && model != "thrifty-model" { self.0 } else { 1 }
    }

    fn tokenizer(&self, _: &str) -> &'static str {
        "counted"
    }
}

#[tokio::test(start_paused = true)]
async fn the_tokenizer_of_each_deployments_model_decides_where_there_is_one() {
    for (count, by) in [(99, vec!["large", "small", "thrifty"]), (101, vec!["large", "thrifty"])] {
        let members: [(&str, Change); 3] = [
            ("small", |s| s.max_input_tokens = Some(100)),
            ("thrifty", |s| s.max_input_tokens = Some(100)),
            ("large", |_| {}),
        ];
        let router = of(members, |policy| {
            policy.pre_call_checks = true;
            policy.token_counter = Some(Arc::new(Counted(count)));
        });
        let messages = json!([{"role": "user", "content": "x".repeat(1_000)}]);
        assert_eq!(answering(&router, &Request::openai("m").field("messages", messages)).await, by);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_bound_to_a_region_stays_in_it() {
    let router = of(
        [
            ("eu", |s| s.region = Some("eu-central-1".into())),
            ("us", |s| s.region = Some("eastus".into())),
            ("anywhere", |_| {}),
        ],
        |_| {},
    );
    for region in ["eu", "us"] {
        let request = Request::openai("m").directed(|d| d.region = Some(region.to_owned()));
        assert_eq!(answering(&router, &request).await, [region]);
    }
    let nowhere =
        Request::openai("m").directed(|d| d.region = Some("mars".to_owned())).refused(&router).await;
    assert_eq!(nowhere.error.param(), Some("allowed_model_region"));
}

#[tokio::test(start_paused = true)]
async fn deployments_that_cannot_do_what_a_request_needs_are_left_out() {
    let router = of(
        [
            ("blind", |s| s.capabilities.vision = Some(false)),
            ("idle", |s| s.capabilities.tools = Some(false)),
            ("offline", |s| s.capabilities.web_search = Some(false)),
        ],
        |_| {},
    );
    let image = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}]);
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {}}}]);
    assert_eq!(answering(&router, &Request::openai("m")).await.len(), 3);
    assert_eq!(answering(&router, &Request::openai("m").field("messages", image)).await, ["idle", "offline"]);
    assert_eq!(answering(&router, &Request::openai("m").field("tools", tools)).await, ["blind", "offline"]);
    let quoted = json!([{"role": "user", "content": "what is \"image_url\"?"}]);
    assert_eq!(answering(&router, &Request::openai("m").field("messages", quoted)).await.len(), 3);
    let search = Request::openai("m").field("web_search_options", json!({}));
    assert_eq!(excluded(&router, &search)["offline"], Some(Exclusion::Capability));
}

#[tokio::test(start_paused = true)]
async fn limits_per_minute_are_never_exceeded_when_they_are_enforced_and_are_another_minutes_afterwards() {
    let transport = statuses([]);
    let members: [(&str, Change); 2] = [("a", |s| s.rpm = Some(3)), ("b", |s| s.rpm = Some(2))];
    let router = over(transport.clone(), members, |policy| policy.limits = LimitUse::Enforce);
    for _ in 0..5 {
        Request::openai("m").said(&router).await.unwrap();
    }
    let error = Request::openai("m").refused(&router).await.error;
    assert_eq!((error.status().as_u16(), error.retry_after()), (429, Some(Duration::from_secs(60))));
    assert!(error.message().contains("a: rpm 3/3, tpm -; b: rpm 2/2, tpm -"), "{error}");
    assert_eq!((tally(&transport)["a"], tally(&transport)["b"]), (3, 2));
    advance(Duration::from_secs(60)).await;
    Request::openai("m").said(&router).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn tokens_per_minute_are_counted_after_the_answer_and_looked_at_before_the_next() {
    let router = of([("a", |s| s.tpm = Some(40))], |policy| policy.limits = LimitUse::Observe);
    // Each answer uses 18 tokens.
    for _ in 0..2 {
        Request::openai("m").said(&router).await.unwrap();
    }
    assert_eq!(router.status()[0].tpm, 36);
    assert_eq!(Request::openai("m").refused(&router).await.error.status().as_u16(), 429);
    assert_eq!(excluded(&router, &Request::openai("m"))["a"], Some(Exclusion::Limit));
}

fn day(limit: f64) -> Budget {
    Budget { limit, period: Duration::from_secs(86_400) }
}

fn dear(settings: &mut DeploymentSettings) {
    settings.prices = Some(TokenPrices { input: 0.01, output: 0.02 });
}

#[tokio::test(start_paused = true)]
async fn budgets_of_deployments_providers_and_tags_end_when_they_are_spent_and_begin_anew() {
    // Each answer costs 11 × 0.01 + 7 × 0.02 = 0.25 dollars.
    let own = of(
        [
            ("a", |s| {
                dear(s);
                s.budget = Some(day(0.5));
            }),
            ("b", |_| {}),
        ],
        |_| {},
    );
    let alone = Request::openai("a");
    alone.said(&own).await.unwrap();
    alone.said(&own).await.unwrap();
    let error = alone.refused(&own).await.error;
    assert_eq!(error.status().as_u16(), 429);
    assert!(
        error.message().starts_with(
            "No deployments available - crossed budget: Exceeded budget for deployment a: 0.5 >= 0.5"
        ),
        "{error}"
    );
    assert_eq!(error.retry_after(), Some(Duration::from_secs(86_400)));
    assert_eq!(answering(&own, &Request::openai("m")).await, ["b"]);
    advance(Duration::from_secs(86_400)).await;
    alone.said(&own).await.unwrap();

    let shared = of([("a", dear), ("b", dear)], |policy| {
        policy.provider_budgets.insert("openai_like".to_owned(), day(0.7));
    });
    for _ in 0..3 {
        Request::openai("m").said(&shared).await.unwrap();
    }
    assert!(Request::openai("m").refused(&shared).await.error.message().contains("provider openai_like"));

    let tagged = of([("a", dear)], |policy| _ = policy.tag_budgets.insert("team".to_owned(), day(0.25)));
    let request = Request::openai("m").directed(|d| d.tags = vec!["team".to_owned()]);
    request.said(&tagged).await.unwrap();
    assert!(request.refused(&tagged).await.error.message().contains("tag team"));
    Request::openai("m").said(&tagged).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn deployments_that_a_health_check_found_sick_are_left_out_until_the_check_is_stale() {
    let router =
        of([("a", |_| {}), ("b", |_| {})], |policy| policy.health_routing = Some(Duration::from_secs(60)));
    let sick = |id: &str| router.state().deployment(&id.into()).set_health(false, router.state().now());
    sick("a");
    assert_eq!(answering(&router, &Request::openai("m")).await, ["b"]);
    sick("b");
    assert_eq!(answering(&router, &Request::openai("m")).await, ["a", "b"], "not if all are sick");
    advance(Duration::from_secs(59)).await;
    sick("b");
    advance(Duration::from_secs(1)).await;
    assert_eq!(answering(&router, &Request::openai("m")).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn callers_and_conversations_stay_where_they_were_served_while_that_is_possible() {
    let router = of([("a", |_| {}), ("b", |_| {}), ("c", |_| {})], |policy| {
        (policy.affinity.caller, policy.affinity.session) = (true, true);
    });
    for caller in 0..20 {
        let request = Request::openai("m").directed(|d| d.caller = Some(caller));
        assert_eq!(answering(&router, &request).await.len(), 1, "{caller}");
    }
    let talk = Request::openai("m").directed(|d| (d.caller, d.session) = (Some(7), Some("s".to_owned())));
    let first = talk.answered_by(&router).await;
    router.set_paused(&first.as_str().into(), true).unwrap();
    assert!(!answering(&router, &talk).await.contains(&first));
    router.set_paused(&first.as_str().into(), false).unwrap();
    assert_eq!(
        answering(&router, &talk).await,
        std::slice::from_ref(&first),
        "the first one is not forgotten"
    );
    advance(Duration::from_secs(3_600)).await;
    let anonymous = answering(&router, &Request::openai("m")).await;
    assert_eq!(anonymous.len(), 3, "who does not say who he is goes anywhere");
}

#[tokio::test(start_paused = true)]
async fn a_prompt_goes_where_its_beginning_is_in_the_cache() {
    let router =
        of([("a", |_| {}), ("b", |_| {}), ("c", |_| {})], |policy| policy.affinity.prompt_cache = true);
    let text = "a long text about everything ".repeat(200);
    let marked = |text: &str| json!({"type": "text", "text": text, "cache_control": {"type": "ephemeral"}});
    let ask = |more: Vec<serde_json::Value>| {
        let mut messages = vec![json!({"role": "user", "content": [marked(&text)]})];
        messages.extend(more);
        Request::new(Dialect::Anthropic, "m").field("messages", json!(messages))
    };
    let first = ask(Vec::new()).answered_by(&router).await;
    let reply = json!({"role": "assistant", "content": "yes"});
    let next = json!({"role": "user", "content": [marked("and then?")]});
    assert_eq!(
        answering(&router, &ask(vec![reply.clone(), next.clone()])).await,
        std::slice::from_ref(&first)
    );
    let unmarked = json!({"role": "user", "content": "something else"});
    assert_eq!(answering(&router, &ask(vec![reply, unmarked])).await, [first]);
    advance(Duration::from_secs(300)).await;
    let short = json!([{"role": "user", "content": [marked("short")]}]);
    let short = Request::new(Dialect::Anthropic, "m").field("messages", short);
    assert_eq!(answering(&router, &short).await.len(), 3, "too short to be kept by a provider");
}

#[tokio::test(start_paused = true)]
async fn weights_of_a_request_beat_the_configured_ones() {
    let router = of([("a", |s| s.weight = Some(1.0)), ("b", |s| s.weight = Some(0.0))], |_| {});
    let request = Request::openai("m").directed(|d| _ = d.weights.insert("b".into(), 1.0));
    assert_eq!(answering(&router, &request).await, ["b"]);
}

#[tokio::test(start_paused = true)]
async fn more_requests_than_a_deployment_takes_at_once_wait_in_their_order_and_too_many_are_refused() {
    let (gate, transport) = (Gate::new(), ScriptedTransport::new());
    let held = gate.clone();
    transport.answer_with(move |_| answers::openai_chat("hello").hold_until(&held));
    let router =
        Arc::new(over(transport.clone(), [("a", |s| s.max_parallel_requests = Some(2))], |policy| {
            policy.max_queued_requests = 1;
        }));
    let asking = |_| {
        let router = router.clone();
        tokio::spawn(async move { Request::openai("m").said(&router).await.map(|said| said.by) })
    };
    let mut running: Vec<_> = (0..2).map(asking).collect();
    transport.wait_for_requests(2).await;
    running.push(asking(2));
    tokio::task::yield_now().await;
    let refused = Request::openai("m").retries(0).refused(&router).await.error;
    assert_eq!((refused.status().as_u16(), refused.code()), (429, Some("queue_full")));
    assert_eq!(transport.requests().len(), 2);
    gate.open();
    for one in running {
        assert_eq!(one.await.unwrap().unwrap(), "a");
    }
    assert_eq!(router.status()[0].in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_with_room_is_preferred_to_a_full_one() {
    let (gate, transport) = (Gate::new(), ScriptedTransport::new());
    let held = gate.clone();
    transport.answer_with(move |sent| match sent.header("host") {
        Some("a") => answers::openai_chat("hello").hold_until(&held),
        _ => answers::openai_chat("hello"),
    });
    let members: [(&str, Change); 2] = [
        ("a", |s| (s.weight, s.max_parallel_requests) = (Some(1.0), Some(1))),
        ("b", |s| s.weight = Some(0.0)),
    ];
    let router = Arc::new(over(transport.clone(), members, |_| {}));
    let first = tokio::spawn({
        let router = router.clone();
        async move { Request::openai("m").answered_by(&router).await }
    });
    transport.wait_for_requests(1).await;
    assert_eq!(answering(&router, &Request::openai("m")).await, ["b"]);
    gate.open();
    assert_eq!(first.await.unwrap(), "a");
}

#[tokio::test(start_paused = true)]
async fn a_slow_deployment_is_hedged_by_another_one_and_the_loser_is_cancelled() {
    let transport = ScriptedTransport::new();
    transport.answer_with(|sent| match sent.header("host") {
        Some("a") => llmux_testkit::Answer::never(),
        _ => answers::openai_chat("quick"),
    });
    let members: [(&str, Change); 2] = [("a", |s| s.weight = Some(1.0)), ("b", |s| s.weight = Some(0.0))];
    let hedge = llmux_router::HedgePolicy::After(Duration::from_millis(300));
    let router = over(transport.clone(), members, |policy| policy.hedge = Some(hedge));
    let started = tokio::time::Instant::now();
    assert_eq!(Request::openai("m").answered_by(&router).await, "b");
    assert_eq!(started.elapsed().as_millis(), 300);
    transport.wait_for_disconnects(1).await;
    let status = router.status();
    assert_eq!((status[0].in_flight, status[0].outcomes, status[0].tpm), (0, (0, 0), 0));
    assert_eq!((status[1].in_flight, status[1].outcomes, status[1].tpm), (0, (1, 0), 18));
}

#[tokio::test(start_paused = true)]
async fn how_long_a_deployment_took_lately_says_when_it_is_hedged() {
    let (transport, slow) = (ScriptedTransport::new(), Arc::new(AtomicBool::new(false)));
    let hangs = slow.clone();
    transport.answer_with(move |sent| match sent.header("host") {
        Some("a") if hangs.load(Ordering::Relaxed) => llmux_testkit::Answer::never(),
        Some("a") => answers::openai_chat("as ever").with_delay(Duration::from_millis(100)),
        _ => answers::openai_chat("quick"),
    });
    let members: [(&str, Change); 2] = [("a", |s| s.weight = Some(1.0)), ("b", |s| s.weight = Some(0.0))];
    let hedge = llmux_router::HedgePolicy::Percentile(0.95);
    let router = over(transport.clone(), members, |policy| policy.hedge = Some(hedge));
    for _ in 0..5 {
        assert_eq!(
            Request::openai("m").answered_by(&router).await,
            "a",
            "nobody knows yet how long it takes"
        );
    }
    slow.store(true, Ordering::Relaxed);
    let began = tokio::time::Instant::now();
    assert_eq!(Request::openai("m").answered_by(&router).await, "b");
    // Timers go by whole milliseconds.
    assert!((100..=101).contains(&began.elapsed().as_millis()));
}

#[tokio::test(start_paused = true)]
async fn a_hedge_goes_to_somebody_who_has_not_failed_yet_and_counts_as_an_attempt() {
    for (few, by) in [(false, "c"), (true, "b")] {
        let transport = ScriptedTransport::new();
        transport.answer_with(|sent| match sent.header("host") {
            Some("a") => answers::openai_error(500, "server_error", "no"),
            Some("b") => answers::openai_chat("slow").with_delay(Duration::from_secs(5)),
            _ => answers::openai_chat("quick"),
        });
        let router = ["a", "b", "c"].into_iter().zip(1..);
        let router =
            router.fold(self::router(transport), |router, (id, order)| router.deployment(ordered(id, order)));
        let hedge = llmux_router::HedgePolicy::After(Duration::from_millis(300));
        let build = router.policy(|policy| {
            policy.hedge = Some(hedge);
            // Leave for the attempt after the failure, and for none beside it.
            policy.retry.budget = few.then_some(RetryBudget { share: 0.0, least: 1 });
        });
        assert_eq!(Request::openai("m").answered_by(&build.build().unwrap()).await, by);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_for_a_place_than_the_request_may_take() {
    let transport = ScriptedTransport::new();
    transport.answer_with(|_| llmux_testkit::Answer::never());
    let router =
        Arc::new(over(transport.clone(), [("a", |s| s.max_parallel_requests = Some(1))], |policy| {
            policy.timeouts.total = Some(Duration::from_secs(9));
        }));
    let first = tokio::spawn({
        let router = router.clone();
        async move { Request::openai("m").retries(0).refused(&router).await }
    });
    transport.wait_for_requests(1).await;
    advance(Duration::from_secs(1)).await;
    let began = tokio::time::Instant::now();
    let mut timeouts = Timeouts::default();
    timeouts.total = Some(Duration::from_secs(2));
    let late = Request::openai("m").retries(0).timeouts(timeouts);
    let refused = late.refused(&router).await.error;
    assert_eq!((refused.kind(), began.elapsed().as_secs()), (ErrorKind::Timeout, 2));
    assert_eq!(transport.requests().len(), 1);
    assert_eq!(first.await.unwrap().error.kind(), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn deployments_come_and_go_while_requests_run_and_keep_their_counters() {
    let (gate, transport) = (Gate::new(), ScriptedTransport::new());
    let held = gate.clone();
    transport.answer_with(move |_| answers::openai_chat("hello").hold_until(&held));
    let router = Arc::new(over(transport.clone(), [("a", |_| {})], |_| {}));
    let running = tokio::spawn({
        let router = router.clone();
        async move { Request::openai("m").answered_by(&router).await }
    });
    transport.wait_for_requests(1).await;
    router.upsert(member("b")).unwrap();
    router.remove(&"a".into()).unwrap();
    assert!(router.remove(&"a".into()).is_err());
    gate.open();
    assert_eq!(running.await.unwrap(), "a", "it runs to its end");
    assert_eq!(Request::openai("m").answered_by(&router).await, "b");
    router.upsert(member_with("b", |settings| settings.weight = Some(2.0))).unwrap();
    assert_eq!(router.status().len(), 1);
    assert_eq!(router.status()[0].rpm, 1);
}

#[tokio::test(start_paused = true)]
async fn a_choice_can_be_explained_without_being_made() {
    let transport = statuses([]);
    let members: [(&str, Change); 4] = [
        ("a", |s| s.order = Some(1)),
        ("b", |s| s.order = Some(2)),
        ("c", |s| s.blocked = true),
        ("d", |_| {}),
    ];
    let router = over(transport.clone(), members, |policy| {
        policy.fallbacks.general.add("m", [llmux_router::Fallback::to("n")]);
    });
    let explanation = Request::openai("m").explained(&router);
    assert_eq!(
        (explanation.chosen.as_deref(), explanation.fallbacks.as_slice()),
        (Some("a"), &["n".to_owned()][..])
    );
    assert_eq!(explanation.to_string(), "group=m; chosen=a; b=order; c=paused; d=order");
    assert!(transport.requests().is_empty());
    assert!(router.status().iter().all(|one| one.rpm == 0));
}
