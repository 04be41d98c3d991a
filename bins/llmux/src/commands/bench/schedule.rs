//! When the next request is due.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc};

/// How often the pacing thread looks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(50);

/// When to stop sending.
#[derive(Debug, Clone, Copy)]
pub(super) enum Limit {
    /// After so many requests.
    Requests(u64),
    /// After so much time.
    Time(Duration),
}

/// Hands out the moments at which requests are due, to any number of workers.
#[derive(Debug)]
pub(super) struct Schedule {
    gate: Arc<Gate>,
    due: Option<Mutex<mpsc::UnboundedReceiver<Instant>>>,
}

impl Schedule {
    /// A closed loop: a worker that asks gets a request at once.
    pub(super) fn closed(limit: Limit) -> Self {
        Self { gate: Arc::new(Gate::new(limit)), due: None }
    }

    /// An open loop: `rate` requests a second, whether the last ones were answered or not.
    pub(super) fn open(limit: Limit, rate: f64) -> anyhow::Result<Self> {
        let gate = Arc::new(Gate::new(limit));
        let (sender, receiver) = mpsc::unbounded_channel();
        let pacing = Arc::clone(&gate);
        // A thread of its own: the runtime's timers are only good to a millisecond.
        thread::Builder::new().name("pacing".to_owned()).spawn(move || pace(&pacing, rate, &sender))?;
        Ok(Self { gate, due: Some(Mutex::new(receiver)) })
    }

    /// The moment at which the caller's next request is due (now or past), or `None` when there are no more.
    pub(super) async fn next(&self) -> Option<Instant> {
        match &self.due {
            None => self.gate.admit(Instant::now()).then(Instant::now),
            Some(due) => due.lock().await.recv().await.filter(|_| !self.gate.stopped()),
        }
    }

    /// Hands out nothing any more.
    pub(super) fn stop(&self) {
        self.gate.stop.store(true, Ordering::Relaxed);
    }

    /// How far the load has come, between 0 and 1.
    pub(super) fn progress(&self, answered: u64) -> f64 {
        match self.gate.limit {
            Limit::Requests(total) => answered as f64 / total as f64,
            Limit::Time(span) => self.gate.begun.elapsed().as_secs_f64() / span.as_secs_f64(),
        }
        .min(1.0)
    }
}

/// Decides which requests still fall under the limit.
#[derive(Debug)]
struct Gate {
    limit: Limit,
    begun: Instant,
    admitted: AtomicU64,
    stop: AtomicBool,
}

impl Gate {
    fn new(limit: Limit) -> Self {
        Self { limit, begun: Instant::now(), admitted: AtomicU64::new(0), stop: AtomicBool::new(false) }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn admit(&self, due: Instant) -> bool {
        let order = self.admitted.fetch_add(1, Ordering::Relaxed);
        let open = match self.limit {
            Limit::Requests(total) => order < total,
            Limit::Time(span) => due.saturating_duration_since(self.begun) < span,
        };
        open && !self.stopped()
    }
}

fn pace(gate: &Gate, rate: f64, due: &mpsc::UnboundedSender<Instant>) {
    for order in 0_u32.. {
        let moment = gate.begun + Duration::from_secs_f64(f64::from(order) / rate);
        if !gate.admit(moment) || !sleep_until(moment, gate) || due.send(moment).is_err() {
            return;
        }
    }
}

/// Sleeps in short pieces; false when the load was stopped meanwhile.
fn sleep_until(moment: Instant, gate: &Gate) -> bool {
    loop {
        let left = moment.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        if gate.stopped() {
            return false;
        }
        thread::sleep(left.min(PATIENCE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_closed_loop_hands_out_exactly_its_requests() {
        let schedule = Schedule::closed(Limit::Requests(3));
        let mut count = 0;
        while schedule.next().await.is_some() {
            count += 1;
        }
        assert_eq!(count, 3);
    }

    #[tokio::test]
    async fn an_open_loop_spaces_its_requests_evenly() {
        let schedule = Schedule::open(Limit::Requests(4), 1000.0).unwrap();
        let mut due = Vec::new();
        while let Some(moment) = schedule.next().await {
            due.push(moment);
        }
        let gaps: Vec<_> = due.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(gaps, [Duration::from_millis(1); 3]);
    }

    #[tokio::test]
    async fn an_open_loop_ends_with_its_time() {
        let schedule = Schedule::open(Limit::Time(Duration::from_millis(10)), 1000.0).unwrap();
        let mut count = 0;
        while schedule.next().await.is_some() {
            count += 1;
        }
        assert_eq!(count, 10);
    }

    #[tokio::test]
    async fn a_stopped_schedule_has_nothing_left() {
        let schedule = Schedule::closed(Limit::Requests(3));
        schedule.stop();
        assert!(schedule.next().await.is_none());
    }
}
