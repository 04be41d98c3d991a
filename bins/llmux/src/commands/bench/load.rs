//! The load itself: workers, progress, an early end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinSet;

use super::exchange;
use super::schedule::{Limit, Schedule};
use super::stats::Stats;
use crate::api::Client;

/// How often the progress bar moves: rarely, since drawing competes with what is measured.
const REDRAW: Duration = Duration::from_millis(200);

/// Steps of the bar; its length in requests or seconds does not matter.
const BAR_STEPS: u64 = 1000;

/// What to send, how much of it, how fast.
#[derive(Debug, Clone)]
pub(super) struct Load {
    /// Where to.
    pub(super) client: Client,
    /// The full URL, for the report.
    pub(super) url: String,
    /// The body of every request.
    pub(super) body: Bytes,
    /// Whether answers are streams.
    pub(super) stream: bool,
    /// How many requests may be under way at once.
    pub(super) concurrency: u16,
    /// Requests a second for an open loop; a closed one when absent.
    pub(super) rate: Option<f64>,
    /// When to stop.
    pub(super) limit: Limit,
}

impl Load {
    /// Sends everything and waits for the answers; Ctrl-C ends the sending, a second one the waiting.
    pub(super) async fn run(&self) -> anyhow::Result<(Stats, Duration)> {
        let schedule = match self.rate {
            Some(rate) => Schedule::open(self.limit, rate)?,
            None => Schedule::closed(self.limit),
        };
        let shared = Arc::new(Shared { load: self.clone(), schedule, stats: Mutex::new(Stats::new()?) });
        let begun = Instant::now();
        let mut workers = JoinSet::new();
        for _ in 0..self.concurrency {
            workers.spawn(Arc::clone(&shared).work());
        }
        shared.watch(&mut workers).await;
        let elapsed = begun.elapsed();
        workers.shutdown().await;
        let stats = std::mem::replace(&mut *shared.stats(), Stats::new()?);
        Ok((stats, elapsed))
    }
}

struct Shared {
    load: Load,
    schedule: Schedule,
    stats: Mutex<Stats>,
}

impl Shared {
    fn stats(&self) -> std::sync::MutexGuard<'_, Stats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn work(self: Arc<Self>) {
        let Load { client, body, stream, .. } = &self.load;
        while let Some(due) = self.schedule.next().await {
            let outcome = if *stream {
                exchange::stream(client, body.clone(), due).await
            } else {
                exchange::whole(client, body.clone(), due).await
            };
            self.stats().record(outcome);
        }
    }

    /// Shows progress until every worker is done or the user has had enough.
    async fn watch(&self, workers: &mut JoinSet<()>) {
        let bar = progress_bar();
        let mut redraw = tokio::time::interval(REDRAW);
        let mut interrupted = false;
        loop {
            tokio::select! {
                worker = workers.join_next() => if worker.is_none() { break },
                _ = redraw.tick() => self.draw(&bar),
                _ = tokio::signal::ctrl_c() => {
                    if interrupted { break }
                    interrupted = true;
                    self.schedule.stop();
                }
            }
        }
        bar.finish_and_clear();
    }

    fn draw(&self, bar: &ProgressBar) {
        let (sent, failed) = {
            let stats = self.stats();
            (stats.sent(), stats.failed())
        };
        bar.set_position((self.schedule.progress(sent) * BAR_STEPS as f64) as u64);
        bar.set_message(format!("{sent} answered, {failed} failed"));
    }
}

/// A bar on standard error; indicatif hides it when that is no terminal.
fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(BAR_STEPS);
    match ProgressStyle::with_template("{elapsed:>4} [{bar:40}] {percent:>3} %  {msg}") {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}
