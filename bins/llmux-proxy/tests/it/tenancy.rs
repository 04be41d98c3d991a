//! Virtual keys, limits and spend, over a store in memory: what the gateway makes of them, whoever keeps them.

mod stage;

use std::sync::atomic::Ordering;

use llmux_core::{
    ErrorKind,
    tenancy::{KeyHash, KeyIdentity, SpendStatus, Team, Timestamp, VirtualKey},
};
use llmux_testkit::{Answer as Scripted, answers};
use serde_json::json;

use crate::{
    proxy::{chat, streamed},
    tenancy::stage::{KEY, Stage, priced},
};

fn key(change: impl FnOnce(&mut VirtualKey)) -> KeyIdentity {
    let mut key = VirtualKey::new(KeyHash::of(KEY));
    change(&mut key);
    KeyIdentity::new(key)
}

#[tokio::test]
async fn a_virtual_key_is_served_and_a_wrong_one_is_not() {
    let stage = Stage::start([answers::openai_chat("hi")]).await;
    stage.know(key(|_| {}));
    assert_eq!(stage.chat(&chat("model")).await.status, 200);
    let wrong = stage.ask("sk-wrong", &chat("model")).await;
    assert_eq!(wrong.openai_error(), (401, "token_not_found_in_db".into(), "401".into()));
    assert_eq!(stage.ask("sk-master", &chat("model")).await.status, 200);
}

#[tokio::test]
async fn keys_that_are_blocked_or_expired_or_whose_team_is_blocked_are_refused_in_litellms_words() {
    let stage = Stage::start([answers::openai_chat("hi")]).await;
    stage.know(key(|key| key.blocked = true));
    assert_eq!(stage.chat(&chat("model")).await.openai_error(), (401, "auth_error".into(), "401".into()));
    stage.know(key(|key| key.expires = Some(Timestamp::from_millis(1))));
    assert_eq!(stage.chat(&chat("model")).await.openai_error(), (401, "expired_key".into(), "401".into()));
    let mut of_team = key(|_| {});
    let mut team = Team::new("t");
    team.blocked = true;
    of_team.team = Some(team);
    stage.know(of_team);
    assert_eq!(stage.chat(&chat("model")).await.openai_error(), (401, "auth_error".into(), "401".into()));
}

#[tokio::test]
async fn a_key_that_cannot_be_verified_is_no_strangers() {
    let stage = Stage::start([answers::openai_chat("hi")]).await;
    stage.store.away.store(true, Ordering::SeqCst);
    let refused = stage.chat(&chat("model")).await;
    assert_eq!(refused.openai_error().0, 503);
    assert_eq!(stage.get("/health/readiness").await.json()["db"], "Not connected");
    assert_eq!(
        stage.ask("no-key-at-all", &chat("model")).await.openai_error().0,
        401,
        "nobody looks that up"
    );
    assert_eq!(stage.ask("sk-master", &chat("model")).await.status, 200, "the master key needs no database");
    stage.store.away.store(false, Ordering::SeqCst);
    assert_eq!(stage.chat(&chat("model")).await.openai_error().0, 401);
    assert_eq!(stage.get("/health/readiness").await.json()["db"], "connected");
}

#[tokio::test]
async fn a_key_asks_for_its_own_models_and_routes_only_and_sees_no_others() {
    let stage = Stage::start([answers::openai_chat("hi")]).await;
    stage.know(key(|key| {
        key.models = vec!["model".into()];
        key.aliases.insert("mine".into(), "model".into());
    }));
    assert_eq!(stage.chat(&chat("model")).await.status, 200);
    assert_eq!(stage.chat(&chat("mine")).await.status, 200);
    let refused = stage.chat(&chat("other")).await;
    assert_eq!(refused.openai_error(), (403, "key_model_access_denied".into(), "403".into()));
    assert_eq!(refused.json()["error"]["param"], "model");
    for list in ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"] {
        let mut detour = chat("model");
        detour[list] = json!(["model", {"model": "other"}]);
        assert_eq!(stage.chat(&detour).await.openai_error().1, "key_model_access_denied", "{list}");
    }
    assert_eq!(stage.explain(&chat("model")).await.status, 200);
    assert_eq!(stage.explain(&chat("other")).await.openai_error().1, "key_model_access_denied");
    let models = stage.get("/v1/models").await.json();
    let names: Vec<_> = models["data"].as_array().unwrap().iter().map(|model| model["id"].clone()).collect();
    assert_eq!(names, ["model"]);
    assert_eq!(stage.get("/v1/models/model").await.status, 200);
    assert_eq!(stage.get("/v1/models/other").await.openai_error().1, "key_model_access_denied");
    assert_eq!(
        stage.get("/openai/v1/files").await.openai_error().0,
        403,
        "what passes untouched names no model"
    );
    stage.know(key(|key| key.allowed_routes = vec!["/embeddings".into()]));
    assert_eq!(stage.chat(&chat("model")).await.openai_error(), (403, "auth_error".into(), "403".into()));
}

#[tokio::test]
async fn requests_beyond_a_rate_get_429_and_everybody_is_told_what_is_left() {
    let stage = Stage::start([priced()]).await;
    stage.know(key(|key| {
        key.limits.rpm_limit = Some(2);
        key.limits.tpm_limit = Some(100_000);
        key.limits.model_rpm_limit.insert("model".into(), 1);
    }));
    let first = stage.chat(&chat("model")).await;
    assert_eq!(first.header("x-ratelimit-limit-requests"), Some("1"));
    assert_eq!(first.header("x-ratelimit-remaining-requests"), Some("0"));
    assert_eq!(first.header("x-ratelimit-api_key-remaining-requests"), Some("1"));
    assert_eq!(first.header("x-ratelimit-model_per_key-limit-requests"), Some("1"));
    assert_eq!(first.header("x-ratelimit-limit-tokens"), Some("100000"));
    let refused = stage.chat(&chat("model")).await;
    assert_eq!(refused.openai_error(), (429, "rate_limit_error".into(), "429".into()));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    assert!(
        refused.message().contains("Limit type: requests. Current limit: 1, Remaining: 0. Limit resets at: ")
    );
    assert_eq!(stage.chat(&chat("other")).await.status, 200);
    assert_eq!(stage.chat(&chat("other")).await.openai_error().0, 429);
}

#[tokio::test]
async fn requests_at_a_time_are_released_however_they_end() {
    let gate = llmux_testkit::Gate::new();
    let held = answers::openai_stream(&["a", "b"]).hold_after(1, &gate);
    let stage =
        Stage::start([held, answers::openai_error(500, "server_error", "no"), answers::openai_chat("hi")])
            .await;
    stage.know(key(|key| key.limits.max_parallel_requests = Some(1)));
    let mut running = stage.post(KEY, &streamed("model")).send().await.unwrap();
    assert!(running.chunk().await.unwrap().is_some());
    assert_eq!(stage.chat(&chat("model")).await.openai_error().0, 429);
    drop(running);
    stage.upstream.wait_for_disconnect().await;
    stage.events(1).await;
    assert_eq!(stage.chat(&chat("model")).await.status, 500);
    assert_eq!(stage.chat(&chat("model")).await.status, 200);
}

#[tokio::test]
async fn a_budget_stops_requests_before_they_could_exceed_it() {
    let stage = Stage::start([priced()]).await;
    stage.know(key(|key| key.budget.max_budget = Some("0.003".parse().unwrap())));
    let mut body = chat("model");
    body["max_tokens"] = 100.into();
    assert_eq!(stage.chat(&body).await.status, 200);
    let refused = stage.chat(&body).await;
    assert_eq!(refused.openai_error(), (422, "budget_exceeded".into(), "422".into()));
    assert!(refused.message().starts_with("Budget has been exceeded! api_key: "), "{}", refused.message());
    assert_eq!(stage.upstream.requests().len(), 1);
}

#[tokio::test]
async fn each_request_makes_exactly_one_event_whatever_its_end() {
    let answers = [
        priced(),
        answers::openai_stream(&["a"]),
        answers::openai_error(400, "invalid_request_error", "no"),
        answers::openai_stream(&["a", "b"]).stall_after(2),
        Scripted::reset(),
    ];
    let stage = Stage::start(answers).await;
    let mut identity = key(|key| {
        key.tags = vec!["tagged".into()];
        key.team_id = Some("t".into());
        key.user_id = Some("u".into());
    });
    identity.team = Some(Team::new("t"));
    stage.know(identity);
    let mut body = chat("model");
    body["user"] = json!("customer");
    assert_eq!(stage.chat(&body).await.status, 200);
    stage.events(1).await;
    assert_eq!(stage.chat(&streamed("model")).await.status, 200);
    stage.events(2).await;
    assert_eq!(stage.chat(&chat("model")).await.status, 400);
    stage.events(3).await;
    let mut left = stage.post(KEY, &streamed("model")).send().await.unwrap();
    assert!(left.chunk().await.unwrap().is_some());
    drop(left);
    stage.events(4).await;
    assert_eq!(stage.chat(&chat("model")).await.status, 502);
    let events = stage.events(5).await;
    let ends: Vec<_> = events.iter().map(|event| (event.status, event.http_status)).collect();
    let failed = |status| (SpendStatus::Failure, status);
    let done = (SpendStatus::Success, 200);
    assert_eq!(ends, [done, done, failed(400), (SpendStatus::Aborted, 499), failed(502)]);
    let first = &events[0];
    assert_eq!(first.cost.to_string(), "0.00275");
    assert_eq!(
        (first.usage.total(), first.model_group.as_str(), first.provider.as_str()),
        (1_100, "model", "openai")
    );
    assert_eq!((first.team.as_deref(), first.user.as_deref()), (Some("t"), Some("u")));
    assert_eq!(
        (first.end_user.as_deref(), first.tags.as_slice()),
        (Some("customer"), &["tagged".to_owned()][..])
    );
    assert_eq!(first.key, Some(KeyHash::of(KEY)));
}

#[tokio::test]
async fn what_a_client_calls_things_is_kept_as_a_database_can_keep_it() {
    let stage = Stage::start([priced()]).await;
    stage.know(key(|_| {}));
    let mut body = chat("model");
    body["user"] = json!(format!("cus\u{0}tomer{}", "x".repeat(3_000)));
    assert_eq!(stage.chat(&body).await.status, 200);
    body["model"] = json!(format!("\u{0}{}", "y".repeat(3_000)));
    assert_eq!(stage.chat(&body).await.status, 404);
    let events = stage.events(2).await;
    let named = events[0].end_user.as_deref().unwrap();
    assert!(named.starts_with("customerx") && named.len() == 256, "{named}");
    assert!(events[1].model_group.starts_with('y') && events[1].model_group.len() == 256);
}

#[tokio::test]
async fn spend_waits_in_the_journal_while_the_database_is_away() {
    let stage = Stage::start([priced()]).await;
    stage.know(key(|_| {}));
    assert_eq!(stage.chat(&chat("model")).await.status, 200);
    stage.events(1).await;
    stage.store.fail_with(Some(ErrorKind::Unavailable));
    for _ in 0..5 {
        assert_eq!(stage.chat(&chat("model")).await.status, 200, "traffic goes on");
    }
    stage.store.fail_with(None);
    assert_eq!(stage.events(6).await.len(), 6);
}
