//! Renewal: ahead of time, once for everybody, and never in the way of a value that is still good.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::{FutureExt, future::join_all};
use llmux_core::{Error, ErrorKind, Result};
use llmux_credentials::{Clock, Issued, Issuer, Renewed};
use llmux_testkit::Gate;
use tokio::sync::Mutex;

use crate::world::World;

const HOUR: u64 = 3600;

/// Issues numbers that live an hour, each behind a gate of its own if there is one.
struct Numbers {
    clock: Clock,
    issued: AtomicUsize,
    gates: Mutex<Vec<Gate>>,
    failing: AtomicUsize,
}

impl Numbers {
    fn new(world: &World) -> Arc<Self> {
        Arc::new(Self {
            clock: world.clock(),
            issued: AtomicUsize::new(0),
            gates: Mutex::new(Vec::new()),
            failing: AtomicUsize::new(0),
        })
    }

    fn issued(&self) -> usize {
        self.issued.load(Ordering::SeqCst)
    }

    /// The next fetches wait for this.
    async fn gate(&self) -> Gate {
        let gate = Gate::new();
        self.gates.lock().await.push(gate.clone());
        gate
    }
}

#[async_trait]
impl Issuer<usize> for Numbers {
    async fn issue(&self) -> Result<Issued<usize>> {
        let number = self.issued.fetch_add(1, Ordering::SeqCst) + 1;
        let gate = self.gates.lock().await.pop();
        if let Some(gate) = gate {
            gate.passed().await;
        }
        if self.failing.load(Ordering::SeqCst) > 0 {
            self.failing.fetch_sub(1, Ordering::SeqCst);
            return Err(Error::new(ErrorKind::Unavailable, format!("failure {number}")));
        }
        Ok(Issued::new(number, Some(self.clock.now() + Duration::from_secs(HOUR))))
    }
}

fn renewed(numbers: &Arc<Numbers>) -> Renewed<usize> {
    Renewed::new(Arc::clone(numbers) as Arc<dyn Issuer<usize>>, numbers.clock.clone())
}

async fn value(renewed: &Renewed<usize>) -> usize {
    **renewed.current().await.unwrap()
}

#[tokio::test]
async fn concurrent_callers_share_one_fetch() {
    let world = World::new();
    let numbers = Numbers::new(&world);
    let renewed = Arc::new(renewed(&numbers));
    let gate = numbers.gate().await;
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let renewed = Arc::clone(&renewed);
            tokio::spawn(async move { value(&renewed).await })
        })
        .collect();
    while numbers.issued() == 0 {
        tokio::task::yield_now().await;
    }
    gate.open();
    let values: Vec<usize> = join_all(callers).await.into_iter().map(Result::unwrap).collect();
    assert_eq!((values, numbers.issued()), (vec![1; 50], 1));
    assert_eq!((value(&renewed).await, numbers.issued()), (1, 1));
}

#[tokio::test]
async fn the_fetch_goes_on_when_the_caller_that_began_it_leaves() {
    let world = World::new();
    let numbers = Numbers::new(&world);
    let renewed = renewed(&numbers);
    let gate = numbers.gate().await;
    assert!(renewed.current().now_or_never().is_none());
    gate.open();
    assert_eq!((value(&renewed).await, numbers.issued()), (1, 1));
}

#[tokio::test]
async fn nobody_waits_for_a_renewal_while_the_old_value_is_good() {
    let world = World::new();
    let numbers = Numbers::new(&world);
    let renewed = renewed(&numbers);
    assert_eq!(value(&renewed).await, 1);
    world.pass(HOUR - 301);
    assert_eq!((value(&renewed).await, numbers.issued()), (1, 1));

    world.pass(2);
    let gate = numbers.gate().await;
    for _ in 0..3 {
        let at_once = renewed.current().now_or_never().expect("nobody waits").unwrap();
        assert_eq!(**at_once, 1);
    }
    assert_eq!(numbers.issued(), 2);
    gate.open();
    assert_eq!((value(&renewed).await, numbers.issued()), (2, 2));
}

#[tokio::test]
async fn callers_wait_for_the_fetch_once_the_old_value_has_expired() {
    let world = World::new();
    let numbers = Numbers::new(&world);
    let renewed = renewed(&numbers);
    assert_eq!(value(&renewed).await, 1);
    // Ten seconds before the expiry it is not used any more.
    world.pass(HOUR - 9);
    let gate = numbers.gate().await;
    assert!(renewed.current().now_or_never().is_none());
    gate.open();
    assert_eq!(value(&renewed).await, 2);
}

#[tokio::test]
async fn a_failed_renewal_is_hidden_by_a_good_value_and_tried_again_after_a_pause() {
    let world = World::new();
    let numbers = Numbers::new(&world);
    let renewed = renewed(&numbers);
    assert_eq!(value(&renewed).await, 1);
    world.pass(HOUR - 200);
    numbers.failing.store(1, Ordering::SeqCst);
    assert_eq!((value(&renewed).await, numbers.issued()), (1, 2));
    assert_eq!((value(&renewed).await, numbers.issued()), (1, 2));
    world.pass(1);
    assert_eq!((value(&renewed).await, numbers.issued()), (3, 3));
}

#[tokio::test]
async fn a_failure_without_a_good_value_is_told_to_all_and_tried_again_after_a_pause() {
    let world = World::new();
    let numbers = Numbers::new(&world);
    let renewed = renewed(&numbers);
    numbers.failing.store(2, Ordering::SeqCst);
    for _ in 0..2 {
        let error = renewed.current().await.err().unwrap();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "failure 1"));
    }
    assert_eq!(numbers.issued(), 1);
    world.pass(1);
    assert_eq!(renewed.current().await.err().unwrap().message(), "failure 2");
    // The second pause is longer.
    world.pass(1);
    assert_eq!(renewed.current().await.err().unwrap().message(), "failure 2");
    world.pass(1);
    assert_eq!(value(&renewed).await, 3);
}

#[tokio::test]
async fn a_refused_value_is_let_go_unless_it_is_new() {
    let world = World::new();
    let numbers = Numbers::new(&world);
    let renewed = renewed(&numbers);
    assert!(!renewed.discard());
    assert_eq!(value(&renewed).await, 1);
    assert!(!renewed.discard());
    world.pass(30);
    assert!(renewed.discard());
    assert_eq!(value(&renewed).await, 2);
}
