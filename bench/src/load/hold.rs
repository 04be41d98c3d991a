//! Many streams open at once.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use anyhow::ensure;
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};

use crate::args::Target;
use crate::connection::{Connection, Template};
use crate::exchange::Reading;
use crate::tell;

/// How many streams are being opened at once; more would only queue before the listener.
const OPENING: usize = 128;

/// Opens the streams, tells how many gave their first event, and reads on until a line comes.
pub(crate) async fn run(target: &Target, streams: usize) -> anyhow::Result<()> {
    let template = Template::new(&Target { stream: true, ..target.clone() })?;
    let gate = Rc::new(Semaphore::new(OPENING));
    let ended = Rc::new(Cell::new(0_usize));
    let (opened, mut openings) = mpsc::unbounded_channel();
    for _ in 0..streams {
        let (template, gate, ended, opened) =
            (template.clone(), Rc::clone(&gate), Rc::clone(&ended), opened.clone());
        tokio::task::spawn_local(async move {
            let mut connection = Connection::new(template);
            let opening = async {
                let _permit = gate.acquire().await?;
                open(&mut connection).await
            };
            match opening.await {
                Ok(mut reading) => {
                    drop(opened.send(None));
                    while let Ok(Some(_)) = reading.next().await {}
                    ended.set(ended.get() + 1);
                }
                Err(error) => drop(opened.send(Some(format!("{error:#}")))),
            }
        });
    }
    drop(opened);
    let (mut open, mut failure) = (0_usize, None);
    for _ in 0..streams {
        match openings.recv().await {
            Some(None) => open += 1,
            Some(error) => failure = failure.or(error),
            None => break,
        }
    }
    tell(&json!({"open": open, "failed": streams - open, "first_failure": failure}).to_string())?;
    tokio::task::spawn_blocking(|| io::stdin().read_line(&mut String::new())).await??;
    tell(&json!({"ended": ended.get()}).to_string())
}

/// Opens a stream and waits for its first bytes.
async fn open(connection: &mut Connection) -> anyhow::Result<Reading> {
    let response = connection.send().await?;
    ensure!(response.status() == 200, "status {}", response.status());
    let mut reading = Reading::new(response.into_body());
    ensure!(reading.next().await?.is_some(), "the stream is empty");
    Ok(reading)
}
