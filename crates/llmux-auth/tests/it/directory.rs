//! Who asks the store, and when.

use std::{
    collections::HashSet,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use llmux_auth::{Directory, Settings, check_validity};
use llmux_core::{
    Error, ErrorKind, Result,
    tenancy::{
        Changes, EndUser, Entity, IdentityChange, IdentityStore, KeyHash, KeyIdentity, Team, Timestamp,
        VirtualKey,
    },
};
use tokio::sync::Semaphore;

/// Knows every key that begins with `sk-known`.
struct Store {
    asked: AtomicUsize,
    away: AtomicBool,
    blocked: AtomicBool,
    /// Lets look-ups go on, if it is used.
    gate: Option<Semaphore>,
    changes: Mutex<Vec<IdentityChange>>,
}

static KNOWN: LazyLock<HashSet<KeyHash>> = LazyLock::new(|| (0..500).map(known).collect());

fn known(number: usize) -> KeyHash {
    KeyHash::of(format!("sk-known-{number}"))
}

#[async_trait]
impl IdentityStore for Store {
    async fn identity(&self, hash: &KeyHash) -> Result<Option<KeyIdentity>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let blocked = self.blocked.load(Ordering::SeqCst);
        if let Some(gate) = &self.gate {
            gate.acquire().await.unwrap().forget();
        }
        if self.away.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "gone fishing"));
        }
        let mut key = VirtualKey::new(*hash);
        key.blocked = blocked;
        key.team_id = Some("team".into());
        let mut identity = KeyIdentity::new(key);
        identity.team = Some(Team::new("team"));
        Ok(KNOWN.contains(hash).then_some(identity))
    }

    async fn end_user(&self, _: &str) -> Result<Option<EndUser>> {
        Ok(None)
    }

    async fn changes_since(&self, sequence: i64) -> Result<Changes> {
        let changes = self.changes.lock().unwrap();
        let from = usize::try_from(sequence).unwrap_or(changes.len());
        Ok(Changes::new(changes.len().try_into().unwrap(), changes.get(from..).unwrap_or_default().to_vec()))
    }
}

fn store(gate: Option<Semaphore>) -> Arc<Store> {
    let (asked, away, blocked) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicBool::new(false));
    Arc::new(Store { asked, away, blocked, gate, changes: Mutex::default() })
}

fn directory(store: &Arc<Store>) -> Directory<()> {
    Directory::new(Arc::<Store>::clone(store), Settings::default(), |_| ())
}

fn asked(store: &Store) -> usize {
    store.asked.load(Ordering::SeqCst)
}

#[tokio::test(start_paused = true)]
async fn a_known_key_is_asked_for_once_and_again_when_it_is_old() {
    let store = store(None);
    let directory = directory(&store);
    for _ in 0..10 {
        assert!(directory.find(&known(1)).await.unwrap().is_some());
    }
    assert_eq!(asked(&store), 1);
    tokio::time::advance(Duration::from_secs(61)).await;
    assert!(directory.find(&known(1)).await.unwrap().is_some());
    assert!(directory.find(&known(1)).await.unwrap().is_some());
    assert_eq!(asked(&store), 2);
}

#[tokio::test]
async fn of_many_who_ask_for_a_key_one_asks_the_store() {
    let store = store(Some(Semaphore::new(0)));
    let directory = directory(&store);
    let hash = known(1);
    let all = async { tokio::join!(directory.find(&hash), directory.find(&hash), directory.find(&hash)) };
    let open = async { store.gate.as_ref().unwrap().add_permits(1) };
    let (all, ()) = tokio::join!(all, open);
    assert!(all.0.unwrap().is_some() && all.1.unwrap().is_some() && all.2.unwrap().is_some());
    assert_eq!(asked(&store), 1);
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_are_remembered_for_a_while_and_displace_no_known_one() {
    let store = store(None);
    let directory = Directory::new(Arc::<Store>::clone(&store), Settings::default().with_most(128), |_| ());
    assert!(directory.find(&known(1)).await.unwrap().is_some());
    for number in 0..5_000 {
        assert!(directory.find(&KeyHash::of(format!("sk-wrong-{number}"))).await.unwrap().is_none());
    }
    let before = asked(&store);
    assert!(directory.find(&KeyHash::of("sk-wrong-4999")).await.unwrap().is_none());
    assert!(directory.find(&known(1)).await.unwrap().is_some());
    assert_eq!(asked(&store), before);
    tokio::time::advance(Duration::from_secs(6)).await;
    assert!(directory.find(&KeyHash::of("sk-wrong-4999")).await.unwrap().is_none());
    assert_eq!(asked(&store), before + 1);
}

#[tokio::test]
async fn no_more_keys_are_kept_than_may_be() {
    let store = store(None);
    let directory = Directory::new(Arc::<Store>::clone(&store), Settings::default().with_most(128), |_| ());
    for number in 0..500 {
        assert!(directory.find(&known(number)).await.unwrap().is_some());
    }
    assert!(directory.len() <= 128);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_makes_nobody_a_stranger() {
    let store = store(None);
    let directory = directory(&store);
    assert!(directory.find(&known(1)).await.unwrap().is_some());
    store.away.store(true, Ordering::SeqCst);
    let error = directory.find(&known(2)).await.map(drop).unwrap_err();
    assert_eq!(error.status().as_u16(), 503);
    tokio::time::advance(Duration::from_secs(120)).await;
    assert!(directory.find(&known(1)).await.unwrap().is_some(), "a known key goes on for a while");
    tokio::time::advance(Duration::from_secs(600)).await;
    assert_eq!(directory.find(&known(1)).await.map(drop).unwrap_err().status().as_u16(), 503);
    store.away.store(false, Ordering::SeqCst);
    assert!(directory.find(&known(2)).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_away() {
    let store = store(Some(Semaphore::new(1)));
    let directory = directory(&store);
    let found = async || directory.find(&known(1)).await.map(|known| known.is_some());
    assert!(found().await.unwrap());
    tokio::time::advance(Duration::from_secs(61)).await;
    assert!(found().await.unwrap(), "it goes on for a time of grace");
    tokio::time::advance(Duration::from_secs(600)).await;
    let (one, other) = tokio::join!(found(), found());
    assert_eq!([one, other].map(|found| found.unwrap_err().kind()), [ErrorKind::Unavailable; 2]);
}

#[tokio::test]
async fn a_look_up_that_began_before_a_change_does_not_bring_the_old_key_back() {
    let store = store(Some(Semaphore::new(0)));
    let directory = directory(&store);
    let hash = known(1);
    let (old, ()) = tokio::join!(directory.find(&hash), async {
        store.blocked.store(true, Ordering::SeqCst);
        directory.changed(&IdentityChange::new(Entity::Key, hash.to_string()));
        store.gate.as_ref().unwrap().add_permits(2);
    });
    assert!(!old.unwrap().unwrap().identity.key.blocked);
    let new = directory.find(&hash).await.unwrap().unwrap();
    let error = check_validity(&new.identity, Timestamp::now()).unwrap_err();
    assert_eq!(error.status().as_u16(), 401);
}

#[tokio::test(start_paused = true)]
async fn what_another_replica_changes_is_forgotten_within_a_second() {
    let store = store(None);
    let directory = Arc::new(directory(&store));
    let following = Arc::clone(&directory);
    let task = tokio::spawn(async move { following.follow(Duration::from_millis(500)).await });
    tokio::task::yield_now().await;
    for change in
        [IdentityChange::new(Entity::Key, known(1).to_string()), IdentityChange::new(Entity::Team, "team")]
    {
        assert!(!directory.find(&known(1)).await.unwrap().unwrap().identity.key.blocked);
        store.blocked.store(true, Ordering::SeqCst);
        store.changes.lock().unwrap().push(change);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(directory.find(&known(1)).await.unwrap().unwrap().identity.key.blocked);
        store.blocked.store(false, Ordering::SeqCst);
        directory.forget(&known(1));
    }
    task.abort();
}
