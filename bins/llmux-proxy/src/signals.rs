//! Signals: SIGTERM and SIGINT end the process gracefully, SIGHUP reloads.

use std::{io, sync::Arc, time::Duration};

use llmux_gateway::Gateway;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::reload::Reload;

/// Starts listening. The first SIGTERM or SIGINT makes readiness say 503; after `drain_delay`, or a second signal,
/// no more connections are taken and running requests may end.
pub(crate) fn listen(
    gateway: Arc<Gateway>,
    reload: Reload,
    drain_delay: Duration,
    shutdown: CancellationToken,
) -> io::Result<()> {
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
        gateway.drain();
        if !drain_delay.is_zero() {
            tracing::info!(?drain_delay, "draining: readiness says 503, requests are still taken");
            tokio::select! {
                () = tokio::time::sleep(drain_delay) => {}
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        tracing::info!("stopping: no new connections are taken, running requests may end");
        shutdown.cancel();
    });
    Ok(())
}
