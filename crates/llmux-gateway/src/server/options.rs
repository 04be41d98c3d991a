//! What can be set about the listener.

use std::{path::PathBuf, time::Duration};

use tokio::sync::Semaphore;

/// Longest timeout, so that adding it to a point in time cannot overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Address, certificate, limits and timeouts of a [`Server`](super::Server).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerOptions {
    /// Name or address to listen on.
    pub host: String,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// Serve TLS with this certificate; plain text if `None`.
    pub tls: Option<TlsFiles>,
    /// Connections served at once; further ones wait until one ends.
    pub max_connections: usize,
    /// Time for the TLS handshake, for the first request to arrive, and for the head of each further one.
    pub header_timeout: Duration,
    /// Time after which a connection without a request is closed, and after which the other end of an HTTP/2
    /// connection is asked whether it is still there.
    pub idle_timeout: Duration,
    /// Time that running requests have to end at shutdown.
    pub drain_timeout: Duration,
    /// Requests that one HTTP/2 connection may have open.
    pub max_concurrent_streams: u32,
    /// Let several listeners share the port, so that the kernel spreads connections over them.
    pub reuse_port: bool,
}

/// PEM files of a certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsFiles {
    /// The certificate, followed by its chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl TlsFiles {
    /// Names the two files.
    #[must_use]
    pub fn new(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self { certificate: certificate.into(), key: key.into() }
    }
}

impl ServerOptions {
    /// The connection limit in the range that a semaphore takes.
    pub(super) fn places(&self) -> usize {
        self.max_connections.clamp(1, Semaphore::MAX_PERMITS)
    }

    pub(super) fn longest_head(&self) -> Duration {
        self.header_timeout.min(LONGEST)
    }

    pub(super) fn longest_pause(&self) -> Duration {
        self.idle_timeout.min(LONGEST)
    }
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self::from(&llmux_config::Server::default())
    }
}

impl From<&llmux_config::Server> for ServerOptions {
    fn from(section: &llmux_config::Server) -> Self {
        Self {
            host: section.host.clone(),
            port: section.port,
            tls: section.tls.as_ref().map(|tls| TlsFiles::new(&tls.cert_file, &tls.key_file)),
            max_connections: section.max_connections,
            header_timeout: section.header_timeout,
            idle_timeout: section.idle_timeout,
            drain_timeout: section.drain_timeout,
            max_concurrent_streams: 250,
            reuse_port: false,
        }
    }
}
