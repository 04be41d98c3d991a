//! Asking every deployment whether it works, again and again, each at its own time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use futures::{StreamExt, stream::FuturesUnordered};
use llmux_core::DeploymentId;
use tokio::time::{Instant, sleep_until};

use crate::snapshot::Snapshot;

/// How soon another configuration is noticed.
const LOOK: Duration = Duration::from_secs(1);
/// The first question comes within this time, so that processes that start together do not ask together.
const FIRST: Duration = Duration::from_secs(10);

/// Asks for ever what the current snapshot wants asked. One future does it all; a deployment that takes long keeps
/// nobody waiting but itself.
pub(crate) async fn run(current: &ArcSwap<Snapshot>) {
    let mut plan = Plan::default();
    let mut running = FuturesUnordered::new();
    let mut known: Option<Arc<Snapshot>> = None;
    loop {
        let (snapshot, now) = (current.load_full(), Instant::now());
        if known.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &snapshot)) {
            plan.follow(&snapshot, now);
            known = Some(Arc::clone(&snapshot));
        }
        let at_once = snapshot.health.concurrency.max(1);
        while running.len() < at_once
            && let Some(id) = plan.take(now)
        {
            running.push(ask(Arc::clone(&snapshot), id));
        }
        let due = if running.len() < at_once { plan.next() } else { None };
        let wake = due.unwrap_or(now + LOOK).min(now + LOOK);
        if running.is_empty() {
            sleep_until(wake).await;
        } else if let Ok(Some(id)) = tokio::time::timeout_at(wake, running.next()).await {
            plan.done(&id, Instant::now());
        }
    }
}

/// Asks one, unless it is paused, and says when the answer is another than before.
async fn ask(snapshot: Arc<Snapshot>, id: DeploymentId) -> DeploymentId {
    let router = &snapshot.router;
    if router.is_paused(&id) {
        return id;
    }
    let was_sick = router.last_check(&id).is_some_and(|last| last.error.is_some());
    match router.check(&id).await {
        Err(error) if !was_sick => {
            let error = snapshot.scrubber.scrub(error.to_string().as_bytes()).into_owned();
            let error = String::from_utf8_lossy(&error);
            tracing::warn!(deployment = %id, %error, "a deployment does not work");
        }
        Ok(()) if was_sick => tracing::info!(deployment = %id, "a deployment works again"),
        _ => {}
    }
    id
}

/// Who is asked when.
#[derive(Default)]
struct Plan(BTreeMap<DeploymentId, Turn>);

struct Turn {
    /// `None` while it is asked.
    due: Option<Instant>,
    interval: Duration,
}

impl Plan {
    /// Takes over what a snapshot wants. Those that stay keep their time.
    fn follow(&mut self, snapshot: &Snapshot, now: Instant) {
        let health = &snapshot.health;
        let mut new = BTreeMap::new();
        let all = if health.background { snapshot.router.deployments() } else { Vec::new() };
        for deployment in all {
            let check = &deployment.settings().health_check;
            let of_group = health.groups.is_empty()
                || health.groups.iter().any(|group| group == deployment.group().as_str());
            if !check.background || !of_group {
                continue;
            }
            let interval = check.interval.unwrap_or(health.interval);
            let first = FIRST.min(interval / 10).mul_f64(rand::random());
            let before = self.0.remove(deployment.id());
            let due = before.map_or(Some(now + first), |turn| turn.due.map(|due| due.min(now + interval)));
            new.insert(deployment.id().clone(), Turn { due, interval });
        }
        self.0 = new;
    }

    /// One whose time has come.
    fn take(&mut self, now: Instant) -> Option<DeploymentId> {
        let (id, turn) = self.0.iter_mut().find(|(_, turn)| turn.due.is_some_and(|due| due <= now))?;
        turn.due = None;
        Some(id.clone())
    }

    /// When the next one's time comes.
    fn next(&self) -> Option<Instant> {
        self.0.values().filter_map(|turn| turn.due).min()
    }

    /// One was asked; it is asked again after its interval, a tenth more or less.
    fn done(&mut self, id: &DeploymentId, now: Instant) {
        if let Some(turn) = self.0.get_mut(id) {
            turn.due = Some(now + turn.interval.mul_f64(0.9 + 0.2 * rand::random::<f64>()));
        }
    }
}
