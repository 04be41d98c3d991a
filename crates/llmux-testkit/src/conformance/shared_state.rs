//! The rules of [`SharedState`].

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::future::join_all;
use llmux_core::{Count, Counted, Heard, SharedState, Span};
use tokio::time::{sleep, timeout};

/// The longest that anything may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// A period that does not end during a test.
const LONG: Span = Span::Since(3_600_000);

/// Checks two replicas at one store that nobody else uses:
///
/// - what one has counted the other one sees; what is said twice counts once; no figure is lowered;
/// - wishes are granted within the limit, however many come at once; those of one call all or none;
/// - counting nothing opens no window; windows end together for all; figures of other windows change nothing;
/// - a store without memory learns from replicas what was;
/// - what one tells the other one hears, in order and as it was told, and not he himself.
///
/// # Panics
/// When a rule is broken.
pub async fn shared_state(one: &Arc<dyn SharedState>, other: &Arc<dyn SharedState>) {
    assert_ne!(one.replica(), other.replica(), "each replica has a name of its own");
    reached(&**one).await;
    reached(&**other).await;
    figures(&**one, &**other).await;
    limits(&**one, &**other).await;
    crowds(one, other).await;
    windows(&**one, &**other).await;
    memory(&**one, &**other).await;
    messages(&**one, &**other).await;
}

/// Waits until the store can be reached.
async fn reached(state: &dyn SharedState) {
    let trying = async {
        let nothing = [Count::new("nothing", LONG)];
        // Telling is what finds out; one answer may not be enough.
        while state.tell(Bytes::from_static(b"anybody?")).await.is_err()
            || state.count("nothing", &nothing).await.is_err()
        {
            sleep(Duration::from_millis(10)).await;
        }
        while !matches!(state.hear().await, Heard::Joined) {}
    };
    timeout(PATIENCE, trying).await.expect("the store can be reached");
}

async fn count(state: &dyn SharedState, of: &str, count: Count<'_>) -> Counted {
    let counted = state.count(of, &[count]).await.expect("the store counts");
    assert_eq!(counted.len(), 1, "one answer for each count");
    counted[0]
}

async fn figures(one: &dyn SharedState, other: &dyn SharedState) {
    let spend = Count::new("spend", LONG);
    let nothing = count(one, "figures {odd}", spend).await;
    assert_eq!(nothing, Counted::default(), "counting nothing opens no window");
    let first = count(one, "figures {odd}", spend.with_own(0, 5, 0, 0)).await;
    assert_eq!((first.own, first.total), (5, 5));
    assert!(first.window > 0 && first.left > 3_500_000, "{first:?}");
    let again = count(one, "figures {odd}", spend.with_own(first.window, 5, 5, 5)).await;
    assert_eq!((again.own, again.total), (5, 5), "what is said twice counts once");
    let less = count(one, "figures {odd}", spend.with_own(first.window, 3, 3, 3)).await;
    assert_eq!((less.own, less.total), (5, 5), "no figure is lowered");
    let both = count(other, "figures {odd}", spend.with_own(0, 7, 0, 0)).await;
    assert_eq!((both.own, both.total, both.window), (7, 12, first.window), "replicas add up");
    let seen = count(one, "figures {odd}", spend.with_own(first.window, 6, 5, 5)).await;
    assert_eq!((seen.own, seen.total), (6, 13));
    let strange = count(one, "figures {odd}", spend.with_own(first.window + 1, 900, 900, 900)).await;
    assert_eq!((strange.own, strange.total), (6, 13), "figures of another window change nothing");
    let apart = count(one, "others", spend).await;
    assert_eq!(apart, Counted::default(), "other things are counted apart");
}

async fn limits(one: &dyn SharedState, other: &dyn SharedState) {
    let requests = Count::new("requests", LONG);
    let got =
        async |state: &dyn SharedState, wish: Count<'static>| count(state, "limits", wish).await.granted;
    assert_eq!(got(one, requests.with_wish(6, 10)).await, 6);
    assert_eq!(got(other, requests.with_wish(6, 10)).await, 0, "all or nothing");
    assert_eq!(got(other, requests.with_partial_wish(3, 10)).await, 3);
    assert_eq!(got(other, requests.with_partial_wish(3, 10)).await, 1, "as much as there is");
    assert_eq!(got(one, requests.with_partial_wish(3, 10)).await, 0);
    let state = count(one, "limits", requests).await;
    assert_eq!((state.own, state.total), (6, 10), "granting counts");
    assert_eq!(got(one, requests.with_wish(1, 11)).await, 1, "a limit is whatever the wish says");

    let pair = |limit| [Count::new("a", LONG).with_wish(1, 5), Count::new("b", LONG).with_wish(1, limit)];
    let granted = async |limit| {
        let answers = one.count("pairs", &pair(limit)).await.expect("the store counts");
        answers.iter().map(|answer| answer.granted).collect::<Vec<_>>()
    };
    assert_eq!(granted(1).await, [1, 1]);
    assert_eq!(granted(1).await, [0, 0], "wishes of one call are granted all or none");
    assert_eq!(count(one, "pairs", Count::new("a", LONG)).await.total, 1);
}

async fn crowds(one: &Arc<dyn SharedState>, other: &Arc<dyn SharedState>) {
    let wishes = (0..64).map(|at| {
        let state = Arc::clone(if at % 2 == 0 { one } else { other });
        tokio::spawn(async move {
            let mut granted = 0;
            for _ in 0..5 {
                granted += count(&*state, "crowds", Count::new("r", LONG).with_wish(1, 100)).await.granted;
            }
            granted
        })
    });
    let granted: u64 = join_all(wishes).await.into_iter().map(|granted| granted.expect("no panic")).sum();
    assert_eq!(granted, 100, "320 wishes at once are granted up to the limit and no further");
}

async fn windows(one: &dyn SharedState, other: &dyn SharedState) {
    let minute = Count::new("minute", Span::Minute);
    let first = count(one, "windows", minute.with_own(0, 1, 0, 0)).await;
    assert_eq!(first.window % 60_000, 0, "minutes are those of the clock");
    assert!((1..=60_000).contains(&first.left), "{first:?}");

    let short = Count::new("short", Span::Since(50));
    let begun = count(one, "windows", short.with_own(0, 9, 0, 0)).await;
    assert!(begun.left <= 50, "{begun:?}");
    let after = async {
        loop {
            let now = count(other, "windows", short.with_wish(1, 9)).await;
            if now.granted == 1 {
                return now;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    let next = timeout(PATIENCE, after).await.expect("a window ends");
    assert!(next.window > begun.window && next.total < 9, "the next window starts from nothing: {next:?}");
    let late = count(one, "windows", short.with_own(begun.window, 50, 9, 9)).await;
    assert!(late.total <= 1, "figures of a window that is over change nothing: {late:?}");
}

/// What happens to a store without memory is the same as what happens at a name that it has never heard of.
async fn memory(one: &dyn SharedState, other: &dyn SharedState) {
    let spend = Count::new("spend", LONG);
    let ends = count(one, "before", spend.with_own(0, 1, 0, 0)).await.window;
    let back = count(one, "after", spend.with_own(ends, 12, 10, 30)).await;
    assert_eq!((back.own, back.total, back.window), (12, 32, ends), "what was known is known again");
    let both = count(other, "after", spend.with_own(ends, 21, 20, 30)).await;
    assert_eq!((both.own, both.total), (21, 33), "the second one adds only what nobody knew");
    let late = count(other, "after", spend.with_own(ends, 21, 21, 33)).await;
    assert_eq!((late.own, late.total), (21, 33));
}

async fn messages(one: &dyn SharedState, other: &dyn SharedState) {
    for what in [&b"first"[..], b"\x00\xff\n", b"", b"last"] {
        one.tell(Bytes::from_static(what)).await.expect("the store passes on");
    }
    other.tell(Bytes::from_static(b"back")).await.expect("the store passes on");
    let hear = async |state: &dyn SharedState, last: &'static [u8]| {
        let mut heard = Vec::new();
        let hearing = async {
            while heard.last().is_none_or(|what: &Bytes| what != last) {
                if let Heard::Told(what) = state.hear().await {
                    heard.push(what);
                }
            }
        };
        timeout(PATIENCE, hearing).await.expect("what is told is heard");
        heard.retain(|what| what != "anybody?");
        heard
    };
    assert_eq!(hear(other, b"last").await, [&b"first"[..], b"\x00\xff\n", b"", b"last"]);
    assert_eq!(hear(one, b"back").await, [&b"back"[..]], "nobody hears himself");
}
