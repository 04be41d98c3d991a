//! Recording what requests cost.

use llmux_core::{
    KeyHash, Money, Operation, SpendEvent, SpendStore,
    tenancy::{Entity, Membership, SpendStatus, Team, Timestamp, VirtualKey},
};
use llmux_db::{LogFilter, SpendBy, SpendFilter};

use crate::engines::Engine;

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn event(cost: &str, time: Timestamp) -> SpendEvent {
    let mut event = SpendEvent::new("request", time, Operation::Chat);
    (event.cost, event.key) = (money(cost), Some(KeyHash::of("sk-a")));
    (event.team, event.user) = (Some("t".to_owned()), Some("u".to_owned()));
    (event.model, event.model_group) = ("gpt-x".to_owned(), "fast".to_owned());
    event.tags = vec!["x".to_owned(), "y".to_owned()];
    event.usage.input = 10;
    event.usage.output = 5;
    event
}

async fn prepare(engine: &Engine) {
    engine.db.insert(&VirtualKey::new(KeyHash::of("sk-a"))).await.unwrap();
    engine.db.insert(&Team::new("t")).await.unwrap();
    engine.db.insert(&Membership::new("t", "u")).await.unwrap();
}

async fn key(engine: &Engine) -> VirtualKey {
    engine.db.get(&KeyHash::of("sk-a").to_string()).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_is_recorded_twice_counts_once_and_to_the_last_digit() {
    for engine in Engine::all().await {
        prepare(&engine).await;
        let now = Timestamp::now();
        let events: Vec<_> = (0..50).map(|_| event("0.000000000000000000001", now)).collect();
        let mut all = events.clone();
        all.push(event("0.999999999999999999999", now));
        engine.db.record(&events).await.unwrap();
        engine.db.record(&all).await.unwrap();
        engine.db.record(&all).await.unwrap();
        let expected = money("1.000000000000000000049");
        assert_eq!(key(&engine).await.spent.total_spend, expected, "{}", engine.name);
        assert_eq!(engine.db.get::<Team>("t").await.unwrap().unwrap().spent.spend, expected);
        assert_eq!(engine.db.get::<Membership>("t\nu").await.unwrap().unwrap().spent.spend, expected);
        let totals = engine.db.spend(SpendBy::Nothing, &SpendFilter::default()).await.unwrap();
        assert_eq!((totals[0].cost, totals[0].requests), (expected, 51));
        let mut filter = LogFilter::default();
        filter.limit = 100;
        let log = engine.db.spend_log(&filter).await.unwrap();
        let sum: Money = log.items.iter().map(|event| event.cost).sum();
        assert_eq!((log.total, sum), (51, expected), "log, totals and aggregates agree");
    }
}

#[tokio::test]
async fn totals_are_told_by_day_model_team_and_tag() {
    for engine in Engine::all().await {
        prepare(&engine).await;
        let day = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut failed = event("0", day("2026-01-02"));
        failed.status = SpendStatus::Failure;
        let events = [event("1", day("2026-01-01")), event("2", day("2026-01-02")), failed];
        engine.db.record(&events).await.unwrap();
        let all = SpendFilter::default();
        let days = engine.db.spend(SpendBy::Day, &all).await.unwrap();
        let shown: Vec<_> =
            days.iter().map(|row| (row.name.as_str(), row.cost, row.requests, row.failures)).collect();
        assert_eq!(shown, [("2026-01-01", money("1"), 1, 0), ("2026-01-02", money("2"), 2, 1)]);
        for (by, name) in [
            (SpendBy::ModelGroup, "fast"),
            (SpendBy::Entity(Entity::Team), "t"),
            (SpendBy::Entity(Entity::User), "u"),
        ] {
            let rows = engine.db.spend(by, &all).await.unwrap();
            assert_eq!((rows.len(), rows[0].name.as_str(), rows[0].cost), (1, name, money("3")), "{by:?}");
            assert_eq!((rows[0].prompt_tokens, rows[0].completion_tokens), (30, 15));
        }
        assert_eq!(engine.db.spend(SpendBy::Tag, &all).await.unwrap().len(), 2);
        let mut first = SpendFilter::default();
        (first.to, first.of) = (Some("2026-01-01".to_owned()), Some((Entity::Team, "t".to_owned())));
        let rows = engine.db.spend(SpendBy::Day, &first).await.unwrap();
        assert_eq!((rows.len(), rows[0].cost), (1, money("1")));
    }
}

/// Pain point 13: periods follow from the calendar, without a job that begins them.
#[tokio::test]
async fn spend_of_a_period_that_is_over_no_longer_counts() {
    for engine in Engine::all().await {
        prepare(&engine).await;
        let (id, now) = (KeyHash::of("sk-a").to_string(), Timestamp::now());
        engine.db.record(&[event("5", now)]).await.unwrap();
        let daily = |key: &mut VirtualKey| {
            key.budget.budget_duration = Some("1d".parse().unwrap());
            Ok(())
        };
        engine.db.update::<VirtualKey>(&id, daily).await.unwrap();
        assert_eq!(key(&engine).await.spent.spend, Money::ZERO, "what was spent before there were periods");
        engine.db.record(&[event("7", now.plus(-86_400_000))]).await.unwrap();
        assert_eq!(key(&engine).await.spent.spend, Money::ZERO, "yesterday's");
        engine.db.record(&[event("0.5", Timestamp::now())]).await.unwrap();
        let spent = key(&engine).await.spent;
        assert_eq!((spent.spend, spent.total_spend), (money("0.5"), money("12.5")));
        assert!(key(&engine).await.budget.budget_reset_at.is_some());
    }
}

/// Pain point 6: writers of the same rows in different orders.
#[tokio::test]
async fn many_who_record_at_once_lose_nothing() {
    for engine in Engine::all().await {
        prepare(&engine).await;
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let db = engine.db.clone();
                tokio::spawn(async move {
                    for _ in 0..10 {
                        let batch: Vec<_> = (0..5).map(|_| event("0.01", Timestamp::now())).collect();
                        db.record(&batch).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(key(&engine).await.spent.total_spend, money("4"), "{}", engine.name);
    }
}
