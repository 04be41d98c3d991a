//! Runs the checks and lets pass what the table explains.

mod page;
mod table;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

pub(crate) use self::table::Check;
use self::table::EXCEPTIONS;

/// What became of one recording: the complaints about it.
pub(crate) type Complaints = Vec<String>;

/// Runs a check on every subject, on all processors, and reports every complaint that no exception explains.
pub(crate) fn examine<S: Sync>(
    check: Check,
    subjects: &[S],
    name: impl Fn(&S) -> &str + Sync,
    test: impl Fn(&S) -> Complaints + Sync,
) {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(subject) = subjects.get(next.fetch_add(1, Ordering::Relaxed)) {
            let complaints = catch_unwind(AssertUnwindSafe(|| test(subject)));
            let complaints = complaints.unwrap_or_else(|panic| vec![words(&*panic)]);
            found.extend(complaints.into_iter().map(|complaint| (name(subject).to_owned(), complaint)));
        }
        found
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let complaints: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    // Without recordings nothing can be said about the exceptions.
    if !subjects.is_empty() {
        judge(check, complaints);
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}

fn judge(check: Check, complaints: Vec<(String, String)>) {
    let rows = || EXCEPTIONS.iter().filter(|row| row.check == check);
    let keys = rows().flat_map(|row| row.cases.iter().chain(row.says).map(move |key| (row.reason, *key)));
    let mut unused: Vec<_> = keys.collect();
    let mut unexplained = Vec::new();
    for (name, complaint) in complaints {
        let mut explained = false;
        for row in rows() {
            let case = row.cases.iter().find(|case| name.starts_with(**case));
            let says = row.says.iter().find(|says| complaint.contains(**says));
            if let (Some(case), Some(says)) = (case, says) {
                explained = true;
                unused.retain(|(reason, key)| *reason != row.reason || (key != case && key != says));
            }
        }
        if !explained {
            unexplained.push(format!("{name}: {complaint}"));
        }
    }
    unexplained.sort();
    assert!(unexplained.is_empty(), "{} complaints:\n{}", unexplained.len(), unexplained.join("\n"));
    assert!(unused.is_empty(), "exceptions that nothing needs: {unused:#?}");
}
