//! Making, finding, changing and removing identities.

use std::sync::{Arc, Mutex};

use llmux_core::{
    ErrorKind, IdentityStore, KeyHash,
    tenancy::{
        Budget, Entity, IdentityChange, IdentityListener, Membership, Organization, Team, Timestamp, User,
        VirtualKey,
    },
};
use llmux_db::{Database, Filter};
use llmux_testkit::PostgresProcess;
use serde_json::json;

use crate::engines::Engine;

fn key(secret: &str, settings: serde_json::Value) -> VirtualKey {
    let mut fields = settings;
    fields["token"] = json!(KeyHash::of(secret));
    serde_json::from_value(fields).unwrap()
}

#[tokio::test]
async fn a_key_is_found_with_everything_it_belongs_to() {
    for engine in Engine::all().await {
        let db = &engine.db;
        let organization: Organization =
            serde_json::from_value(json!({"organization_id": "o", "budget_id": "b"})).unwrap();
        let budget: Budget =
            serde_json::from_value(json!({"budget_id": "b", "max_budget": 5, "rpm_limit": 7})).unwrap();
        let team: Team =
            serde_json::from_value(json!({"team_id": "t", "organization_id": "o", "max_budget": 0.1}))
                .unwrap();
        let user: User =
            serde_json::from_value(json!({"user_id": "u", "user_role": "internal_user"})).unwrap();
        db.insert(&organization).await.unwrap();
        db.insert(&budget).await.unwrap();
        db.insert(&team).await.unwrap();
        db.insert(&user).await.unwrap();
        db.insert(&Membership::new("t", "u")).await.unwrap();
        db.insert(&key("sk-a", json!({"team_id": "t", "user_id": "u", "policies": ["kept"]}))).await.unwrap();

        let found = db.identity(&KeyHash::of("sk-a")).await.unwrap().unwrap();
        assert_eq!(found.team.unwrap().budget.max_budget.unwrap().to_string(), "0.1", "{}", engine.name);
        assert_eq!(found.user.unwrap().user_id, "u");
        assert!(found.membership.is_some());
        assert_eq!(found.key.extra["policies"], json!(["kept"]));
        let organization = found.organization.unwrap();
        assert_eq!(
            (organization.limits.rpm_limit, organization.budget.max_budget),
            (Some(7), Some("5".parse().unwrap()))
        );
        assert_eq!(db.identity(&KeyHash::of("sk-b")).await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_id_is_given_once_and_what_is_removed_is_gone() {
    for engine in Engine::all().await {
        let db = &engine.db;
        db.insert(&Team::new("t")).await.unwrap();
        assert_eq!(db.insert(&Team::new("t")).await.unwrap_err().kind(), ErrorKind::Conflict);
        let missing = db.update::<Team>("x", |_| Ok(())).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        assert!(db.remove::<Team>("t", Some("admin")).await.unwrap().is_some());
        assert!(db.remove::<Team>("t", None).await.unwrap().is_none());
        assert!(db.get::<Team>("t").await.unwrap().is_none());
        db.insert(&Team::new("t")).await.unwrap();
    }
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    for engine in Engine::all().await {
        let db = &engine.db;
        for number in 0..25 {
            let team = if number < 10 { "a" } else { "b" };
            let alias = format!("key_{number:02}");
            let made = Timestamp::from_millis(number);
            let new = key(
                &alias,
                json!({"key_alias": alias, "team_id": team, "created_at": made, "blocked": number == 3}),
            );
            db.insert(&new).await.unwrap();
        }
        let mut filter = Filter::new();
        (filter.team, filter.limit, filter.offset) = (Some("b".to_owned()), Some(10), 10);
        let page = db.list::<VirtualKey>(&filter).await.unwrap();
        let aliases: Vec<_> = page.items.iter().flat_map(|key| key.key_alias.clone()).collect();
        assert_eq!(
            (page.total, aliases),
            (15, ["14", "13", "12", "11", "10"].map(|n| format!("key_{n}")).to_vec())
        );
        let mut filter = Filter::new();
        filter.search = Some("Y_03".to_owned());
        assert_eq!(db.list::<VirtualKey>(&filter).await.unwrap().total, 1);
        filter.search = Some("%".to_owned());
        assert_eq!(db.list::<VirtualKey>(&filter).await.unwrap().total, 0, "a percent sign is only itself");
        let mut filter = Filter::new();
        filter.blocked = Some(true);
        assert_eq!(db.list::<VirtualKey>(&filter).await.unwrap().total, 1);
    }
}

#[tokio::test]
async fn a_replaced_key_keeps_its_settings_and_is_good_as_long_as_grace_lasts() {
    for engine in Engine::all().await {
        let db = &engine.db;
        db.insert(&key("sk-1", json!({"key_alias": "it"}))).await.unwrap();
        let later = Timestamp::now().plus(60_000);
        for (old, new, until) in [("sk-1", "sk-2", Some(later)), ("sk-2", "sk-3", None)] {
            let replaced = db.replace_key(KeyHash::of(old), until, |key| {
                key.hash = KeyHash::of(new);
                Ok(())
            });
            assert_eq!(replaced.await.unwrap().key_alias.as_deref(), Some("it"));
        }
        let found = db.identity(&KeyHash::of("sk-1")).await.unwrap().unwrap();
        assert_eq!(found.key.hash, KeyHash::of("sk-3"), "grace goes on after another replacement");
        assert!(db.identity(&KeyHash::of("sk-2")).await.unwrap().is_none());
    }
}

#[derive(Default)]
struct Heard(Mutex<Vec<IdentityChange>>);

impl IdentityListener for Heard {
    fn changed(&self, change: &IdentityChange) {
        self.0.lock().unwrap().push(change.clone());
    }
}

#[tokio::test]
async fn changes_are_told_here_at_once_and_to_other_replicas_when_they_ask() {
    for engine in Engine::all().await {
        let db = &engine.db;
        let heard = Arc::new(Heard::default());
        db.listen(Arc::clone(&heard) as Arc<dyn IdentityListener>);
        let other = Database::open(&engine.url, 2).await.unwrap();
        let start = other.changes_since(-1).await.unwrap();
        assert!(start.changed.is_empty());
        db.insert(&Team::new("t")).await.unwrap();
        db.update::<Team>("t", |team| {
            team.blocked = true;
            Ok(())
        })
        .await
        .unwrap();
        let changes = other.changes_since(start.sequence).await.unwrap();
        let team = IdentityChange::new(Entity::Team, "t");
        assert_eq!((changes.changed, changes.incomplete), (vec![team.clone()], false));
        assert_eq!(heard.0.lock().unwrap().as_slice(), [team.clone(), team]);
        assert!(other.changes_since(changes.sequence).await.unwrap().changed.is_empty());
        assert!(other.get::<Team>("t").await.unwrap().unwrap().blocked);
    }
}

#[tokio::test]
async fn many_who_open_an_empty_database_at_once_all_get_it() {
    for engine in Engine::all().await {
        let url = match engine.name {
            "sqlite" => format!("{}.second", engine.url),
            _ => engine.url.clone(),
        };
        let opened = (0..6).map(|_| {
            let url = url.clone();
            tokio::spawn(async move { Database::open(&url, 1).await.map(drop) })
        });
        for opened in opened.collect::<Vec<_>>() {
            opened.await.unwrap().unwrap();
        }
    }
}

/// Pain point 7: a database that is away must not make a stranger of anybody.
#[tokio::test]
async fn a_key_that_cannot_be_looked_up_is_no_unknown_key() {
    let Some(mut server) = PostgresProcess::start().await else { return };
    let db = Database::open(&server.url(), 2).await.unwrap();
    db.insert(&key("sk-a", json!({}))).await.unwrap();
    server.kill().await;
    let error = db.identity(&KeyHash::of("sk-a")).await.unwrap_err();
    assert_eq!((error.kind(), error.status().as_u16()), (ErrorKind::Unavailable, 503));
    server.restart().await;
    assert!(db.identity(&KeyHash::of("sk-a")).await.unwrap().is_some());
}

#[tokio::test]
async fn an_address_of_another_kind_is_refused_without_being_repeated() {
    let refused = Database::open("mysql://user:secret@host/db", 1).await.unwrap_err();
    assert!(!format!("{refused:?}").contains("secret"));
    assert!(Database::open("sqlite::memory:", 1).await.is_err());
}
