//! Many at once, on the last cent.

use std::sync::atomic::{AtomicU64, Ordering};

use llmux_core::Money;
use llmux_limits::{Ask, LimitKind, Rates, admit};

use crate::{dollars, gate};

#[test]
fn a_thousand_requests_at_once_never_spend_more_than_the_last_cent() {
    let gate = gate(Rates::default(), Some("0.01"));
    let (spent, passed) = (AtomicU64::new(0), AtomicU64::new(0));
    let barrier = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                for number in 0..1_000_u64 {
                    // Tenths of a cent: three are reserved, and it comes to two, or to nothing since it fails.
                    let Ok(pass) = admit([&gate], &Ask::new("m", 9).with_cost(dollars("0.003"))) else {
                        continue;
                    };
                    passed.fetch_add(1, Ordering::Relaxed);
                    std::thread::yield_now();
                    if number % 3 != 0 {
                        spent.fetch_add(2, Ordering::Relaxed);
                        let _ = pass.settle(7, dollars("0.002"), 9);
                    }
                }
            });
        }
    });
    let spent = spent.into_inner();
    assert!(spent <= 10, "{spent} tenths of a cent");
    assert!(spent >= 8, "what is left is less than one more request may cost: {spent}");
    assert!(passed.into_inner() >= spent / 2);
    assert_eq!(gate.budgets()[0].spent(9), dollars("0.001").times(spent));
}

#[test]
fn no_more_requests_than_allowed_run_at_a_time() {
    let gate = gate(Rates::new(None, None, Some(3)), None);
    let (running, most) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let Ok(pass) = admit([&gate], &Ask::new("m", 9)) else { continue };
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                    let _ = pass.settle(0, Money::ZERO, 9);
                }
            });
        }
    });
    assert!(most.into_inner() <= 3);
    let pass = admit([&gate], &Ask::new("m", 9)).unwrap();
    assert_eq!(pass.tightest(LimitKind::Parallel).unwrap().remaining, 2, "all were released");
}
