//! Sharing through Redis.
//!
//! Counts are kept by one script, which is atomic in Redis; what replicas tell each other goes through a channel. All
//! keys begin with the namespace, and those of one thing carry the same hash tag, so that a cluster keeps them together
//! and spreads different things over its nodes.

mod connect;
mod reach;
mod reply;
mod script;
mod settings;

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use fred::{
    clients::{Client, SubscriberClient},
    types::Value,
};
use llmux_core::{Count, Counted, Error, Heard, Result, SharedState};
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinHandle,
};

pub use self::settings::{RedisServer, RedisSettings, RedisTls};
use self::{reach::Reach, script::Scripts};
use crate::out_of_reach;

/// What replicas share in a Redis, or a cluster of them.
pub struct RedisState {
    replica: String,
    prefix: String,
    channel: String,
    timeout: Duration,
    client: Client,
    subscriber: SubscriberClient,
    scripts: Scripts,
    reach: Arc<Reach>,
    teller: mpsc::Sender<Heard>,
    heard: Mutex<mpsc::Receiver<Heard>>,
    tasks: OnceLock<Vec<JoinHandle<()>>>,
}

impl RedisState {
    /// Begins to connect, as [`new`](Self::new) and [`start`](Self::start) do. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the settings contradict themselves. A server that cannot be reached is no error.
    pub fn connect(settings: &RedisSettings) -> Result<Arc<Self>> {
        let state = Self::new(settings)?;
        state.start();
        Ok(state)
    }

    /// What replicas share, out of reach until it is started.
    ///
    /// # Errors
    /// When the settings contradict themselves.
    pub fn new(settings: &RedisSettings) -> Result<Arc<Self>> {
        let replica = format!("{:016x}", rand::random::<u64>());
        let (client, subscriber) = connect::clients(settings)?;
        let (teller, heard) = mpsc::channel(connect::QUEUE);
        let channel = format!("{}:told", settings.namespace);
        let reach = Arc::new(Reach::new(settings.shown()));
        Ok(Arc::new(Self {
            prefix: settings.namespace.clone(),
            timeout: settings.timeout,
            scripts: Scripts::new(),
            heard: Mutex::new(heard),
            subscriber,
            replica,
            channel,
            client,
            reach,
            teller,
            tasks: OnceLock::new(),
        }))
    }

    /// Begins to connect, and goes on trying for as long as this lives. Needs a tokio runtime.
    pub fn start(&self) {
        self.tasks.get_or_init(|| {
            connect::start(&self.client, &self.subscriber, &self.channel, &self.replica, &self.teller)
        });
    }

    /// Runs a command for so long at most, and notes how it went.
    async fn within<T>(&self, command: impl Future<Output = Result<T, fred::error::Error>>) -> Result<T> {
        let failed = match tokio::time::timeout(self.timeout, command).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => error.details().to_owned(),
            Err(_) => format!("no answer within {:?}", self.timeout),
        };
        self.reach.failed(&failed);
        Err(out_of_reach(&failed))
    }
}

impl Drop for RedisState {
    fn drop(&mut self) {
        self.tasks.get().into_iter().flatten().for_each(JoinHandle::abort);
    }
}

impl fmt::Debug for RedisState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisState").field("replica", &self.replica).finish_non_exhaustive()
    }
}

#[async_trait]
impl SharedState for RedisState {
    fn replica(&self) -> &str {
        &self.replica
    }

    async fn count(&self, of: &str, counts: &[Count<'_>]) -> Result<Vec<Counted>> {
        if self.reach.is_lost() {
            return Err(out_of_reach("it did not answer lately"));
        }
        let (keys, arguments) = script::count_arguments(&self.prefix, &self.replica, of, counts);
        let answer: Value = self.within(self.scripts.count.run(&self.client, keys, arguments)).await?;
        reply::counted(answer, counts.len()).ok_or_else(|| {
            self.reach.failed("it answered what no script of ours answers");
            nonsense()
        })
    }

    async fn tell(&self, what: Bytes) -> Result<()> {
        let keys = vec![format!("{}:epoch", self.prefix)];
        // A name for the memory of Redis, should it have none: another one each time.
        let epoch = format!("{:016x}", rand::random::<u64>());
        let body = connect::sealed(&self.replica, &what);
        let arguments: Vec<Value> = vec![epoch.into(), self.channel.as_str().into(), Value::Bytes(body)];
        let answer: Value = self.within(self.scripts.tell.run(&self.client, keys, arguments)).await?;
        let epoch = answer.as_str().ok_or_else(nonsense)?;
        if self.reach.answered(&epoch) {
            _ = self.teller.try_send(Heard::Emptied);
        }
        Ok(())
    }

    async fn hear(&self) -> Heard {
        match self.heard.lock().await.recv().await {
            Some(heard) => heard,
            // This holds the other end itself.
            None => std::future::pending().await,
        }
    }
}

fn nonsense() -> Error {
    out_of_reach("its answer makes no sense")
}
