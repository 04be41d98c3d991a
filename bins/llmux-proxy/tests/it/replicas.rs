//! Several proxies that share one real Redis, or a cluster of them.

use std::collections::BTreeSet;

use futures::future::join_all;
use llmux_testkit::{RedisCluster, RedisProcess, ScriptedUpstream, answers};
use serde_json::Value;

use crate::proxy::{Answer, Proxy, Setup, chat};

/// Requests per minute of the deployment with a limit.
const LIMIT: usize = 600;
/// Requests that are under way at once.
const AT_ONCE: usize = 32;

/// What becomes reachable again is said in the log with these words.
const IN_REACH: &str = "the state that replicas share is in reach";
/// And what is lost with these.
const LOST: &str = "the state that replicas share is out of reach";

/// The group `limited` has one deployment with a limit, `free` one without, both at the same provider.
fn config(upstream: &ScriptedUpstream, settings: &str) -> String {
    let deployment = |name: &str, rpm: &str| {
        format!(
            "  - model_name: {name}\n    litellm_params: {{model: openai/{name}-up, api_key: sk-up, api_base: '{}/v1'{rpm}}}\n    \
             model_info: {{id: {name}}}\n",
            upstream.url()
        )
    };
    format!(
        "model_list:\n{}{}router_settings:\n  num_retries: 0\n  optional_pre_call_checks: [enforce_model_rate_limits]\n{settings}",
        deployment("limited", &format!(", rpm: {LIMIT}")),
        deployment("free", ""),
    )
}

fn at(server: &RedisProcess, sharing: &str) -> String {
    let port = server.port();
    format!(
        "  redis_host: 127.0.0.1\n  redis_port: {port}\n  shared_state: {{command_timeout: 2s, {sharing}}}\n"
    )
}

/// Proxies that have got to know each other.
async fn start(config: &str, count: usize) -> Vec<Proxy> {
    let mut proxies = Vec::new();
    for _ in 0..count {
        let proxy = Setup::config(config).start().await;
        proxy.wait_for_log(IN_REACH).await;
        proxies.push(proxy);
    }
    proxies
}

/// Asks the proxies in turn; gives how many requests were answered. All others were refused for the limit.
async fn burst(proxies: &[Proxy], model: &str, count: usize) -> usize {
    let body = chat(model);
    let workers = (0..AT_ONCE).map(|worker| {
        let body = &body;
        async move {
            let mut answered = 0;
            for number in (worker..count).step_by(AT_ONCE) {
                let proxy = &proxies[number % proxies.len()];
                let answer = Answer::of(proxy.post("/v1/chat/completions", body)).await;
                match answer.status.as_u16() {
                    200 => answered += 1,
                    status => assert_eq!(status, 429, "{}", answer.text),
                }
            }
            answered
        }
    });
    join_all(workers).await.into_iter().sum()
}

/// What a proxy knows of a deployment.
async fn known(proxy: &Proxy, model: &str) -> Value {
    Answer::of(proxy.post("/router/explain", &chat(model))).await.json()["deployments"][0].clone()
}

/// Waits until each proxy knows something of a deployment.
async fn wait_for(proxies: &[Proxy], model: &str, what: impl Fn(&Value) -> bool) {
    for proxy in proxies {
        let waiting = async {
            while !what(&known(proxy, model).await) {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await;
        assert!(waited.is_ok(), "it never knows: {}", known(proxy, model).await);
    }
}

/// The minutes of Redis's clock in which something was done.
struct Minutes(BTreeSet<u64>);

impl Minutes {
    async fn begin(server: &RedisProcess) -> Self {
        let mut minutes = Self(BTreeSet::new());
        minutes.see(server).await;
        minutes
    }

    /// Whether another minute has begun.
    async fn are_over(&self, server: &RedisProcess) -> bool {
        Self::begin(server).await.0 != self.0
    }

    async fn see(&mut self, server: &RedisProcess) {
        let info = server.ask("INFO server").await;
        let time = info.lines().find_map(|line| line.strip_prefix("server_time_usec:")).unwrap();
        let seconds = time.trim().parse::<u64>().unwrap() / 1_000_000;
        self.0.insert(seconds / 60);
    }

    /// How many minutes the beginning and the end span.
    async fn until_now(mut self, server: &RedisProcess) -> usize {
        self.see(server).await;
        usize::try_from(self.0.last().unwrap() - self.0.first().unwrap() + 1).unwrap()
    }
}

/// An upstream that answers at once.
async fn upstream() -> ScriptedUpstream {
    let upstream = ScriptedUpstream::start().await;
    upstream.script([answers::openai_chat("Hello")]);
    upstream
}

async fn exact(count: usize) {
    let Some(server) = RedisProcess::start().await else { return };
    let upstream = upstream().await;
    let proxies = start(&config(&upstream, &at(&server, "limits: exact")), count).await;
    let minutes = Minutes::begin(&server).await;
    let answered = burst(&proxies, "limited", LIMIT + 200).await;
    let minutes = minutes.until_now(&server).await;
    assert_eq!(upstream.requests().len(), answered, "whoever is refused is not sent on");
    assert!((LIMIT..=LIMIT * minutes).contains(&answered), "{answered} in {minutes} minutes");
    assert_eq!(burst(&proxies, "free", 50).await, 50);
}

#[tokio::test]
async fn two_proxies_never_exceed_an_exact_limit() {
    exact(2).await;
}

#[tokio::test]
async fn pain_10_four_proxies_never_exceed_an_exact_limit() {
    exact(4).await;
}

#[tokio::test]
async fn four_proxies_exceed_a_leased_limit_by_no_more_than_is_said() {
    let Some(server) = RedisProcess::start().await else { return };
    let upstream = upstream().await;
    let proxies = start(&config(&upstream, &at(&server, "limits: leased, overshoot: 0.1")), 4).await;
    let minutes = Minutes::begin(&server).await;
    let mut answered = 0;
    // Leases run out in a burst and are there again a moment later: until several in a row find nothing.
    let mut nothing = 0;
    while nothing < 5 && answered < 2 * LIMIT {
        let more = burst(&proxies, "limited", 100).await;
        nothing = if more == 0 { nothing + 1 } else { 0 };
        answered += more;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let minutes = minutes.until_now(&server).await;
    let bound = (LIMIT + LIMIT / 10 + proxies.len()) * minutes;
    assert_eq!(upstream.requests().len(), answered);
    assert!((LIMIT * 8 / 10..=bound).contains(&answered), "{answered} in {minutes} minutes");
}

/// Waits until Redis knows of so many requests, or another minute has begun.
async fn wait_until_told(server: &RedisProcess, answered: usize, minutes: &Minutes) {
    let told = async {
        loop {
            let total = server.ask("HGET llmux:{limited}:rpm total").await;
            let total = total.lines().nth(1).and_then(|total| total.parse().ok()).unwrap_or(0);
            if total >= answered || minutes.are_over(server).await {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), told).await.expect("Redis is told everything");
}

/// Redis is killed, traffic goes on, Redis comes back empty, a replica is killed and another one comes: within what
/// is said all the time.
async fn survives(sharing: &str, count: usize, bound: usize) {
    let Some(mut server) = RedisProcess::start().await else { return };
    let upstream = upstream().await;
    let config = config(&upstream, &at(&server, sharing));
    let mut proxies = start(&config, count).await;
    let minutes = Minutes::begin(&server).await;
    let mut answered = burst(&proxies, "limited", 120).await;
    wait_for(&proxies, "limited", |of| {
        // Nothing, when another minute has begun.
        of["rpm"] == answered || of["rpm"] == 0
    })
    .await;

    server.kill().await;
    assert_eq!(burst(&proxies, "free", 50).await, 50, "traffic goes on");
    for proxy in &proxies {
        proxy.wait_for_log(LOST).await;
    }
    let meanwhile = burst(&proxies, "limited", 40).await;
    assert!(meanwhile == 40 || sharing.contains("fail_closed"), "{meanwhile}: within what was left");
    answered += meanwhile;
    server.restart().await;
    for proxy in &proxies {
        let log = proxy.wait_for_log_times(IN_REACH, 2).await;
        assert_eq!(log.matches(LOST).count(), 1, "said once, and not for each request: {log}");
    }
    wait_until_told(&server, answered, &minutes).await;

    drop(proxies.remove(0));
    proxies.extend(start(&config, 1).await);
    let mut nothing = 0;
    while nothing < 5 && answered < 2 * LIMIT {
        let more = burst(&proxies, "limited", 200).await;
        nothing = if more == 0 { nothing + 1 } else { 0 };
        answered += more;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let minutes = minutes.until_now(&server).await;
    let sent = upstream.requests().iter().filter(|request| request.json()["model"] == "limited-up").count();
    assert_eq!(sent, answered);
    assert!(answered >= LIMIT / 2 && sent <= bound * minutes, "{sent} in {minutes} minutes");
}

#[tokio::test]
async fn an_exact_limit_survives_the_death_of_redis_and_of_a_replica() {
    survives("limits: exact", 2, LIMIT + 2).await;
}

#[tokio::test]
async fn an_exact_limit_that_fails_closed_is_not_exceeded_whatever_dies() {
    survives("limits: exact, fail_closed: true", 2, LIMIT).await;
}

#[tokio::test]
async fn a_leased_limit_survives_the_death_of_redis_and_of_a_replica() {
    survives("limits: leased, overshoot: 0.1", 4, LIMIT + LIMIT / 10 + 4 + 4).await;
}

#[tokio::test]
async fn pain_4_a_redis_that_hangs_holds_no_request_up_for_long_and_is_used_again_afterwards() {
    let Some(server) = RedisProcess::start().await else { return };
    let upstream = upstream().await;
    let proxies = start(&config(&upstream, &at(&server, "limits: exact")), 2).await;
    assert_eq!(burst(&proxies, "limited", 40).await, 40);
    server.pause().await;
    assert_eq!(burst(&proxies, "limited", 40).await, 40, "within what was left");
    for proxy in &proxies {
        proxy.wait_for_log(LOST).await;
    }
    assert_eq!(burst(&proxies, "limited", 40).await, 40);
    assert_eq!(burst(&proxies, "free", 40).await, 40);
    server.resume().await;
    for proxy in &proxies {
        proxy.wait_for_log_times(IN_REACH, 2).await;
    }
    let minutes = Minutes::begin(&server).await;
    wait_until_told(&server, 120, &minutes).await;
    assert_eq!(burst(&proxies, "limited", 40).await, 40);
}

#[tokio::test]
async fn what_fails_at_one_proxy_is_left_alone_by_all() {
    let Some(server) = RedisProcess::start().await else { return };
    let upstream = upstream().await;
    let proxies = start(&config(&upstream, &at(&server, "limits: local")), 2).await;
    upstream.script([answers::openai_error(401, "wrong_key", "no")]);
    assert_eq!(proxies[0].chat("free").await.status, 401);
    wait_for(&proxies, "free", |of| of["excluded"] == "cooldown").await;
    let before = upstream.requests().len();
    assert_eq!(proxies[1].chat("free").await.status, 429);
    assert_eq!(upstream.requests().len(), before);
}

#[tokio::test]
async fn a_cluster_is_as_good_as_one_server() {
    let Some(mut cluster) = RedisCluster::start().await else { return };
    let upstream = upstream().await;
    let nodes = cluster.nodes.iter().map(|node| format!("{{host: 127.0.0.1, port: {}}}", node.port()));
    let nodes = nodes.collect::<Vec<_>>().join(", ");
    let sharing = "  shared_state: {limits: exact, command_timeout: 2s}\n";
    let config = config(&upstream, &format!("  redis_startup_nodes: [{nodes}]\n{sharing}"));
    let proxies = start(&config, 2).await;
    let minutes = Minutes::begin(&cluster.nodes[0]).await;
    let answered = burst(&proxies, "limited", LIMIT + 200).await;
    let minutes = minutes.until_now(&cluster.nodes[0]).await;
    assert!((LIMIT..=LIMIT * minutes).contains(&answered), "{answered} in {minutes} minutes");
    cluster.nodes[1].kill().await;
    assert_eq!(burst(&proxies, "free", 50).await, 50, "traffic goes on without a node");
}

#[tokio::test]
async fn a_proxy_starts_without_its_redis_and_shares_when_it_comes() {
    let Some(mut server) = RedisProcess::start().await else { return };
    server.kill().await;
    let upstream = upstream().await;
    let proxy = Setup::config(config(&upstream, &at(&server, "limits: exact"))).start().await;
    assert_eq!(proxy.chat("free").await.status, 200);
    assert_eq!(proxy.chat("limited").await.status, 200, "within the limit that it keeps alone");
    proxy.wait_for_log(LOST).await;
    server.restart().await;
    proxy.wait_for_log(IN_REACH).await;
    assert_eq!(proxy.chat("limited").await.status, 200);
}

#[tokio::test]
async fn settings_that_contradict_each_other_are_refused_at_the_start() {
    let upstream = upstream().await;
    for (settings, word) in [
        ("  redis_host: a\n  shared_state: {limits: perhaps}\n", "limits"),
        ("  redis_host: a\n  shared_state: {overshoot: 3}\n", "overshoot"),
        ("  redis_startup_nodes: [{host: a, port: 1}]\n  redis_db: 3\n", "database"),
        ("  redis_url: nonsense\n", "redis"),
        ("  redis_host: a\n  redis_port: 99999\n", "redis_port"),
    ] {
        let outcome = Setup::config(config(&upstream, settings)).run().await;
        assert!(!outcome.status.success() && outcome.err.contains(word), "{settings}: {}", outcome.err);
    }
}
