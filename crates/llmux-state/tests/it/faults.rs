//! A Redis that is away, slow, killed and emptied.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use llmux_core::{Count, Heard, SharedState, Span};
use llmux_state::redis::{RedisServer, RedisSettings, RedisState};
use llmux_testkit::{ClosedPort, RedisProcess};
use tokio::time::{sleep, timeout};

use crate::conformance::{PATIENT, redis};

const HOUR: Span = Span::Since(3_600_000);

fn at(server: &RedisProcess) -> RedisServer {
    RedisServer::One { host: "127.0.0.1".to_owned(), port: server.port() }
}

/// Waits until calls succeed, as a replica finds out: by telling.
async fn back(state: &RedisState) {
    let trying = async {
        while state.count("x", &[Count::new("y", HOUR)]).await.is_err() {
            _ = state.tell(Bytes::new()).await;
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENT * 6, trying).await.expect("it comes back");
}

#[tokio::test]
async fn a_server_that_is_away_is_no_reason_to_wait() {
    let closed = ClosedPort::new();
    let state = redis(RedisServer::Url(closed.url().replace("http", "redis").into()));
    let error = state.count("x", &[Count::new("y", HOUR)]).await.unwrap_err();
    assert_eq!(error.code(), Some("shared_state_unreachable"), "{error}");
}

#[tokio::test]
async fn a_server_that_hangs_is_waited_for_once_and_for_a_bounded_time() {
    let Some(server) = RedisProcess::start().await else { return };
    let settings = RedisSettings::new(at(&server)).with_timeout(Duration::from_millis(200));
    let state = RedisState::connect(&settings).unwrap();
    back(&state).await;
    server.pause().await;
    let wish = [Count::new("y", HOUR).with_wish(1, 1_000)];
    let slow = state.count("x", &wish).await.unwrap_err();
    assert!(slow.message().contains("timed out") || slow.message().contains("no answer within"), "{slow}");
    let fast = state.count("x", &wish).await.unwrap_err();
    assert!(fast.message().contains("did not answer lately"), "the next one is not waited for: {fast}");
    server.resume().await;
    back(&state).await;
    let counted = state.count("x", &wish).await.unwrap();
    assert_eq!(counted.first().unwrap().granted, 1);
}

#[tokio::test]
async fn a_server_that_was_killed_and_comes_back_empty_is_found_out_and_told_everything() {
    let Some(mut server) = RedisProcess::start().await else { return };
    let (one, other) = (redis(at(&server)), redis(at(&server)));
    back(&one).await;
    back(&other).await;
    let spend = Count::new("spend", HOUR);
    let mine = one.count("b", &[spend.with_own(0, 3, 0, 0)]).await.unwrap();
    let all = other.count("b", &[spend.with_own(0, 4, 0, 0)]).await.unwrap();
    let (mine, all) = (*mine.first().unwrap(), *all.first().unwrap());
    assert_eq!(all.total, 7);
    server.kill().await;
    server.restart().await;
    back(&one).await;
    back(&other).await;
    let emptied = async |state: &RedisState| {
        let waiting = async {
            // Who listens finds out when he has told something.
            while state.tell(Bytes::new()).await.is_err() {}
            while state.hear().await != Heard::Emptied {}
        };
        timeout(PATIENT * 6, waiting).await.expect("both notice");
    };
    emptied(&one).await;
    emptied(&other).await;
    let again = other.count("b", &[spend.with_own(all.window, 4, 4, 7)]).await.unwrap();
    assert_eq!((again.first().unwrap().total, again.first().unwrap().window), (7, all.window));
    let again = one.count("b", &[spend.with_own(mine.window, 5, 3, 3)]).await.unwrap();
    assert_eq!((again.first().unwrap().own, again.first().unwrap().total), (5, 9));

    let told = async {
        loop {
            _ = one.tell(Bytes::from_static(b"still here")).await;
            let heard = timeout(Duration::from_millis(50), other.hear()).await;
            if heard.is_ok_and(|heard| heard == Heard::Told(Bytes::from_static(b"still here"))) {
                return;
            }
        }
    };
    timeout(PATIENT * 6, told).await.expect("replicas hear each other again");
}

#[tokio::test]
async fn passwords_databases_and_namespaces_keep_replicas_apart() {
    let Some(server) = RedisProcess::start().await else { return };
    assert!(server.ask("CONFIG SET requirepass sesame").await.starts_with("+OK"));
    let settings = |namespace: &str| {
        RedisSettings::new(at(&server))
            .with_user(None, Some("sesame".to_owned().into()))
            .with_database(Some(3))
            .with_namespace(namespace)
            .with_timeout(PATIENT)
    };
    let state = |namespace: &str| RedisState::connect(&settings(namespace)).unwrap();
    let (one, same, apart): (Arc<_>, Arc<_>, Arc<_>) = (state("a"), state("a"), state("b"));
    let count = async |state: &RedisState, own| {
        back(state).await;
        state
            .count("x", &[Count::new("y", HOUR).with_own(0, own, 0, 0)])
            .await
            .unwrap()
            .first()
            .unwrap()
            .total
    };
    assert_eq!((count(&one, 2).await, count(&same, 3).await, count(&apart, 4).await), (2, 5, 4));
    let locked = redis(at(&server));
    assert!(locked.tell(Bytes::new()).await.is_err(), "without the password nothing works");
}
