//! Asking deployments whether they work, with a small request of their own.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::HeaderMap;
use llmux_core::{Call, DeploymentId, Dialect, Error, ErrorKind, Moment, Operation, Result, Timeouts};
use llmux_wire::json::envelope;
use serde_json::{Map, Value, json};

use crate::{attempt::attempt, deployment::Deployment, engine::Router, pattern::Pattern};

/// How a deployment is asked whether it works.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HealthCheck {
    /// What is asked: a chat, a completion, embeddings, an image, speech, a moderation or a ranking.
    pub operation: Operation,
    /// The model to ask, where the deployment's is a wildcard.
    pub model: Option<String>,
    /// The longest answer, in tokens: enough for models that think first.
    pub max_tokens: u64,
    /// The voice that speech is asked for in.
    pub voice: String,
    /// Members to add to the body.
    pub params: Map<String, Value>,
    /// Time for it.
    pub timeout: Duration,
    /// Time between two checks in the background, where it differs from the others'.
    pub interval: Option<Duration>,
    /// Whether it is asked in the background.
    pub background: bool,
}

impl Default for HealthCheck {
    /// A chat of at most 16 tokens, within a minute.
    fn default() -> Self {
        Self {
            operation: Operation::Chat,
            model: None,
            max_tokens: 16,
            voice: "alloy".to_owned(),
            params: Map::new(),
            timeout: Duration::from_secs(60),
            interval: None,
            background: true,
        }
    }
}

/// How a check went.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckResult {
    /// When it was over.
    pub at: Moment,
    /// How long it took, in milliseconds.
    pub took: u64,
    /// What went wrong, if anything did: status and message.
    pub error: Option<(u16, String)>,
}

impl HealthCheck {
    /// The model to ask, and the body of the question.
    fn question(&self, deployment: &Deployment) -> Result<(String, Dialect, Bytes)> {
        let model = self.model.as_deref().unwrap_or_else(|| deployment.model());
        let wrong = |message: &str, param: &str| {
            Err(Error::new(ErrorKind::InvalidRequest, message).with_param(param))
        };
        if Pattern::is_pattern(model) {
            let message = "set `health_check_model`: the deployment's own model is a wildcard";
            return wrong(message, "health_check_model");
        }
        let mut body = match self.operation {
            Operation::Chat => {
                let messages = [json!({"role": "user", "content": "hi"})];
                json!({"model": model, "messages": messages, "max_tokens": self.max_tokens})
            }
            Operation::Completion => json!({"model": model, "prompt": "hi", "max_tokens": self.max_tokens}),
            Operation::Embeddings | Operation::Moderation => json!({"model": model, "input": "hi"}),
            Operation::ImageGeneration => json!({"model": model, "prompt": "a dot", "n": 1}),
            Operation::Speech => json!({"model": model, "input": "hi", "voice": self.voice}),
            Operation::Rerank => json!({"model": model, "query": "hi", "documents": ["hi"]}),
            _ => return wrong("a model that takes files cannot be asked whether it works", "mode"),
        };
        if let Some(body) = body.as_object_mut() {
            body.extend(self.params.clone());
        }
        let dialect = if self.operation == Operation::Rerank { Dialect::Cohere } else { Dialect::OpenAi };
        Ok((model.to_owned(), dialect, body.to_string().into()))
    }
}

impl Router {
    /// Asks a deployment whether it works, and remembers the answer. Nothing is counted, and cooldowns are not
    /// touched.
    ///
    /// # Errors
    /// When there is no such deployment, or what went wrong with it.
    pub async fn check(&self, id: &DeploymentId) -> Result<()> {
        let table = self.table.load_full();
        let member = table.members().find(|member| member.deployment.id() == id).ok_or_else(|| {
            Error::client(ErrorKind::NotFound, format!("there is no deployment with the id `{id}`"))
        })?;
        let (state, started) = (&member.state, self.shared.state.now());
        let question = member.deployment.settings().health_check.question(&member.deployment);
        let was_put = question.is_ok();
        let checked = match question {
            Ok((model, dialect, body)) => self.put(&member.deployment, &model, dialect, &body).await,
            Err(error) => Err(error),
        };
        let now = self.shared.state.now();
        let told = checked.as_ref().err().map(|error| (error.status().as_u16(), error.to_string()));
        state.set_check(CheckResult {
            at: now,
            took: now.millis().saturating_sub(started.millis()),
            error: told,
        });
        // A question that could not be put says nothing of the deployment.
        let transient = |error: &Error| {
            self.shared.policy.health_ignore_transient && matches!(error.status().as_u16(), 408 | 429)
        };
        match &checked {
            Ok(()) => state.set_health(true, now),
            Err(error) if !was_put || transient(error) => {}
            Err(_) => state.set_health(false, now),
        }
        checked
    }

    /// Puts the question to a deployment.
    async fn put(&self, deployment: &Deployment, model: &str, dialect: Dialect, body: &Bytes) -> Result<()> {
        let check = &deployment.settings().health_check;
        let (fields, headers) = (envelope::read(body)?, HeaderMap::new());
        let call = Call::new(check.operation, dialect, model, body, &fields, &headers).with_drop_params(true);
        let mut limits = Timeouts::default();
        limits.total = Some(check.timeout);
        let policy = &self.shared.policy;
        let limits = limits.or(policy.timeouts);
        attempt(deployment, &call, None, None, &*self.transport, limits, policy.max_answer).await.map(drop)
    }

    /// How the last check of a deployment went; `None` if there was none, or no such deployment.
    #[must_use]
    pub fn last_check(&self, id: &DeploymentId) -> Option<Arc<CheckResult>> {
        let table = self.table.load();
        table.members().find(|member| member.deployment.id() == id)?.state.last_check()
    }

    /// Whether every deployment of a model was found sick lately.
    #[must_use]
    pub fn is_sick(&self, model: &str) -> bool {
        let table = self.table.load();
        let sick = |member: &crate::group::Member| matches!(member.state.health(), Some((false, _)));
        table.find(model).is_some_and(|group| group.members.iter().all(|member| sick(member)))
    }
}
