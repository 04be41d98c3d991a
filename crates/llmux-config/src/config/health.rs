//! How deployments are asked whether they work.

use std::time::Duration;

use serde::Deserialize;

/// The keys of `general_settings` about health checks.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct HealthChecks {
    /// Ask every deployment, again and again.
    #[serde(rename = "background_health_checks")]
    pub background: bool,
    /// Time between two questions to a deployment.
    #[serde(rename = "health_check_interval")]
    pub interval: Duration,
    /// Show more than the model.
    #[serde(rename = "health_check_details")]
    pub details: bool,
    /// Deployments that are asked at once.
    #[serde(rename = "health_check_concurrency")]
    pub concurrency: usize,
    /// Leave those out of `/health`, too, that are not asked in the background.
    #[serde(rename = "health_check_skip_disabled_background_models")]
    pub skip_disabled: bool,
    /// The models that are asked in the background; all if there are none.
    #[serde(rename = "background_health_check_model_groups")]
    pub groups: Vec<String>,
    /// List only models of which a deployment was not found sick.
    #[serde(rename = "model_list_healthy_only")]
    pub list_healthy_only: bool,
    /// Leave out deployments that were found sick.
    #[serde(rename = "enable_health_check_routing")]
    pub routing: bool,
    /// Time for which they are.
    #[serde(rename = "health_check_staleness_threshold")]
    pub staleness: Option<Duration>,
    /// Do not take those for sick that are out of requests or of time.
    #[serde(rename = "health_check_ignore_transient_errors")]
    pub ignore_transient: bool,
}

impl Default for HealthChecks {
    fn default() -> Self {
        Self {
            background: false,
            interval: Duration::from_secs(300),
            details: true,
            concurrency: 16,
            skip_disabled: false,
            groups: Vec::new(),
            list_healthy_only: false,
            routing: false,
            staleness: None,
            ignore_transient: false,
        }
    }
}
