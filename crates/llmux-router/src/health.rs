//! Asking deployments whether they work, with a small request of their own.

use bytes::Bytes;
use http::HeaderMap;
use llmux_core::{Call, DeploymentId, Dialect, Error, ErrorKind, Operation, Result, Timeouts};
use llmux_wire::json::envelope;
use serde_json::json;

use crate::{attempt::attempt, deployment::Deployment, engine::Router, pattern::Pattern};

/// How a deployment is asked whether it works.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HealthCheck {
    /// What is asked: a chat, or embeddings.
    pub operation: Operation,
    /// The model to ask, where the deployment's is a wildcard.
    pub model: Option<String>,
    /// The longest answer, in tokens: enough for models that think first.
    pub max_tokens: u64,
    /// Time for it.
    pub timeout: std::time::Duration,
}

impl Default for HealthCheck {
    /// A chat of at most 16 tokens, within a minute.
    fn default() -> Self {
        let timeout = std::time::Duration::from_secs(60);
        Self { operation: Operation::Chat, model: None, max_tokens: 16, timeout }
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
        let checked = self.ask_for_health(&member.deployment).await;
        member.state.set_health(checked.is_ok(), self.shared.state.now());
        checked
    }

    async fn ask_for_health(&self, deployment: &Deployment) -> Result<()> {
        let check = &deployment.settings().health_check;
        let model = check.model.as_deref().unwrap_or_else(|| deployment.model());
        if Pattern::is_pattern(model) {
            let message = "set `health_check_model`: the deployment's own model is a wildcard";
            return Err(Error::new(ErrorKind::InvalidRequest, message).with_param("health_check_model"));
        }
        let body = match check.operation {
            Operation::Embeddings => json!({"model": model, "input": "hi"}),
            _ => {
                let messages = [json!({"role": "user", "content": "hi"})];
                json!({"model": model, "messages": messages, "max_tokens": check.max_tokens})
            }
        };
        let body = Bytes::from(body.to_string());
        let (fields, headers) = (envelope::read(&body)?, HeaderMap::new());
        let call = Call::new(check.operation, Dialect::OpenAi, model, &body, &fields, &headers)
            .with_drop_params(true);
        let mut limits = Timeouts::default();
        limits.total = Some(check.timeout);
        let policy = &self.shared.policy;
        let limits = limits.or(policy.timeouts);
        attempt(deployment, &call, None, None, &*self.transport, limits, policy.max_answer).await.map(drop)
    }
}
