//! Which Redis, and how to reach it.

use std::{fmt, time::Duration};

use llmux_core::SecretString;

/// How to reach Redis.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RedisSettings {
    /// Where it is.
    pub server: RedisServer,
    /// The user, if there is one beside the default user.
    pub username: Option<String>,
    /// The password.
    pub password: Option<SecretString>,
    /// The number of the database; a cluster has only 0.
    pub database: Option<u8>,
    /// TLS; a URL that begins with `rediss` asks for it too.
    pub tls: Option<RedisTls>,
    /// The beginning of all keys and channels: replicas with the same one share what they know.
    pub namespace: String,
    /// Time for a command, and the longest that a request ever waits.
    pub timeout: Duration,
}

/// Where Redis is.
#[derive(Clone)]
#[non_exhaustive]
pub enum RedisServer {
    /// An address such as `redis://user:password@host:6379/0`. The schemes are `redis`, `redis-cluster` (further nodes
    /// as `?node=host:port`) and `redis-sentinel` (`?sentinelServiceName=name`), `rediss` with TLS, and the same with
    /// `valkey`.
    Url(SecretString),
    /// One server.
    One {
        /// Its host.
        host: String,
        /// Its port.
        port: u16,
    },
    /// Some nodes of a cluster, by host and port; the others are found through them.
    Cluster(Vec<(String, u16)>),
    /// A server that sentinels know.
    Sentinels {
        /// The sentinels, by host and port.
        nodes: Vec<(String, u16)>,
        /// What they call the server.
        service: String,
        /// The sentinels' own password.
        password: Option<SecretString>,
    },
}

impl RedisServer {
    /// Where it is, without secrets.
    pub(super) fn shown(&self) -> String {
        let list = |nodes: &[(String, u16)]| {
            nodes.iter().map(|(host, port)| format!("{host}:{port}")).collect::<Vec<_>>().join(", ")
        };
        match self {
            // A URL may hold a password in several places.
            Self::Url(_) => "redis at its URL".to_owned(),
            Self::One { host, port } => format!("{host}:{port}"),
            Self::Cluster(nodes) => format!("cluster of {}", list(nodes)),
            Self::Sentinels { nodes, service, .. } => format!("{service} at sentinels {}", list(nodes)),
        }
    }
}

impl fmt::Debug for RedisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisServer({})", self.shown())
    }
}

/// How Redis is reached over TLS.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RedisTls {
    /// Certificates to trust beside those of the operating system: PEM.
    pub roots: Option<Vec<u8>>,
}

impl RedisSettings {
    /// Time for a command unless set otherwise.
    pub const TIMEOUT: Duration = Duration::from_millis(100);

    /// A server without password and TLS, under the namespace `llmux`.
    #[must_use]
    pub fn new(server: RedisServer) -> Self {
        Self {
            server,
            username: None,
            password: None,
            database: None,
            tls: None,
            namespace: "llmux".to_owned(),
            timeout: Self::TIMEOUT,
        }
    }

    /// Sets user and password.
    #[must_use]
    pub fn with_user(mut self, username: Option<String>, password: Option<SecretString>) -> Self {
        (self.username, self.password) = (username, password);
        self
    }

    /// Sets the number of the database.
    #[must_use]
    pub fn with_database(mut self, database: Option<u8>) -> Self {
        self.database = database;
        self
    }

    /// Sets TLS, with PEM certificates to trust beside those of the operating system.
    #[must_use]
    pub fn with_tls(mut self, roots: Option<Vec<u8>>) -> Self {
        self.tls = Some(RedisTls { roots });
        self
    }

    /// Sets the beginning of all keys and channels.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Sets the time for a command.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub(super) fn shown(&self) -> String {
        self.server.shown()
    }
}
