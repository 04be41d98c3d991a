//! Runs the lock-free parts of the router through every order of their steps, as loom's model of the memory allows:
//! `cargo run --manifest-path crates/llmux-router/loom/Cargo.toml`. A rule that is broken panics.

#![allow(dead_code, reason = "the router's sources are included as they are")]

#[path = "../../src/exception.rs"]
mod exception;
#[path = "../../src/state/fails.rs"]
mod fails;
#[path = "../../src/state/gate/places.rs"]
mod places;
#[path = "../../src/state/rate.rs"]
mod rate;

/// Loom's in the place of the real ones.
mod sync {
    pub(crate) use loom::sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering, fence},
    };

    pub(crate) fn unpoisoned<T>(locked: std::sync::LockResult<T>) -> T {
        locked.unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

use llmux_core::Moment;
use loom::{future::block_on, thread};
use places::Places;
use sync::{Arc, AtomicUsize, Ordering};

fn main() {
    loom::model(places_are_never_given_twice_and_never_lost);
    loom::model(who_waits_is_let_in);
    loom::model(failures_are_all_counted);
    loom::model(retries_stay_within_their_share);
}

/// Two requests for one place.
fn places_are_never_given_twice_and_never_lost() {
    let (places, inside) = (Places::new(1), Arc::new(AtomicUsize::new(0)));
    let visit = {
        let (places, inside) = (Arc::clone(&places), Arc::clone(&inside));
        move || {
            if let Ok(place) = block_on(Places::enter(&places, 0, 4)) {
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "one at a time");
                inside.fetch_sub(1, Ordering::SeqCst);
                drop(place);
            }
        }
    };
    let other = thread::spawn(visit.clone());
    visit();
    other.join().unwrap();
    assert!(!places.is_full(), "nothing is left behind");
}

/// A place is given back while somebody begins to wait for it: he must not wait for ever.
fn who_waits_is_let_in() {
    let places = Places::new(1);
    let taken = block_on(Places::enter(&places, 0, 4)).unwrap();
    let waiting = {
        let places = Arc::clone(&places);
        thread::spawn(move || drop(block_on(Places::enter(&places, 7, 4)).unwrap()))
    };
    drop(taken);
    waiting.join().unwrap();
    assert!(!places.is_full());
}

fn failures_are_all_counted() {
    let fails = Arc::new(fails::Fails::default());
    let at = Moment::from_millis(1_000);
    let other = {
        let fails = Arc::clone(&fails);
        thread::spawn(move || fails.count(None, at, 5_000))
    };
    let mut counts = [fails.count(None, at, 5_000), other.join().unwrap()];
    counts.sort_unstable();
    assert_eq!(counts, [1, 2], "each failure is another one");
}

fn retries_stay_within_their_share() {
    let (rate, now) = (Arc::new(rate::RetryRate::default()), Moment::from_millis(20_000));
    let retry = {
        let rate = Arc::clone(&rate);
        move || {
            rate.request(now);
            u32::from(rate.retry(now, 0.0, 1))
        }
    };
    let other = thread::spawn(retry.clone());
    let allowed = retry() + other.join().unwrap();
    assert_eq!(allowed, 1, "one further attempt is allowed");
}
