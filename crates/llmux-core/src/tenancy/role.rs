//! What an identity may do, by name.

use serde::{Deserialize, Serialize};

/// The role of a user over the whole gateway, in LiteLLM's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Everything. Whoever has the master key acts as this.
    ProxyAdmin,
    /// Sees everything and changes nothing.
    ProxyAdminViewer,
    /// Manages an organization; named in a membership of it.
    OrgAdmin,
    /// Manages their own keys and sees their own spend.
    InternalUser,
    /// Sees their own keys and spend.
    InternalUserViewer,
    /// A team that presents itself, by a token.
    Team,
    /// An end customer.
    Customer,
}

impl Role {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProxyAdmin => "proxy_admin",
            Self::ProxyAdminViewer => "proxy_admin_viewer",
            Self::OrgAdmin => "org_admin",
            Self::InternalUser => "internal_user",
            Self::InternalUserViewer => "internal_user_viewer",
            Self::Team => "team",
            Self::Customer => "customer",
        }
    }
}

/// The role of a user within one team.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MemberRole {
    /// Manages members and keys of the team.
    Admin,
    /// Uses the team's models.
    #[default]
    User,
}
