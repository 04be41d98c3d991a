//! Why a deployment was chosen, and the others were not.

use std::fmt;

use llmux_core::DeploymentId;
use serde::Serialize;

/// Why a deployment may not serve a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Exclusion {
    /// Its model cannot do what the request needs.
    Capability,
    /// The last health check found it sick.
    Unhealthy,
    /// It is left alone after failures.
    Cooldown,
    /// Another request is trying whether it works again.
    Probing,
    /// It is paused.
    Paused,
    /// The request belongs to the deployment that served it before.
    Affinity,
    /// A budget is spent.
    Budget,
    /// The prompt does not fit.
    ContextWindow,
    /// It is at its requests or tokens per minute.
    Limit,
    /// It is not in the region that the request must stay in.
    Region,
    /// Its tags are not those of the request.
    Tags,
    /// Deployments of a lower order come first.
    Order,
    /// It was tried for this request.
    Tried,
    /// It works on as many requests as it may, and another one does not.
    Full,
    /// The strategy chose another one.
    Strategy,
}

impl Exclusion {
    /// A stable word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Capability => "capability",
            Self::Unhealthy => "unhealthy",
            Self::Cooldown => "cooldown",
            Self::Probing => "probing",
            Self::Paused => "paused",
            Self::Affinity => "affinity",
            Self::Budget => "budget",
            Self::ContextWindow => "context_window",
            Self::Limit => "limit",
            Self::Region => "region",
            Self::Tags => "tags",
            Self::Order => "order",
            Self::Tried => "tried",
            Self::Full => "full",
            Self::Strategy => "strategy",
        }
    }
}

/// How one choice was made.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The model that was asked for.
    pub model: String,
    /// The group that it stands for.
    pub group: String,
    /// The deployment that was chosen; none when nobody may serve the request.
    pub chosen: Option<String>,
    /// Every deployment of the group.
    pub deployments: Vec<Explained>,
    /// What the client is told when nobody may serve it.
    pub error: Option<String>,
    /// Where the request would go if this group failed.
    pub fallbacks: Vec<String>,
}

/// What became of one deployment, and what it looked like then.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Explained {
    /// The deployment.
    pub id: String,
    /// Its provider.
    pub provider: String,
    /// Why it was left out; nothing for the one that was chosen.
    pub excluded: Option<Exclusion>,
    /// More about the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Requests that it was working on.
    pub in_flight: u64,
    /// Requests of this minute.
    pub rpm: u64,
    /// Tokens of this minute.
    pub tpm: u64,
    /// The average of its latest latencies: seconds for each token of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<f64>,
}

impl Explanation {
    /// Says who answered in the end: chance may have chosen otherwise, and failures may have followed.
    pub fn answered(&mut self, id: Option<&DeploymentId>) {
        let Some(id) = id else { return };
        self.chosen = Some(id.to_string());
        for deployment in &mut self.deployments {
            if deployment.id == id.as_str() {
                deployment.excluded = None;
            } else {
                deployment.excluded.get_or_insert(Exclusion::Strategy);
            }
        }
    }
}

impl fmt::Display for Explanation {
    /// One line, for a header or a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "group={}; chosen={}", self.group, self.chosen.as_deref().unwrap_or("none"))?;
        for deployment in &self.deployments {
            if let Some(why) = deployment.excluded {
                write!(f, "; {}={}", deployment.id, why.as_str())?;
            }
        }
        Ok(())
    }
}
