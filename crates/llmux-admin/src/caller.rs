//! Who manages, and what of.

use llmux_core::{
    Caller, Error, ErrorKind, IdentityStore, Result,
    tenancy::{MemberRole, Role, Team, Timestamp, VirtualKey},
};
use llmux_db::Database;

use crate::routes::{Right, Route};

/// LiteLLM's name for whoever has the master key.
const OPERATOR: &str = "default_user_id";

/// Whoever sends a request.
///
/// A team's key is in the hands of the team's admins, whoever it names: it has the rights of its user within the team,
/// and neither a role nor a say in what is the user's own.
#[derive(Debug)]
pub(crate) struct Who {
    /// The user, if it is one.
    user: Option<String>,
    role: Option<Role>,
    /// The key; none for the master key.
    pub(crate) key: Option<VirtualKey>,
    /// The team of the key.
    team: Option<Team>,
}

impl Who {
    /// Finds out who it is.
    ///
    /// # Errors
    /// 401 for a key that is unknown, expired or blocked; 503 when that cannot be found out.
    pub(crate) async fn find(db: &Database, caller: Caller) -> Result<Self> {
        let hash = match caller {
            Caller::Operator => {
                let (user, role) = (Some(OPERATOR.to_owned()), Some(Role::ProxyAdmin));
                return Ok(Self { user, role, key: None, team: None });
            }
            Caller::Key(hash) => hash,
            _ => {
                return Err(refused(
                    "no API key was sent: set `Authorization: Bearer <key>`",
                    "invalid_api_key",
                ));
            }
        };
        let found = db.identity(&hash).await?;
        let found = found.ok_or_else(|| refused("the API key is not known", "token_not_found_in_db"))?;
        if found.key.is_expired(Timestamp::now()) {
            return Err(refused("the API key has expired", "expired_key"));
        }
        if found.key.blocked || found.team.as_ref().is_some_and(|team| team.blocked) {
            return Err(refused("the API key is blocked", "auth_error"));
        }
        let role =
            found.user.as_ref().filter(|_| found.key.team_id.is_none()).and_then(|user| user.user_role);
        Ok(Self { user: found.key.user_id.clone(), role, key: Some(found.key), team: found.team })
    }

    /// Whether they may use a route at all.
    ///
    /// # Errors
    /// 403 when they may not.
    pub(crate) fn check(&self, route: &Route) -> Result<()> {
        let routes = self.key.as_ref().map(|key| key.allowed_routes.as_slice()).unwrap_or_default();
        if !routes.is_empty() && !routes.iter().any(|allowed| route.is_allowed_by(allowed)) {
            return Err(denied("this key may not use this route"));
        }
        let allowed = match route.right {
            Right::Admin => self.is_admin(),
            Right::Viewer => self.sees_all(),
            Right::Owner => {
                self.is_admin()
                    || self.role == Some(Role::InternalUser)
                    || self
                        .user
                        .as_deref()
                        .is_some_and(|user| self.team.as_ref().is_some_and(|team| is_team_admin(team, user)))
            }
            Right::Anyone => true,
        };
        if allowed { Ok(()) } else { Err(denied("only a proxy admin may use this route")) }
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.role == Some(Role::ProxyAdmin)
    }

    /// Whether they may see everything.
    pub(crate) fn sees_all(&self) -> bool {
        matches!(self.role, Some(Role::ProxyAdmin | Role::ProxyAdminViewer))
    }

    /// Who is noted as the one who made or changed something.
    pub(crate) fn name(&self) -> &str {
        self.user.as_deref().unwrap_or("unknown")
    }

    /// The user that new keys are for, where nobody else is named.
    pub(crate) fn named(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The user, for what is their own.
    pub(crate) fn me(&self) -> Option<&str> {
        self.user.as_deref().filter(|_| self.key.as_ref().is_none_or(|key| key.team_id.is_none()))
    }

    fn is(&self, user: Option<&str>) -> bool {
        user.is_some() && self.me() == user
    }

    /// The user, for what is a team's.
    fn in_team(&self, team: &str) -> Option<&str> {
        let of_key = self.key.as_ref().and_then(|key| key.team_id.as_deref());
        self.user.as_deref().filter(|_| of_key.is_none_or(|of_key| of_key == team))
    }

    /// Whether they may change what is a user's or a team's.
    ///
    /// # Errors
    /// 403 when they may not.
    pub(crate) async fn may_change(
        &self,
        db: &Database,
        user: Option<&str>,
        team: Option<&str>,
    ) -> Result<()> {
        if self.is_admin() || (team.is_none() && self.role == Some(Role::InternalUser) && self.is(user)) {
            return Ok(());
        }
        if let Some(team) = team
            && let Some(me) = self.in_team(team)
            && db.get::<Team>(team).await?.is_some_and(|team| is_team_admin(&team, me))
        {
            return Ok(());
        }
        Err(denied("it belongs to somebody else"))
    }

    /// Whether they may see what is a user's or a team's.
    ///
    /// # Errors
    /// 403 when they may not.
    pub(crate) async fn may_see(&self, db: &Database, user: Option<&str>, team: Option<&str>) -> Result<()> {
        if self.sees_all() || self.is(user) {
            return Ok(());
        }
        if let Some(team) = team
            && let Some(me) = self.in_team(team)
            && db.get::<Team>(team).await?.is_some_and(|team| team.member(me).is_some())
        {
            return Ok(());
        }
        Err(denied("it belongs to somebody else"))
    }
}

impl Route {
    /// Whether a key's allowed route means this one: by the name of a group, by its path, or by the beginning of it in
    /// front of `*`.
    fn is_allowed_by(&self, allowed: &str) -> bool {
        match (allowed, allowed.strip_suffix('*')) {
            ("management_routes", _) => true,
            ("info_routes", _) => matches!(self.right, Right::Viewer | Right::Anyone),
            (_, Some(beginning)) => self.path().starts_with(beginning),
            (path, None) => self.path() == path,
        }
    }
}

fn is_team_admin(team: &Team, user: &str) -> bool {
    team.member(user).is_some_and(|member| member.role == MemberRole::Admin)
}

fn refused(message: &str, code: &str) -> Error {
    Error::client(ErrorKind::Authentication, message).with_code(code)
}

pub(crate) fn denied(message: &str) -> Error {
    Error::client(ErrorKind::PermissionDenied, message).with_code("auth_error")
}
