//! A gateway in this process, with a store of identities and spend in memory.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use llmux_config::Loader;
use llmux_core::{
    Environment, Error, ErrorKind, Result,
    tenancy::{
        Changes, EndUser, Entity, IdentityChange, IdentityListener, IdentityStore, KeyHash, KeyIdentity,
        SpendEvent, SpendStore,
    },
};
use llmux_gateway::{
    Gateway, Parts, Snapshot, Tenancy,
    server::{Server, ServerOptions},
};
use llmux_journal::{Journal, Options, ship};
use llmux_testkit::{Answer as Scripted, ScriptedUpstream};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::proxy::Answer;

/// The key of these tests.
pub(crate) const KEY: &str = "sk-of-somebody";

/// An answer that costs 0.00275 dollars at `model`.
pub(crate) fn priced() -> Scripted {
    Scripted::json(json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-up",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
        "usage": {
            "prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100,
            "prompt_tokens_details": {"cached_tokens": 600},
        },
    }))
}

/// Identities and spend in memory.
pub(crate) struct Store {
    keys: Mutex<HashMap<KeyHash, KeyIdentity>>,
    pub(crate) away: AtomicBool,
    failing: Mutex<Option<ErrorKind>>,
    recorded: watch::Sender<Vec<SpendEvent>>,
}

impl Store {
    /// Makes recording fail, or not any more.
    pub(crate) fn fail_with(&self, kind: Option<ErrorKind>) {
        *self.failing.lock().unwrap() = kind;
    }
}

#[async_trait]
impl IdentityStore for Store {
    async fn identity(&self, hash: &KeyHash) -> Result<Option<KeyIdentity>> {
        if self.away.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "away"));
        }
        Ok(self.keys.lock().unwrap().get(hash).cloned())
    }

    async fn end_user(&self, _: &str) -> Result<Option<EndUser>> {
        Ok(None)
    }

    async fn changes_since(&self, sequence: i64) -> Result<Changes> {
        Ok(Changes::new(sequence.max(0), Vec::new()))
    }
}

#[async_trait]
impl SpendStore for Store {
    async fn record(&self, events: &[SpendEvent]) -> Result<()> {
        if let Some(kind) = *self.failing.lock().unwrap() {
            return Err(Error::new(kind, "away"));
        }
        self.recorded.send_modify(|recorded| recorded.extend_from_slice(events));
        Ok(())
    }
}

/// A running gateway; dropping it stops it.
pub(crate) struct Stage {
    pub(crate) store: Arc<Store>,
    pub(crate) upstream: ScriptedUpstream,
    tenancy: Arc<Tenancy>,
    client: reqwest::Client,
    url: String,
    shutdown: CancellationToken,
    _folder: TempDir,
}

impl Stage {
    /// A gateway that serves `model` and `other` from an upstream with these answers.
    pub(crate) async fn start(answers: impl IntoIterator<Item = Scripted>) -> Self {
        let upstream = ScriptedUpstream::answering(answers).await;
        let params = format!("{{model: openai/gpt-4o, api_key: sk-up, api_base: '{}'}}", upstream.url());
        let text = format!(
            "model_list:\n  - {{model_name: model, litellm_params: {params}}}\n  - {{model_name: other, \
             litellm_params: {params}}}\nrouter_settings: {{num_retries: 0, disable_cooldowns: true}}\n\
             general_settings: {{master_key: sk-master}}\n"
        );
        let config = Loader::new(|_| None).load_str(&text, "config.yaml").unwrap().config;
        let (keys, failing) = (Mutex::default(), Mutex::default());
        let (away, recorded) = (AtomicBool::new(false), watch::Sender::default());
        let store = Arc::new(Store { keys, away, failing, recorded });
        let folder = tempfile::tempdir().unwrap();
        let (journal, reader) = Journal::open(&Options::new(folder.path())).unwrap();
        tokio::spawn(ship(reader, Arc::<Store>::clone(&store)));
        let tenancy = Tenancy::new(Arc::<Store>::clone(&store), journal, llmux_auth::Settings::default());
        let transport = Arc::new(llmux::http::HttpTransport::builder().build().unwrap());
        let parts = Parts::new(Arc::new(llmux::registry()), transport, Environment::new(|_| None))
            .with_tenancy(Some(Arc::clone(&tenancy)));
        let built = Snapshot::build(&config, &parts).unwrap_or_else(|errors| panic!("{errors:?}"));
        let mut options = ServerOptions::default();
        options.port = 0;
        let server = Server::bind(options).unwrap();
        let (url, shutdown) = (format!("http://{}", server.local_addr()), CancellationToken::new());
        let gateway = Arc::new(Gateway::new(built.snapshot));
        tokio::spawn(server.run(gateway, shutdown.clone()));
        let client = reqwest::Client::new();
        Self { store, upstream, tenancy, client, url, shutdown, _folder: folder }
    }

    /// Puts a key in the store, and says that it has changed.
    pub(crate) fn know(&self, identity: KeyIdentity) {
        let hash = identity.key.hash;
        self.store.keys.lock().unwrap().insert(hash, identity);
        self.tenancy.changed(&IdentityChange::new(Entity::Key, hash.to_string()));
    }

    pub(crate) fn post(&self, key: &str, body: &Value) -> reqwest::RequestBuilder {
        self.client.post(format!("{}/v1/chat/completions", self.url)).bearer_auth(key).json(body)
    }

    pub(crate) async fn ask(&self, key: &str, body: &Value) -> Answer {
        Answer::of(self.post(key, body)).await
    }

    pub(crate) async fn chat(&self, body: &Value) -> Answer {
        self.ask(KEY, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.client.get(format!("{}{path}", self.url)).bearer_auth(KEY)).await
    }

    pub(crate) async fn explain(&self, body: &Value) -> Answer {
        let request = self.client.post(format!("{}/router/explain", self.url));
        Answer::of(request.bearer_auth(KEY).json(body)).await
    }

    /// Waits for so many events, and gives them.
    pub(crate) async fn events(&self, count: usize) -> Vec<SpendEvent> {
        let mut recorded = self.store.recorded.subscribe();
        let waited =
            timeout(Duration::from_secs(20), recorded.wait_for(|events| events.len() >= count)).await;
        waited.expect("the events are recorded").unwrap().clone()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}
