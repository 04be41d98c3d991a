//! Warm-up, then the measurement, over the same connections.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use crate::args::{Span, Target};
use crate::connection::{Connection, Template};
use crate::measured::Measured;
use crate::{exchange, handshake, pacing, tell};

/// Runs both phases; with a `rate` as an open loop, else as a closed one.
pub(crate) async fn run(target: &Target, span: Span, rate: Option<f64>) -> anyhow::Result<()> {
    let template = Template::new(target)?;
    let connections = (0..span.connections).map(|_| Connection::new(template.clone())).collect();
    let (connections, _) = phase(connections, span.warmup, rate).await?;
    handshake("ready")?;
    let begun = Instant::now();
    let (_, measured) = phase(connections, span.seconds, rate).await?;
    tell(&serde_json::to_string(&measured.report(begun.elapsed()))?)
}

/// Keeps the connections busy for `span` and waits for the last answers.
async fn phase(
    connections: Vec<Connection>,
    span: Duration,
    rate: Option<f64>,
) -> anyhow::Result<(Vec<Connection>, Measured)> {
    let source = Rc::new(match rate {
        Some(rate) => Source::Paced(Mutex::new(pacing::start(rate, span)?)),
        None => Source::Until(Instant::now() + span),
    });
    let measured = Rc::new(RefCell::new(Measured::new()?));
    let mut workers = JoinSet::new();
    for mut connection in connections {
        let (source, measured) = (Rc::clone(&source), Rc::clone(&measured));
        workers.spawn_local(async move {
            while let Some(due) = source.next().await {
                let result = exchange::run(&mut connection, due).await;
                let failed = result.is_err();
                measured.borrow_mut().record(result);
                if failed {
                    // A server that refuses at once must not turn the loop into a spin.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
            connection
        });
    }
    let connections = workers.join_all().await;
    let measured = measured.replace(Measured::new()?);
    Ok((connections, measured))
}

/// Where workers get their next request from.
enum Source {
    Until(Instant),
    Paced(Mutex<UnboundedReceiver<Instant>>),
}

impl Source {
    async fn next(&self) -> Option<Instant> {
        match self {
            Self::Until(end) => Some(Instant::now()).filter(|now| now < end),
            Self::Paced(due) => due.lock().await.recv().await,
        }
    }
}
