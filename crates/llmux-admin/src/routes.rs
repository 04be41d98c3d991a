//! Every route, what it does, and who may use it.

use http::Method;
use llmux_core::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::{Work, budgets, customers, keys, organizations, spend, teams, users};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// `proxy_admin`.
    Admin,
    /// `proxy_admin` and `proxy_admin_viewer`.
    Viewer,
    /// These, `internal_user` for what is their own, and admins of a team for what is the team's. The handler looks at
    /// the object.
    Owner,
    /// Whoever has a valid key, for what is their own. The handler looks at the object.
    Anyone,
}

/// What a route does: an action on a kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    Key(Action),
    Team(Action),
    User(Action),
    Organization(Action),
    Customer(Action),
    Budget(Action),
    Spend(spend::Report),
}

/// What is done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    New,
    Update,
    Delete,
    Info,
    List,
    Block,
    Unblock,
    Regenerate,
    MemberAdd,
    MemberUpdate,
    MemberDelete,
    Aliases,
    ServiceAccount,
    ResetSpend,
}

/// One route.
#[derive(Debug)]
pub(crate) struct Route {
    /// Its methods.
    methods: &'static [&'static str],
    /// Its path; `*` stands for the name of an object.
    path: &'static str,
    pub(crate) does: Does,
    pub(crate) right: Right,
}

const fn route(methods: &'static [&'static str], path: &'static str, does: Does, right: Right) -> Route {
    Route { methods, path, does, right }
}

const POST: &[&str] = &["POST"];
const GET: &[&str] = &["GET"];
const PATCH: &[&str] = &["PATCH", "POST"];
const DELETE: &[&str] = &["DELETE", "POST"];

use Action as A;
use Right::{Admin, Anyone, Owner, Viewer};

/// All routes.
pub(crate) static ROUTES: &[Route] = &[
    route(POST, "/key/generate", Does::Key(A::New), Owner),
    route(POST, "/key/service-account/generate", Does::Key(A::ServiceAccount), Owner),
    route(POST, "/key/update", Does::Key(A::Update), Owner),
    route(POST, "/key/delete", Does::Key(A::Delete), Owner),
    route(POST, "/key/regenerate", Does::Key(A::Regenerate), Owner),
    route(POST, "/key/*/regenerate", Does::Key(A::Regenerate), Owner),
    route(POST, "/key/*/reset_spend", Does::Key(A::ResetSpend), Admin),
    route(POST, "/key/block", Does::Key(A::Block), Owner),
    route(POST, "/key/unblock", Does::Key(A::Unblock), Owner),
    route(GET, "/key/info", Does::Key(A::Info), Anyone),
    route(GET, "/key/list", Does::Key(A::List), Anyone),
    route(GET, "/key/aliases", Does::Key(A::Aliases), Anyone),
    route(POST, "/team/new", Does::Team(A::New), Admin),
    route(POST, "/team/update", Does::Team(A::Update), Owner),
    route(POST, "/team/delete", Does::Team(A::Delete), Admin),
    route(POST, "/team/block", Does::Team(A::Block), Admin),
    route(POST, "/team/unblock", Does::Team(A::Unblock), Admin),
    route(POST, "/team/member_add", Does::Team(A::MemberAdd), Owner),
    route(POST, "/team/member_update", Does::Team(A::MemberUpdate), Owner),
    route(POST, "/team/member_delete", Does::Team(A::MemberDelete), Owner),
    route(GET, "/team/info", Does::Team(A::Info), Anyone),
    route(GET, "/team/list", Does::Team(A::List), Anyone),
    route(POST, "/user/new", Does::User(A::New), Admin),
    route(POST, "/user/update", Does::User(A::Update), Admin),
    route(POST, "/user/delete", Does::User(A::Delete), Admin),
    route(GET, "/user/info", Does::User(A::Info), Anyone),
    route(GET, "/user/list", Does::User(A::List), Viewer),
    route(POST, "/organization/new", Does::Organization(A::New), Admin),
    route(PATCH, "/organization/update", Does::Organization(A::Update), Admin),
    route(DELETE, "/organization/delete", Does::Organization(A::Delete), Admin),
    route(GET, "/organization/info", Does::Organization(A::Info), Viewer),
    route(GET, "/organization/list", Does::Organization(A::List), Viewer),
    route(POST, "/customer/new", Does::Customer(A::New), Admin),
    route(POST, "/customer/update", Does::Customer(A::Update), Admin),
    route(POST, "/customer/delete", Does::Customer(A::Delete), Admin),
    route(POST, "/customer/block", Does::Customer(A::Block), Admin),
    route(POST, "/customer/unblock", Does::Customer(A::Unblock), Admin),
    route(GET, "/customer/info", Does::Customer(A::Info), Viewer),
    route(GET, "/customer/list", Does::Customer(A::List), Viewer),
    route(POST, "/budget/new", Does::Budget(A::New), Admin),
    route(POST, "/budget/update", Does::Budget(A::Update), Admin),
    route(POST, "/budget/delete", Does::Budget(A::Delete), Admin),
    route(POST, "/budget/info", Does::Budget(A::Info), Viewer),
    route(GET, "/budget/list", Does::Budget(A::List), Viewer),
    route(GET, "/spend/logs", Does::Spend(spend::Report::Logs), Anyone),
    route(GET, "/spend/keys", Does::Spend(spend::Report::KeyRows), Viewer),
    route(GET, "/spend/users", Does::Spend(spend::Report::UserRows), Viewer),
    route(GET, "/spend/tags", Does::Spend(spend::Report::Tags), Viewer),
    route(GET, "/global/spend", Does::Spend(spend::Report::Total), Viewer),
    route(GET, "/global/spend/logs", Does::Spend(spend::Report::Days), Viewer),
    route(GET, "/global/spend/keys", Does::Spend(spend::Report::Keys), Viewer),
    route(GET, "/global/spend/teams", Does::Spend(spend::Report::Teams), Viewer),
    route(GET, "/global/spend/models", Does::Spend(spend::Report::Models), Viewer),
    route(GET, "/global/spend/provider", Does::Spend(spend::Report::Providers), Viewer),
    route(GET, "/global/spend/tags", Does::Spend(spend::Report::Tags), Viewer),
    route(POST, "/global/spend/end_users", Does::Spend(spend::Report::EndUsers), Viewer),
    route(GET, "/global/activity", Does::Spend(spend::Report::Activity), Viewer),
];

impl Route {
    /// Whether a path is of a route, with any method.
    pub(crate) fn claims(path: &str) -> bool {
        ROUTES.iter().any(|route| route.matches(&plain(path)).is_some())
    }

    /// The route of a request, and the object that its path names.
    ///
    /// # Errors
    /// When the path wants another method.
    pub(crate) fn find(method: &Method, path: &str) -> Result<(&'static Self, Option<String>)> {
        let path = plain(path);
        let mut others = ROUTES.iter().filter_map(|route| Some((route, route.matches(&path)?))).peekable();
        let wanted = others.peek().map(|(route, _)| route.methods.join(", ")).unwrap_or_default();
        let found = others.find(|(route, _)| route.methods.contains(&method.as_str()));
        let (route, named) = found.ok_or_else(|| {
            let message = format!("{method} is not allowed for {path}; use {wanted}");
            Error::client(ErrorKind::MethodNotAllowed, message)
        })?;
        Ok((route, named.map(str::to_owned)))
    }

    /// Its path, with `*` for the name of an object.
    pub(crate) const fn path(&self) -> &'static str {
        self.path
    }

    /// What the path names, if it is of this route.
    fn matches<'p>(&self, path: &'p str) -> Option<Option<&'p str>> {
        let Some((before, behind)) = self.path.split_once('*') else {
            return (self.path == path).then_some(None);
        };
        let named = path.strip_prefix(before)?.strip_suffix(behind)?;
        (!named.is_empty() && !named.contains('/')).then_some(Some(named))
    }
}

/// A path without a slash at its end; `/end_user` is the same as `/customer`.
fn plain(path: &str) -> String {
    let path = path.trim_end_matches('/');
    match path.strip_prefix("/end_user/") {
        Some(rest) => format!("/customer/{rest}"),
        None => path.to_owned(),
    }
}

pub(crate) async fn run(does: Does, work: Work<'_>) -> Result<Value> {
    match does {
        Does::Key(action) => keys::run(action, work).await,
        Does::Team(action) => teams::run(action, work).await,
        Does::User(action) => users::run(action, work).await,
        Does::Organization(action) => organizations::run(action, work).await,
        Does::Customer(action) => customers::run(action, work).await,
        Does::Budget(action) => budgets::run(action, work).await,
        Does::Spend(report) => spend::run(report, work).await,
    }
}

/// For an action that a kind of object does not have.
pub(crate) fn nothing() -> Error {
    Error::client(ErrorKind::NotFound, "there is no such action")
}
