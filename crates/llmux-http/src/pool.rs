//! Open connections, kept for the next request to the same place.
//!
//! A request over HTTP/1.1 has its connection for itself; the one used last is taken first, so that those beyond
//! what the load needs grow old and are closed. An HTTP/2 connection is shared by all requests to its place.

mod host;

use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use http::{Request, Response, Uri, uri::Scheme};
use hyper::body::Incoming;
use tokio::time::{MissedTickBehavior, interval};

use crate::{connector::Connector, failure::Failed, payload::Payload};

pub(crate) use host::Lease;
use host::{Host, Line};

type Hosts = ArcSwap<HashMap<Box<str>, Arc<Host>>>;

/// The connections of a transport.
pub(crate) struct Pool {
    connector: Connector,
    idle_timeout: Duration,
    max_idle: usize,
    /// By authority.
    plain: Hosts,
    secured: Hosts,
    /// Whether somebody looks after connections that are no longer needed.
    tended: AtomicBool,
}

impl Pool {
    pub(crate) fn new(connector: Connector, idle_timeout: Duration, max_idle: usize) -> Arc<Self> {
        let (plain, secured) = (Hosts::default(), Hosts::default());
        Arc::new(Self { connector, idle_timeout, max_idle, plain, secured, tended: AtomicBool::new(false) })
    }

    /// Sends a request on a connection that is open, or on a new one, which has to stand within `limit`.
    ///
    /// A connection that turns out to be closed is no failure as long as nothing of the request has gone out.
    pub(crate) async fn send(
        self: &Arc<Self>,
        mut request: Request<Payload>,
        limit: Option<Duration>,
    ) -> Result<(Response<Incoming>, Lease), Failed> {
        let host = self.host(request.uri());
        let uri = request.uri().clone();
        while let Some(line) = host.take() {
            let shared = line.is_shared();
            match line.send(request).await {
                Ok((response, line)) => return Ok((response, Lease::new(host, line))),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(Failed::Exchange(error.into_error())),
                },
            }
            if shared {
                host.forget_shared();
            }
            request.uri_mut().clone_from(&uri);
        }
        // Rare and large: kept out of the future that every request pays for.
        let line = Box::pin(self.open(&host, uri, limit)).await?;
        match line.send(request).await {
            Ok((response, line)) => Ok((response, Lease::new(host, line))),
            Err(error) => Err(Failed::Exchange(error.into_error())),
        }
    }

    async fn open(self: &Arc<Self>, host: &Host, uri: Uri, limit: Option<Duration>) -> Result<Line, Failed> {
        self.tend();
        let stream = self.connector.open_within(uri, limit).await.map_err(Failed::Connect)?;
        let line = Line::open(stream).await.map_err(Failed::Exchange)?;
        Ok(host.share(line))
    }

    fn host(&self, uri: &Uri) -> Arc<Host> {
        let hosts = if uri.scheme() == Some(&Scheme::HTTPS) { &self.secured } else { &self.plain };
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if let Some(host) = hosts.load().get(authority) {
            return Arc::clone(host);
        }
        let new = Arc::new(Host::new(uri, self.max_idle, self.idle_timeout));
        hosts.rcu(|known| {
            let mut known = HashMap::clone(known);
            known.entry(authority.into()).or_insert_with(|| Arc::clone(&new));
            known
        });
        hosts.load().get(authority).map_or(new, Arc::clone)
    }

    /// Starts looking after old connections, once.
    fn tend(self: &Arc<Self>) {
        if self.tended.swap(true, Ordering::Relaxed) {
            return;
        }
        let (pool, period) = (Arc::downgrade(self), self.idle_timeout.max(Duration::from_secs(1)));
        tokio::spawn(tend(pool, period));
    }

    fn close_old(&self) {
        for hosts in [&self.plain, &self.secured] {
            for host in hosts.load().values() {
                host.close_old();
            }
            // Of places that nobody asks any more nothing is kept.
            if hosts.load().values().any(is_deserted) {
                hosts.rcu(|known| {
                    let mut known = HashMap::clone(known);
                    known.retain(|_, host| Arc::strong_count(host) > 2 || !host.is_empty());
                    known
                });
            }
        }
    }
}

/// Whether nobody uses the place: only the list holds it, and it has no connection.
fn is_deserted(host: &Arc<Host>) -> bool {
    Arc::strong_count(host) == 1 && host.is_empty()
}

/// Closes old connections from time to time, as long as the pool exists.
async fn tend(pool: Weak<Pool>, period: Duration) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(pool) = pool.upgrade() else { return };
        pool.close_old();
    }
}
