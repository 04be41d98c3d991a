//! Signals: SIGTERM and SIGINT end the process gracefully, SIGHUP reloads.

use std::{io, sync::Arc};

use llmux_gateway::Gateway;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::reload::Reload;

/// Starts listening. The first SIGTERM or SIGINT stops taking connections and lets running requests end.
pub(crate) fn listen(gateway: Arc<Gateway>, reload: Reload, shutdown: CancellationToken) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => reload.now().await,
            }
        }
        tracing::info!("stopping: no new connections are taken, running requests may end");
        gateway.drain();
        shutdown.cancel();
    });
    Ok(())
}
