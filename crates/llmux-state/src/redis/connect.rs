//! Connections, which are made anew for as long as anybody needs them.

use std::{sync::Arc, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use fred::{
    clients::{Client, SubscriberClient},
    interfaces::{ClientLike, EventInterface, PubsubInterface},
    types::{
        Builder, Message, Value,
        config::{Config, ReconnectPolicy, Server, ServerConfig, TlsConfig, TlsConnector},
    },
};
use llmux_core::{Error, ErrorKind, ExposeSecret, Heard, Result};
use rustls::{
    ClientConfig,
    client::danger::ServerCertVerifier,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use tokio::{
    sync::{broadcast::error::RecvError, mpsc},
    task::JoinHandle,
};

use super::settings::{RedisServer, RedisSettings, RedisTls};

/// Messages that wait to be heard; more are lost.
pub(super) const QUEUE: usize = 1_024;
/// The longest message that is listened to, in bytes.
const LONGEST: usize = 4 << 20;
/// Time for a connection.
const CONNECT: Duration = Duration::from_secs(2);
/// Silence after which a connection is given up that has been asked something.
const SILENCE: Duration = Duration::from_secs(2);

/// A client for commands and one that listens, neither connected yet.
pub(super) fn clients(settings: &RedisSettings) -> Result<(Client, SubscriberClient)> {
    let mut builder = Builder::from_config(config(settings)?);
    // From 50 ms to 1 s, without end.
    let mut policy = ReconnectPolicy::new_exponential(0, 50, 1_000, 2);
    policy.set_jitter(50);
    builder
        .set_policy(policy)
        .with_performance_config(|performance| {
            performance.default_command_timeout = settings.timeout;
            performance.broadcast_channel_capacity = QUEUE;
        })
        .with_connection_config(|connection| {
            connection.connection_timeout = CONNECT;
            connection.internal_command_timeout = CONNECT;
            connection.max_command_attempts = 1;
            connection.unresponsive.max_timeout = Some(SILENCE);
            connection.unresponsive.interval = SILENCE / 4;
            connection.reconnect_on_auth_error = true;
        });
    let client = builder.build().map_err(|error| wrong(error.details()))?;
    let subscriber = builder
        .with_performance_config(|performance| performance.default_command_timeout = CONNECT)
        .build_subscriber_client()
        .map_err(|error| wrong(error.details()))?;
    Ok((client, subscriber))
}

fn config(settings: &RedisSettings) -> Result<Config> {
    let plain = |nodes: &[(String, u16)]| -> Vec<Server> {
        nodes.iter().map(|(host, port)| Server::new(host.as_str(), *port)).collect()
    };
    let secret = |secret: &Option<llmux_core::SecretString>| {
        secret.as_ref().map(|secret| secret.expose_secret().to_owned())
    };
    let mut tls = settings.tls.clone();
    let mut config = match &settings.server {
        RedisServer::Url(url) => {
            let url = url.expose_secret();
            // The scheme's `s` would set up TLS otherwise than everywhere else here.
            let (scheme, rest) = url.split_once(':').ok_or_else(|| wrong("the URL has no scheme"))?;
            let schemes = [("rediss", "redis"), ("valkeys", "valkey")].into_iter();
            let plain = schemes
                .filter_map(|(with, without)| Some(format!("{without}{}", scheme.strip_prefix(with)?)))
                .next();
            if plain.is_some() {
                tls.get_or_insert_default();
            }
            let url = format!("{}:{rest}", plain.as_deref().unwrap_or(scheme));
            Config::from_url(&url).map_err(|error| wrong(error.details()))?
        }
        RedisServer::One { host, port } => {
            Config { server: ServerConfig::new_centralized(host.as_str(), *port), ..Config::default() }
        }
        RedisServer::Cluster(nodes) => {
            Config { server: ServerConfig::new_clustered(nodes.clone()), ..Config::default() }
        }
        RedisServer::Sentinels { nodes, service, password } => {
            let server = ServerConfig::Sentinel {
                hosts: plain(nodes),
                service_name: service.clone(),
                username: None,
                password: secret(password),
            };
            Config { server, ..Config::default() }
        }
    };
    config.username = settings.username.clone().or(config.username);
    config.password = secret(&settings.password).or(config.password);
    config.database = settings.database.or(config.database);
    if config.server.is_clustered() && config.database.is_some_and(|database| database != 0) {
        return Err(wrong("a cluster has no database but 0"));
    }
    // A server that is away at the start may come later.
    config.fail_fast = false;
    config.tls = tls.as_ref().map(connector).transpose()?;
    Ok(config)
}

/// TLS with the operating system's roots and those of the settings.
fn connector(tls: &RedisTls) -> Result<TlsConfig> {
    let roots = tls.roots.as_deref().map(|pem| CertificateDer::pem_slice_iter(pem).collect());
    let roots: Vec<CertificateDer<'static>> = roots
        .transpose()
        .map_err(|error| wrong(&format!("certificates cannot be read: {error}")))?
        .unwrap_or_default();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&format!("TLS cannot be set up: {error}")))?;
    let verifier: Arc<dyn ServerCertVerifier> = Arc::new(
        Verifier::new_with_extra_roots(roots, provider)
            .map_err(|error| wrong(&format!("TLS cannot be set up: {error}")))?,
    );
    let config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    Ok(TlsConnector::from(config).into())
}

/// Starts to connect, and to listen.
pub(super) fn start(
    client: &Client,
    subscriber: &SubscriberClient,
    channel: &str,
    replica: &str,
    teller: &mpsc::Sender<Heard>,
) -> Vec<JoinHandle<()>> {
    let client = client.clone();
    // The connection's own task ends when it is told to, or when this one is dropped.
    let connection = tokio::spawn(async move { _ = client.connect().await });
    let listener = Listener {
        subscriber: subscriber.clone(),
        channel: channel.to_owned(),
        replica: replica.to_owned(),
        teller: teller.clone(),
    };
    vec![connection, tokio::spawn(listener.run())]
}

struct Listener {
    subscriber: SubscriberClient,
    channel: String,
    replica: String,
    teller: mpsc::Sender<Heard>,
}

impl Listener {
    async fn run(self) {
        let mut connected = self.subscriber.reconnect_rx();
        let mut messages = self.subscriber.message_rx();
        let _connection = self.subscriber.connect();
        if self.subscriber.wait_for_connect().await.is_ok() {
            self.subscribe().await;
        }
        loop {
            tokio::select! {
                again = connected.recv() => match again {
                    Ok(_) | Err(RecvError::Lagged(_)) => self.subscribe().await,
                    Err(RecvError::Closed) => return,
                },
                message = messages.recv() => match message {
                    Ok(message) => self.hear(&message),
                    Err(RecvError::Lagged(_)) => _ = self.teller.try_send(Heard::Joined),
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }

    /// A connection that fails meanwhile is followed by another one, and by this once more.
    async fn subscribe(&self) {
        if self.subscriber.subscribe(self.channel.as_str()).await.is_ok() {
            _ = self.teller.try_send(Heard::Joined);
        }
    }

    fn hear(&self, message: &Message) {
        let Value::Bytes(body) = &message.value else {
            if let Value::String(text) = &message.value {
                self.pass_on(Bytes::copy_from_slice(text.as_bytes()));
            }
            return;
        };
        self.pass_on(body.clone());
    }

    fn pass_on(&self, body: Bytes) {
        if let Some(what) = opened(&body, &self.replica) {
            _ = self.teller.try_send(Heard::Told(what));
        }
    }
}

/// A message with its teller's name in front.
pub(super) fn sealed(replica: &str, what: &Bytes) -> Bytes {
    let mut body = BytesMut::with_capacity(replica.len().saturating_add(1).saturating_add(what.len()));
    body.put_slice(replica.as_bytes());
    body.put_u8(b'\n');
    body.put_slice(what);
    body.freeze()
}

/// What another replica has told; `None` for what this one told itself, and for what no replica has.
fn opened(body: &Bytes, replica: &str) -> Option<Bytes> {
    let end = body.iter().take(64).position(|byte| *byte == b'\n').filter(|_| body.len() <= LONGEST)?;
    let (teller, rest) = body.split_at_checked(end)?;
    (teller != replica.as_bytes()).then(|| body.slice_ref(rest.get(1..).unwrap_or_default()))
}

fn wrong(why: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("Redis: {why}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn messages_of_others_are_opened_as_they_were_sealed(what in proptest::collection::vec(any::<u8>(), 0..200)) {
            let body = sealed("one", &what.clone().into());
            prop_assert_eq!(opened(&body, "one"), None);
            prop_assert_eq!(opened(&body, "other"), Some(Bytes::from(what)));
        }

        #[test]
        fn any_bytes_can_be_opened(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let read = opened(&body.clone().into(), "one");
            prop_assert!(read.is_none_or(|read| read.len() < body.len()));
        }
    }

    #[test]
    fn urls_of_all_kinds_are_understood() {
        for (url, tls) in [
            ("redis://:secret@127.0.0.1:6379/3", false),
            ("rediss://user:secret@example.com", true),
            ("valkey://example.com:7000", false),
            ("redis-cluster://a:1?node=b:2&node=c:3", false),
            ("rediss-cluster://a:1", true),
            ("redis-sentinel://a:1?sentinelServiceName=main", false),
        ] {
            let settings = RedisSettings::new(RedisServer::Url(url.into()));
            let config = config(&settings).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(config.tls.is_some(), tls, "{url}");
            assert!(!format!("{settings:?}").contains("secret"), "{settings:?}");
        }
        for url in ["", "nothing", "://", "rediss:"] {
            assert!(config(&RedisSettings::new(RedisServer::Url(url.into()))).is_err(), "{url}");
        }
        let cluster = RedisSettings::new(RedisServer::Cluster(vec![("a".to_owned(), 1)]));
        assert!(config(&cluster.clone().with_database(Some(0))).is_ok());
        assert!(config(&cluster.with_database(Some(4))).is_err());
    }
}
