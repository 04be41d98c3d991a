//! Runs the lock-free parts of the router through every order of their steps, as loom's model of the memory allows:
//! `cargo run --manifest-path crates/llmux-router/loom/Cargo.toml`. A rule that is broken panics.
//!
//! The change of the source that each model is there to catch:
//!
//! | Model | Change of the source |
//! | --- | --- |
//! | `places_are_never_given_twice_and_never_lost` | `take` loads and stores in the place of `fetch_update` |
//! | `who_waits_is_let_in` | `give_back` looks for who waits before it frees the place |
//! | `failures_are_all_counted`, `retries_stay_within_their_share` | a load and a store in the place of `fetch_update` |
//! | `a_minutes_limit_is_never_exceeded_…`, `a_minute_begins_once` | a store in the place of `compare_exchange_weak` |

#![allow(dead_code, reason = "the router's sources are included as they are")]

#[path = "../../src/exception.rs"]
mod exception;
#[path = "../../src/state/fails.rs"]
mod fails;
#[path = "../../src/state/gate/places.rs"]
mod places;
#[path = "../../src/state/rate.rs"]
mod rate;
#[path = "../../../llmux-core/src/stats/window.rs"]
mod window;

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
use window::MinuteWindow;

fn main() {
    loom::model(places_are_never_given_twice_and_never_lost);
    loom::model(who_waits_is_let_in);
    loom::model(failures_are_all_counted);
    loom::model(retries_stay_within_their_share);
    loom::model(a_minutes_limit_is_never_exceeded_and_its_count_loses_nothing);
    loom::model(a_minute_begins_once);
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

/// Two requests for the last place within a limit, one of which comes to nothing.
fn a_minutes_limit_is_never_exceeded_and_its_count_loses_nothing() {
    let (window, now) = (Arc::new(MinuteWindow::default()), Moment::from_millis(60_000));
    window.add(now, 1);
    let reserve = {
        let window = Arc::clone(&window);
        move || u64::from(window.reserve(now, 1, 2))
    };
    let other = thread::spawn(reserve.clone());
    let granted = reserve() + other.join().unwrap();
    assert_eq!((granted, window.count(now)), (1, 2), "one place was left");
    let give_back = {
        let window = Arc::clone(&window);
        move || window.give_back(now, 1)
    };
    let other = thread::spawn(give_back.clone());
    give_back();
    other.join().unwrap();
    assert_eq!(window.count(now), 0, "both were taken back");
}

/// The first requests of a minute come at the same time: what the minute before had counted is gone once and for all, and
/// neither of them is lost with it.
fn a_minute_begins_once() {
    let window = Arc::new(MinuteWindow::default());
    let (before, now) = (Moment::from_millis(60_000), Moment::from_millis(120_000));
    window.add(before, 9);
    let other = {
        let window = Arc::clone(&window);
        thread::spawn(move || window.add(now, 1))
    };
    let mut sums = [window.add(now, 1), other.join().unwrap()];
    sums.sort_unstable();
    assert_eq!((sums, window.count(now), window.count(before)), ([1, 2], 2, 0));
}
